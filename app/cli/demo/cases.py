"""Demo registrations in every status, made by the services themselves at past moments of a working week."""

from __future__ import annotations

import io
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.cli.demo import badges, words
from app.core import calendar, clock, files, keys
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.policy import Actor
from app.core.unit_of_work import unit_of_work
from app.customers.models import Customer
from app.hospitals.models import Department, Hospital
from app.registrations import service
from app.registrations.models import Registration
from app.staff.models import StaffAccount
from app.staff.roles import Role, rights_of

# status -> its share of the whole, in thousandths; what is left waits
SHARES = {
    "approved": 280, "needs_resubmission": 90, "rejected": 50, "awaiting_second": 30, "on_hold": 25, "lapsed": 20,
    "withdrawn": 20, "appealed": 15, "merged": 15, "suspended": 15, "revoked": 15,
}  # fmt: skip
ALL_SEEN = dict.fromkeys(service.FIELDS, "seen")
RETRY = (
    ("photo_blurred", "照片模糊，看不清文字。请在光线充足处对焦后重拍。"),
    ("photo_glare", "证件反光，部分文字看不清。请避开灯光重拍。"),
)
FINAL = ("not_medical_staff", "提交的证件不能说明您使用医疗内镜产品，本次注册不予通过。")


@dataclass(frozen=True, slots=True)
class Cast:
    """The reviewers who decide in the demo: the first leads."""

    lead: Actor
    second: Actor

    def decider(self, row_id: uuid.UUID) -> Actor:
        """Two of five cases are the second's; picking them needs a lead's right, which the demo lends."""
        lent = Actor(self.second.kind, self.second.id, self.second.name, self.lead.rights)
        return lent if row_id.int % 5 < 2 else self.lead


def cast() -> Cast:
    def actor(email: str, lead: bool) -> Actor:
        row = db.session.scalars(sa.select(StaffAccount).where(StaffAccount.email == email)).one()
        return Actor("staff", row.id, row.name, rights_of([(Role.REVIEWER.value, None, lead)]))

    return Cast(actor("reviewer@demo.invalid", True), actor("reviewer2@demo.invalid", False))


def plan(count: int) -> list[str]:
    """The statuses to make, every one at least once, waiting ones last."""
    made = [status for status, share in SHARES.items() for _n in range(max(1, count * share // 1000))]
    return (made + ["pending"] * max(1, count - len(made)))[:count]


def load(rng: random.Random, count: int) -> None:
    with unit_of_work(write=False):
        people = cast()
        places = _places(count)
    newest = clock.now()
    waiting: bytes | None = None  # the first waiting case's photo: the last case sends it a second time
    for i, status in enumerate(plan(count)):
        hospital, department = places[rng.randrange(len(places))]
        at = _moment(rng, newest, status)
        photo = badges.again(waiting) if waiting is not None and i == count - 1 else None
        with clock.frozen(at), unit_of_work():
            row_id, customer, sent = _submit(rng, i, hospital, department, photo)
        if status == "pending" and waiting is None:
            waiting = sent
        STORIES[status](people, row_id, customer, at)


def _places(count: int) -> list[tuple[tuple[uuid.UUID, str], tuple[uuid.UUID, str]]]:
    rows = db.session.execute(
        sa.select(Hospital.id, Hospital.name, Department.id, Department.name)
        .join(Department, Department.hospital_id == Hospital.id)
        .order_by(Hospital.code, Department.name_key)
        .limit(max(400, count))
    )
    return [((r[0], r[1]), (r[2], r[3])) for r in rows]


def _moment(rng: random.Random, newest: datetime, status: str) -> datetime:
    """A moment in office hours: the last two days for what waits, earlier for what was decided."""
    days = (
        rng.randint(0, 2) if status == "pending" else rng.randint(20, 24) if status == "lapsed" else rng.randint(2, 9)
    )
    day = calendar.add_working_days(newest.astimezone(SHANGHAI).date(), -days)
    at = datetime(
        day.year, day.month, day.day, rng.randint(9, 16), rng.randint(0, 59), rng.randint(0, 59), tzinfo=SHANGHAI
    )
    return min(at, newest - timedelta(minutes=rng.randint(3, 50)))


def _submit(
    rng: random.Random,
    i: int,
    hospital: tuple[uuid.UUID, str],
    department: tuple[uuid.UUID, str],
    photo: bytes | None = None,
) -> tuple[uuid.UUID, Actor, bytes]:
    """One round by a new person, with a badge of his own or with ``photo``; the case, the person, what was sent."""
    now = clock.now()
    name = rng.choice(words.SURNAMES) + rng.choice(words.GIVEN)
    position, title = rng.choice(words.POSITIONS), rng.choice(words.TITLES)
    customer = Customer(
        subject_id=keys.new_subject(), phone=f"1380000{i:04}", name=name, created_at=now, last_used_at=now,
        adult_asserted_at=now,
    )  # fmt: skip
    db.session.add(customer)
    db.session.flush()
    actor = Actor("customer", customer.id)
    shown = position if rng.random() < 0.6 else None
    badge = badges.Badge(hospital[1], name, department[1], title, shown, f"YB-{i:06}")
    sent = photo or badges.draw(badge, rng)
    taken = files.images.intake(io.BytesIO(sent), "badge.jpg")
    row = service.submit(
        actor,
        service.Claim(
            name=name, position=position, title=title, policy_version="1", badge_consent=True, is_adult=True,
            photos=[taken], hospital_id=hospital[0], department_id=department[0],
        ),
    )  # fmt: skip
    return row.id, actor, sent


def _decide(
    by: Actor, row_id: uuid.UUID, at: datetime, verb: Callable[..., object], entered: service.Entered, **kw: object
) -> datetime:
    """Claim at ``at`` and decide a minute later; the moment after the undo window."""
    with clock.frozen(at), unit_of_work():
        row, token = service.claim(by, row_id)
        seen = service.Seen(token, row.evidence_version)
    with clock.frozen(at + timedelta(minutes=1)), unit_of_work():
        verb(by, row_id, seen, entered, **kw)
    return at + timedelta(minutes=5)


def _approve(people: Cast, row_id: uuid.UUID, _customer: Actor, at: datetime) -> datetime:
    return _decide(
        people.decider(row_id), row_id, at + timedelta(minutes=20), service.approve, service.Entered(ALL_SEEN)
    )


def _ask_again(people: Cast, row_id: uuid.UUID, _customer: Actor, at: datetime) -> datetime:
    code, text = RETRY[row_id.int % 2]
    entered = service.Entered({"name": "seen"}, (code,), text, "")
    return _decide(people.decider(row_id), row_id, at + timedelta(minutes=30), service.ask_again, entered)


def _reject(people: Cast, row_id: uuid.UUID, _customer: Actor, at: datetime) -> datetime:
    entered = service.Entered({"name": "seen"}, (FINAL[0],), FINAL[1], "证件为其他行业")
    return _decide(people.decider(row_id), row_id, at + timedelta(minutes=25), service.reject, entered)


def _hold(people: Cast, row_id: uuid.UUID, _customer: Actor, at: datetime) -> datetime:
    moment = max(at, clock.now() - timedelta(hours=2))
    with clock.frozen(moment):
        until = calendar.add_working_days(clock.today(), 2)
    return _decide(
        people.lead, row_id, moment, service.hold, service.Entered({}, (), "", "等医院回电核实"), until=until
    )


def _second(people: Cast, row_id: uuid.UUID, _customer: Actor, at: datetime) -> datetime:
    entered = service.Entered({**ALL_SEEN, "position": "claimed_only"}, (), "", "字体与同院其他证件不同，请再看一遍")
    return _decide(people.lead, row_id, at + timedelta(minutes=15), service.ask_second, entered, proposal="approve")


def _withdraw(_people: Cast, _row_id: uuid.UUID, customer: Actor, at: datetime) -> datetime:
    with clock.frozen(at + timedelta(hours=1)), unit_of_work():
        service.withdraw(customer)
    return at


def _appeal(people: Cast, row_id: uuid.UUID, customer: Actor, at: datetime) -> datetime:
    later = _reject(people, row_id, customer, at)
    with clock.frozen(later + timedelta(minutes=30)), unit_of_work():
        service.appeal(customer, "我在消化内镜中心工作，附上的是新发的工作证，请再核对一次。")
    return later


def _merge(people: Cast, row_id: uuid.UUID, _customer: Actor, at: datetime) -> datetime:
    with unit_of_work(write=False):
        target = db.session.scalars(
            sa.select(Registration.number).where(Registration.status == "approved").order_by(Registration.id).limit(1)
        ).one()
    entered = service.Entered({"name": "seen"}, (), "", "同一人两次提交")
    return _decide(
        people.lead, row_id, at + timedelta(minutes=40), service.merge, entered, target_number=target, same_person=True
    )


def _suspend(people: Cast, row_id: uuid.UUID, customer: Actor, at: datetime) -> datetime:
    later = _approve(people, row_id, customer, at)
    entered = service.Entered({}, (), "您的注册已暂停，我们正在核实在职情况。", "医院来函称已离职")
    with clock.frozen(later), unit_of_work():
        service.suspend(people.lead, row_id, entered)
    return later


def _revoke(people: Cast, row_id: uuid.UUID, customer: Actor, at: datetime) -> datetime:
    later = _suspend(people, row_id, customer, at) + timedelta(minutes=30)
    second = Actor(people.second.kind, people.second.id, people.second.name, people.lead.rights)
    with clock.frozen(later), unit_of_work():
        service.revoke(second, row_id, service.Entered({}, (), "您的注册已撤销。", "离职已核实"))
    return later


def _wait(_people: Cast, _row_id: uuid.UUID, _customer: Actor, at: datetime) -> datetime:
    return at


STORIES: dict[str, Callable[[Cast, uuid.UUID, Actor, datetime], datetime]] = {
    "pending": _wait, "approved": _approve, "needs_resubmission": _ask_again, "rejected": _reject, "on_hold": _hold,
    "awaiting_second": _second, "lapsed": _ask_again, "withdrawn": _withdraw, "appealed": _appeal, "merged": _merge,
    "suspended": _suspend, "revoked": _revoke,
}  # fmt: skip
