"""Demo dispatch: engineers of some provinces, a dealer with a contract in force and one whose contract has lapsed, and
tickets that wait, are offered and are planned."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from datetime import timedelta

import sqlalchemy as sa

from app.cli.demo import rota
from app.cli.demo import staff as accounts
from app.cli.demo.directory import MIDDLES
from app.core import clock
from app.core.db import db
from app.core.errors import DomainError
from app.core.policy import SYSTEM, Actor
from app.core.unit_of_work import savepoint, unit_of_work
from app.dealers import service as dealers
from app.dealers.lines import ProductLine
from app.dealers.models import Dealer
from app.dealers.service import ContractData, DealerData
from app.dispatch import service
from app.dispatch.eligibility import half_plans
from app.dispatch.eligibility import load as eligibility
from app.dispatch.models import Skill
from app.dispatch.service import Order, people
from app.dispatch.service.people import EngineerData
from app.dispatch.service.pool import AHEAD, refresh_due
from app.staff import queries as staff
from app.staff import service as staff_service
from app.staff.models import StaffAccount
from app.staff.roles import Role
from app.tickets import service as tickets
from app.tickets.models import Ticket
from app.tickets.service import Seen
from app.tickets.workflow import Status

PROVINCES_SERVED = 6
WAITING, OFFERED, PLANNED = 6, 4, 9
GIVEN = "立言知行文思远航明诚"
ELEMENTS = {
    "purpose": "上门检查、取件和维修", "term": "与服务合同一致", "method": "只在本门户查看，不导出",
    "data_kinds": "联系人姓名、电话、医院、科室、设备和故障", "measures": "专人账号、两步登录、终端加密",
    "duties": "按指示处理，出现事件一小时内报告", "supervision": "每季度检查一次访问记录", "at_the_end": "delete",
}  # fmt: skip
FAULTS = ("leak", "angulation", "channel", "image", "light", "electrical")
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def load(rng: random.Random, secret: str) -> None:
    """Small and quick; tickets are taken from those that wait for triage."""
    with unit_of_work():
        waiting = list(db.session.scalars(_waiting()))
        served = [code for code, _n in Counter(row.province for row in waiting).most_common(PROVINCES_SERVED)]
        for n, province in enumerate(served):
            _engineers(rng, n, province, secret)
        _dealers(rng, served)
    chosen = [row.number for row in waiting if row.province in served][: WAITING + OFFERED + PLANNED]
    for number in chosen:
        with unit_of_work():
            _triaged(rng, number)
    for n, number in enumerate(chosen[: OFFERED + PLANNED]):
        with unit_of_work():
            _offered(rng, number, accepted=n < PLANNED)
    rota.load_week(rng, _actor(Role.DISPATCHER))
    with unit_of_work():
        refresh_due()


def _waiting() -> sa.Select[Ticket]:
    query = sa.select(Ticket).where(Ticket.status == Status.SUBMITTED, Ticket.serial_number.is_not(None))
    return query.order_by(Ticket.opened_at, Ticket.id)


def _account(email: str) -> uuid.UUID | None:
    return db.session.scalar(sa.select(StaffAccount.id).where(StaffAccount.email == email))


def _engineers(rng: random.Random, n: int, province: str, secret: str) -> None:
    """Two per province, the first two of them the demo's own accounts; one certificate in four has lapsed."""
    today = clock.today()
    for i in range(2):
        email = accounts.addresses(Role.ENGINEER)[i] if n == 0 else f"engineer-{province}-{i + 1}@demo.invalid"
        staff_id = _account(email)
        if staff_id is None:
            name = accounts.SURNAMES[(2 * n + i) % 13] + GIVEN[n % 10] + GIVEN[(n + i + 1) % 10]
            roles: list[tuple[Role | str, list[str] | None, bool]] = [(Role.ENGINEER, None, False)]
            staff_id = staff_service.create_active(SYSTEM, email, name, secret, roles=roles).id
        lat, lon = (round(middle + rng.uniform(-0.5, 0.5), 4) for middle in MIDDLES[province])
        lines = tuple(line.value for line in ProductLine) if i == 0 else ("gastro", "systems")
        data = EngineerData(f"400-820-{1000 + 10 * n + i}", "演示服务点", lat, lon, (province,), lines, 1 + i)
        people.keep(SYSTEM, staff_id, data)
        for k, skill in enumerate((Skill.SCOPE, Skill.PROCESSOR, Skill.LIGHT)):
            lapsed = (n + i + k) % 4 == 3
            until = today + timedelta(days=rng.randint(20, 500) if not lapsed else -rng.randint(3, 60))
            number = f"YS-{province}{i}{k}-{rng.randrange(1000):03d}"
            people.add_skill(SYSTEM, staff_id, skill.value, number, until - timedelta(days=600), until)
        if i == 1 and n == 1:
            people.add_absence(SYSTEM, staff_id, today, today + timedelta(days=2), "training")


def _dealers(rng: random.Random, served: list[str]) -> None:
    today = clock.today()
    first = db.session.scalars(sa.select(Dealer).order_by(Dealer.name)).first()
    lat, lon = MIDDLES[served[0]] if served else (31.2, 121.5)
    if first is None:
        return

    def data_of(name: str) -> DealerData:
        lines = ("gastro", "respiratory", "systems")
        return DealerData(name, provinces=tuple(served[:3]), product_lines=lines, lat=lat, lon=lon)

    dealers.change_dealer(SYSTEM, first.id, first.version, data_of(first.name))
    second = dealers.add_dealer(SYSTEM, data_of("海演示医疗服务"))
    dealers.add_dealer(SYSTEM, data_of("岭演示器械"))  # no contract yet
    for dealer, begins, ends in ((first, -200, 165), (second, -400, -9)):
        data = ContractData(
            f"DS-{today.year}-{rng.randrange(1000):03d}", today + timedelta(days=begins), today + timedelta(days=ends),
            ELEMENTS, f"PIA-{today.year}-{rng.randrange(100):02d}", may_repair=dealer is first, may_collect=True,
        )  # fmt: skip
        row = dealers.add_contract(SYSTEM, dealer.id, data, PDF)
        dealers.confirm_contract(SYSTEM, row.id)


def _actor(role: Role) -> Actor:
    found = _account(accounts.addresses(role)[0])
    assert found is not None, "the accounts are loaded first"
    return staff.actor_of(found)


def _triaged(rng: random.Random, number: str) -> None:
    """What a triager would have noted down."""
    triager = _actor(Role.TRIAGER)
    row = db.session.scalars(sa.select(Ticket).where(Ticket.number == number)).one()
    noted = {
        "harm": "no", "hospital_matched": True, "duplicates_reviewed": True, "fault_class": rng.choice(FAULTS),
        "priority": rng.choice(("p2", "p3", "p3", "p4")), "warranty_basis": rng.choice(("warranty", "paid")),
        "service_mode": "collect" if rng.random() < 0.25 else "on_site",
    }  # fmt: skip
    tickets.claim(triager, row.id, Seen(row.version))
    tickets.note_down(triager, row.id, noted)
    tickets.finish(triager, row.id, Seen(row.version))


def _offered(rng: random.Random, number: str, *, accepted: bool) -> None:
    """To the best of one of the next half days, now and then to the second; to nobody where nobody is eligible."""
    dispatcher, now = _actor(Role.DISPATCHER), clock.now()
    found = eligibility.job(dispatcher, number)
    plans = half_plans(now + AHEAD, 6)
    for plan in rng.sample(plans, len(plans)):
        admitted = eligibility.table(found, plan, now).admitted
        if not admitted:
            continue
        best = admitted[min(len(admitted) - 1, rng.choice((0, 0, 0, 1)))]
        try:
            with savepoint():
                why = "" if best.rank == 1 else rng.choice(("knows_device", "same_trip"))
                order = Order(found.job.version, best.candidate.id, plan.span, override_reason=why)
                made = service.offer(dispatcher, number, order)
                if accepted and best.candidate.kind == "engineer":
                    service.accept(staff.actor_of(best.candidate.id), made.id)
        except DomainError:
            continue
        return
