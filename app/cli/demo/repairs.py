"""Demo tickets in all eighteen statuses, made by the services at past moments of office time: events and clocks are
real. Engineers are the accounts of their role; the same seed gives the same stories."""

from __future__ import annotations

import io
import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from app.cli.demo import scopes, tickets
from app.cli.demo.staff import addresses
from app.cli.demo.tickets import Reporter, Scope
from app.core import calendar, clock
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.files import images
from app.core.files.images import CleanImage
from app.core.policy import Actor
from app.core.unit_of_work import unit_of_work
from app.staff import queries
from app.staff.models import StaffAccount
from app.staff.roles import Role
from app.tickets import service
from app.tickets.bench import RELEASE_TESTS
from app.tickets.facts import EligibilityProof, Facts, Work
from app.tickets.models import PartLine, Ticket
from app.tickets.service import Intake, Seen, depot, depot_quote, depot_release, field, pauses, say
from app.tickets.service.depot import Received, Sending, Wanted
from app.tickets.service.depot_quote import Line, Offer
from app.tickets.service.depot_release import Measured
from app.tickets.service.field import Collected
from app.tickets.service.move import move

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
BREATH = 0.45  # hours
PHOTOS = 6  # drawings that the stories share
FAULTS = (
    ("leak", "插入部漏水，测漏不通过"), ("image", "图像出现横纹，重启后仍在"), ("angulation", "弯曲角度不足，上下不到位"),
    ("channel", "送气送水不畅，按钮卡住"), ("light", "光源亮度偏低，灯泡时数已满"), ("electrical", "主机开机报错，无法进入"),
    ("mechanical", "先端帽松动，需要更换"), ("reprocessing", "洗消后镜面起雾，擦拭无效"),
)  # fmt: skip
REPAIRS = (
    ("弯曲橡皮破损", "更换弯曲橡皮，重新粘接并测漏"),
    ("换钳道管渗漏", "更换换钳道管"),
    ("导光束断丝", "更换导光束"),
)


@dataclass(frozen=True, slots=True)
class Cast:
    """Who does what; two of those who take turns."""

    triager: Actor
    second: Actor
    dispatcher: Actor
    engineers: tuple[Actor, Actor]
    bench: Actor
    tester: Actor


@dataclass
class Tale:
    """One ticket on its way. ``tick`` moves its own clock on by working hours, never past now."""

    cast: Cast
    rng: random.Random
    reporter: Reporter
    scope: Scope
    moment: datetime
    newest: datetime
    id: uuid.UUID | None = None
    number: str = ""

    @property
    def customer(self) -> Actor:
        return Actor("customer", self.reporter.customer_id)

    @property
    def engineer(self) -> Actor:
        return self.cast.engineers[int(self.scope.serial[-1]) % 2]

    @property
    def own(self) -> frozenset[uuid.UUID]:
        return frozenset({_id(self.engineer)})

    def tick(self, hours: float) -> None:
        shortly = hours < BREATH  # goes on through the lunch hour: a claim would lapse
        later = self.moment + hours * HOUR if shortly else calendar.add_working_hours(self.moment, hours)
        self.moment = min(later, self.newest)

    def do(self, hours: float, act: Callable[[], Any]) -> Any:
        """``act`` in a unit of work of its own, so many working hours later."""
        self.newest += timedelta(seconds=1)
        with unit_of_work(write=False):
            self.tick(hours)
        with clock.frozen(self.moment), unit_of_work():
            return act()

    def row(self) -> Ticket:
        return db.session.get_one(Ticket, self.id)

    def seen(self) -> Seen:
        return Seen(self.row().version)

    def report(self, *, photos: int = 1, harm: str = "") -> None:
        fault = self.rng.choice(FAULTS)
        shown = [drawn(self.rng.randrange(PHOTOS)) for _n in range(photos)]
        intake = Intake(
            self.reporter.hospital_id, fault[1], self.reporter.department_id, self.scope.model, self.scope.serial,
            photos=shown,
        )  # fmt: skip
        row = self.do(0, lambda: service.record_ticket(self.customer, intake))
        self.id, self.number = row.id, row.number
        self.noted = {
            "harm": harm or "no", "hospital_matched": True, "duplicates_reviewed": True, "fault_class": fault[0],
            "priority": self.rng.choice(("p1", "p2", "p2", "p3", "p3", "p3")), "service_mode": "on_site",
            "warranty_basis": self.rng.choice(("paid", "unclear", "contract")),
        }  # fmt: skip

    def claim(self, hours: float = 0.4) -> None:
        self.do(hours, lambda: service.claim(self.triager, _key(self.id), self.seen()))

    @property
    def triager(self) -> Actor:
        return self.cast.triager if int(self.scope.serial[0]) % 2 else self.cast.second

    def note(self, **more: Any) -> None:
        self.do(0.1, lambda: service.note_down(self.triager, _key(self.id), {**self.noted, **more}))

    def ask(self) -> None:
        asked, words = ["photo_of_plate", "when_it_happens"], "请补拍铭牌，并告诉我们故障什么时候出现。"
        self.do(0.1, lambda: service.ask(self.triager, _key(self.id), self.seen(), asked, words))

    def answer(self) -> None:
        self.do(3, lambda: service.answer_own(self.customer, self.number, "每次吸引时出现，铭牌见照片。", [drawn(1)]))

    def triaged(self, **more: Any) -> None:
        self.report(photos=self.rng.choice((0, 1, 2)))
        self.claim()
        self.note(**more)
        self.do(0.1, lambda: service.finish(self.triager, _key(self.id), self.seen()))

    def window(self) -> tuple[datetime, datetime]:
        begins = calendar.add_working_hours(self.moment, 4)
        return begins, begins + 2 * HOUR

    def _visit(self, action: str, by: Actor, **more: Any) -> None:
        row, window, who = self.row(), self.window(), _id(self.engineer)
        proof = EligibilityProof(row.id, row.version, who, *window, self.moment, may_repair=True)
        facts = Facts(now=self.moment, proof=proof, assignee_ids=self.own, assigned_to=who, window=window)
        placed = {"assignee_kind": "engineer", "assignee_id": who, "assignee_name": self.engineer.name,
                  "window_from": window[0], "window_until": window[1]}  # fmt: skip
        move(row, action, by, facts, changes={**placed, **more})

    def offer(self) -> None:
        def made() -> None:
            until = calendar.add_working_hours(self.moment, 4)
            self._visit("offer_ticket", self.cast.dispatcher, accept_by=until, wakes_at=until)

        self.do(1, made)

    def scheduled(self, **more: Any) -> None:
        self.triaged(**more)
        self.offer()
        self.do(0.5, lambda: self._visit("accept_offer", self.engineer, accept_by=None))

    def on_site(self) -> None:
        self.scheduled()
        self.do(4, lambda: field.arrive(self.engineer, _key(self.id), self.own, serial=self.scope.serial))

    def collect(self, **more: Any) -> None:
        self.scheduled(**more, service_mode="collect")
        taken = Collected(self.scope.serial, True, True, "活检阀、吸引阀各 1", self.seal)
        self.do(4, lambda: field.collect(self.engineer, _key(self.id), self.own, taken, [drawn(2, ring=False)]))

    @property
    def seal(self) -> str:
        return f"F-{int(self.scope.serial) % 10_000:04d}"

    def received(self, **more: Any) -> None:
        self.collect(**more)
        got = Received(self.scope.serial, self.seal, "活检阀、吸引阀各 1")
        self.do(7, lambda: depot.receive(
            self.cast.bench, _key(self.id), self.seen(), got, [drawn(3, ring=False), drawn(4)]
        ))  # fmt: skip

    def quote(self) -> None:
        lines = [Line("更换弯曲橡皮", 1, self.rng.randrange(900, 2_400) * 100), Line("测漏与检验", 1, 30_000)]

        def send() -> None:
            day = (self.newest + timedelta(days=4)).astimezone(SHANGHAI).date()
            words = "更换弯曲橡皮，含测漏、绝缘和图像检验，保修 90 天。"
            offer = Offer(lines, words, day, "先端部有咬痕，见外观照片")
            depot_quote.send(self.cast.bench, _key(self.id), self.seen(), offer)

        self.do(3, send)

    def quote_answered(self, accept: bool) -> None:
        self.do(5, lambda: depot_quote.answer_own(self.customer, self.number, 1, accept=accept))

    def want(self) -> None:
        def listed() -> None:
            days = [clock.today() + timedelta(days=n) for n in (3, 6)]
            lines = [Wanted("P-290-11", "弯曲橡皮", 1, days[0]), Wanted("P-290-40", "换钳道管", 1, days[1])]
            depot.await_parts(self.cast.bench, _key(self.id), self.seen(), lines)

        self.do(3, listed)

    def parts(self, state: str, most: int = 9) -> None:
        def step() -> None:
            found = sa.select(PartLine.id).where(PartLine.ticket_id == self.id).order_by(PartLine.part_number)
            ids = db.session.scalars(found.limit(most)).all()
            depot.account_parts(self.cast.bench, _key(self.id), self.seen(), dict.fromkeys(ids, state))

        self.do(10, step)

    def repaired(self) -> None:
        fault, action = self.rng.choice(REPAIRS)
        self.do(7, lambda: depot.finish_repair(self.cast.bench, _key(self.id), self.seen(), fault, action, {}))

    def tested(self, *, passed: bool = True) -> None:
        def judge() -> None:
            verb = depot_release.release if passed else depot_release.fail
            verb(self.cast.tester, _key(self.id), self.seen(), sheet(leak=passed))

        self.do(2, judge)

    def sent(self) -> None:
        how = Sending("courier", "", f"SF{self.scope.serial}", self.seal, "活检阀、吸引阀各 1", label=True)
        self.do(1, lambda: depot.send_back(self.cast.bench, _key(self.id), self.seen(), how))

    def delivered(self) -> None:
        self.do(6, lambda: depot.confirm_delivery(self.cast.bench, _key(self.id), self.seen(), True, [drawn(5)]))

    def fixed_on_site(self) -> None:
        self.on_site()
        fault, action = self.rng.choice(REPAIRS)
        work = Work(fault, action, signed_by_hospital=True)
        self.do(2, lambda: field.finish_repair(self.engineer, _key(self.id), self.own, work, sheet()))

    def confirmed(self) -> None:
        self.do(3, lambda: service.confirm(self.customer, self.number))

    def talked(self) -> None:
        self.do(0.5, lambda: service.write_own(self.customer, self.number, "下周二有检查安排，能否在那之前修好？", []))
        self.do(0.5, lambda: say.note(self.cast.triager, _key(self.id), "科室下周二用镜，已告知返厂车间。"))

    def paused(self) -> None:
        def stand() -> None:
            until = calendar.add_working_hours(clock.now(), 16)
            pauses.pause(self.cast.triager, _key(self.id), "site_closed", until, "科室装修，周四起可进入。")

        self.do(0.5, stand)

    def rejected(self) -> None:
        self.report(photos=0)
        self.claim()
        self.note(priority="p4")
        words = "这是其他品牌的设备，请联系其厂家；需要帮助时可致电客服。"
        self.do(0.1, lambda: service.reject(self.triager, _key(self.id), self.seen(), "not_our_device", words))

    def cancelled(self) -> None:
        self.report(photos=0)
        self.do(2, lambda: service.cancel_own(self.customer, self.number))

    def merged(self, into: str) -> None:
        self.report()
        self.claim()
        self.do(0.1, lambda: service.merge(self.triager, _key(self.id), self.seen(), into, "same_fault"))


def _key(found: uuid.UUID | None) -> uuid.UUID:
    assert found is not None, "reported first"
    return found


def _id(actor: Actor) -> uuid.UUID:
    assert actor.id is not None, "an account"
    return actor.id


def sheet(*, leak: bool = True) -> list[Measured]:
    until = clock.today() + timedelta(days=200)
    return [
        Measured(
            test.key, leak if test.key == "leak" else True, "0.02 mA" if test.gauged else "",
            "G-17" if test.gauged else "", until if test.gauged else None,
        )
        for test in RELEASE_TESTS
    ]  # fmt: skip


@lru_cache(maxsize=2 * PHOTOS)
def drawn(number: int, *, ring: bool = True) -> CleanImage:
    """One of a few drawings, through the intake as every photo."""
    return images.intake(io.BytesIO(scopes.draw(random.Random(number), ring=ring)), "photo.jpg")


def _does(*steps: Callable[[Tale], Any]) -> Callable[[Tale], None]:
    def tell(tale: Tale) -> None:
        for step in steps:
            step(tale)

    return tell


T = Tale
# status -> how many, working days ago at most, and the ways there in turn
STORIES: Mapping[str, tuple[int, int, tuple[Callable[[Tale], None], ...]]] = {
    "submitted": (5, 2, (_does(T.report), _does(lambda t: t.report(photos=2)))),
    "triaging": (2, 0, (_does(lambda t: t.report(photos=2), lambda t: t.claim(0), T.note),)),
    "need_info": (4, 2, (_does(T.report, T.claim, T.note, T.ask),)),
    "to_dispatch": (5, 4, (_does(T.triaged), _does(T.report, T.claim, T.note, T.ask, T.answer, T.note,
                                                 lambda t: t.do(0.1, lambda: service.finish(
                                                     t.triager, _key(t.id), t.seen()))), _does(T.triaged, T.paused))),
    "offered": (3, 0, (_does(T.triaged, T.offer),)),
    "scheduled": (5, 1, (_does(T.scheduled), _does(T.scheduled, T.talked))),
    "on_site": (3, 2, (_does(T.on_site),)),
    "collecting": (3, 2, (_does(T.collect),)),
    "in_depot": (5, 6, (_does(T.received), _does(T.received, T.repaired, lambda t: t.tested(passed=False)),
                        _does(lambda t: t.received(harm="possible")),
                        _does(T.received, T.quote, lambda t: t.quote_answered(True)))),
    "wait_quote": (3, 4, (_does(T.received, T.quote),)),
    "wait_parts": (4, 5, (_does(T.received, T.want), _does(T.received, T.want, lambda t: t.parts("arrived", 1)))),
    "release_test": (3, 6, (_does(T.received, T.repaired), _does(T.received, T.want, lambda t: t.parts("arrived"),
                                                                T.repaired, lambda t: t.parts("used")))),
    "returning": (3, 7, (_does(T.received, T.repaired, T.tested), _does(T.received, T.quote,
                         lambda t: t.quote_answered(False)), _does(T.received, T.repaired, T.tested, T.sent))),
    "resolved": (3, 6, (_does(T.fixed_on_site), _does(T.received, T.repaired, T.tested, T.sent, T.delivered))),
    "closed": (4, 9, (_does(T.fixed_on_site, T.confirmed),
                      _does(T.received, T.repaired, T.tested, T.sent, T.delivered, T.confirmed))),
    "cancelled": (2, 5, (_does(T.cancelled),)),
    "rejected": (2, 5, (_does(T.rejected),)),
}  # fmt: skip
MERGED = 2


def load(rng: random.Random, *, each: int | None = None) -> None:
    """About sixty tickets; ``each``: so many of every status at most, for tests."""
    with unit_of_work(write=False):
        people, reporters = cast(), tickets.reporters()
        wards = {r.hospital_id: tickets.departments(r.hospital_id) for r in reporters}
    if not reporters:
        return
    newest, told, last = clock.now() - 5 * MINUTE, 0, ""
    for status, (count, days, ways) in STORIES.items():
        for n in range(min(count, each or count)):
            tale = _tale(rng, people, reporters[told % len(reporters)], wards, newest, days)
            told += 1
            try:
                ways[n % len(ways)](tale)
            except calendar.CalendarMissing:  # a promise would end beyond the loaded days: left where it was refused
                continue
            last = tale.number if status == "to_dispatch" else last
    for _n in range(min(MERGED, each or MERGED)):
        tale = _tale(rng, people, reporters[told % len(reporters)], wards, newest, 1)
        with unit_of_work():
            target = db.session.scalars(sa.select(Ticket).where(Ticket.number == last)).one()
            place, ward = target.hospital_id, target.device_department_id
            owner = next(r for r in reporters if r.customer_id == target.customer_id)
        assert ward is not None, "every story names the ward"
        tale.reporter = Reporter(owner.customer_id, place, ward, owner.since)
        tale.merged(last)


def _tale(
    rng: random.Random, people: Cast, reporter: Reporter, wards: Mapping[uuid.UUID, list[uuid.UUID]],
    newest: datetime, days: int,
) -> Tale:  # fmt: skip
    """A new device of the register, and the morning on which it broke."""
    with unit_of_work():
        ward = rng.choice(wards[reporter.hospital_id]) if wards[reporter.hospital_id] else reporter.department_id
        scope = tickets.device(rng, reporter.hospital_id, ward, newest)
        begins = newest - rng.randint(3, 8) * MINUTE
        if days:
            day = calendar.add_working_days(newest.astimezone(SHANGHAI).date(), -days)
            hour, minute = rng.randint(9, 11), rng.randint(0, 59)
            begins = datetime(day.year, day.month, day.day, hour, minute, tzinfo=SHANGHAI)
    return Tale(people, rng, reporter, scope, min(begins, newest - 10 * MINUTE if days else begins), newest)


def cast() -> Cast:
    def actor(role: Role, n: int = 0) -> Actor:
        found = sa.select(StaffAccount.id).where(StaffAccount.email == addresses(role)[n])
        return queries.actor_of(db.session.scalars(found).one())

    return Cast(
        actor(Role.TRIAGER), actor(Role.TRIAGER, 1), actor(Role.DISPATCHER),
        (actor(Role.ENGINEER), actor(Role.ENGINEER, 1)), actor(Role.DEPOT), actor(Role.QUALITY),
    )  # fmt: skip
