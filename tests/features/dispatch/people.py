"""Short words for dispatch: a ticket that waits for somebody, engineers, a dealer with a contract."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from types import MappingProxyType

import sqlalchemy as sa

from app.core import clock
from app.core.db import db, new_id
from app.core.policy import Actor, Permission
from app.dealers.models import Dealer, DealerContract
from app.dispatch.eligibility.facts import day_of
from app.dispatch.models import Engineer, EngineerSkill
from app.hospitals.models import Hospital
from app.staff.roles import Role, permissions_of
from app.tickets import service as tickets
from app.tickets.models import Ticket
from app.tickets.service import Seen
from tests.factories import staff as accounts
from tests.features.tickets.people import COMPLETE, Desk, desk

MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # 09:00 in China, a working day
TUESDAY_AM = (datetime(2026, 11, 24, 1, 0, tzinfo=UTC), datetime(2026, 11, 24, 4, 0, tzinfo=UTC))
_serials = count(1_234_567)
SHANGHAI_LINES = ["gastro", "systems"]


@dataclass
class Ground:
    """A hospital in Shanghai whose ticket is triaged, and those who plan."""

    desk: Desk
    dispatcher: Actor
    colleague: Actor
    lead: Actor

    def ticket(self, **triage: object) -> Ticket:
        """A ticket that waits for dispatch."""
        serial = f"{next(_serials)}"
        ticket_id = self.desk.report(f"插入部漏水 {serial}", serial=serial)
        tickets.claim(self.desk.triager, ticket_id, Seen(1))
        row = db.session.get_one(Ticket, ticket_id)
        row.device_model = "GIF-H290"
        tickets.note_down(self.desk.triager, ticket_id, COMPLETE | triage)
        return tickets.finish(self.desk.triager, ticket_id, Seen(row.version))


def ground() -> Ground:
    """In the running unit of work."""
    made = desk()
    place = db.session.get_one(Hospital, made.story.hospital_id)
    place.lat, place.lon = 31.2, 121.4
    return Ground(made, planner("调度甲"), planner("调度乙"), planner("调度组长", lead=True))


def planner(name: str, *, lead: bool = False) -> Actor:
    """A dispatcher with an account, so that mails reach him."""
    account = accounts.account(("dispatcher", None, lead), name=name)
    rights = dict.fromkeys(permissions_of(Role.DISPATCHER, lead=lead))
    return Actor("staff", id=account.id, name=name, rights=MappingProxyType(rights), roles=("dispatcher",))


def engineer(name: str = "工程甲", *, skill: str = "scope", until: date | None = None, **kw: object) -> Actor:
    """An engineer of Shanghai with a certificate, as an actor."""
    account = accounts.account("engineer", name=name)
    values: dict[str, object] = {"provinces": ["31"], "product_lines": SHANGHAI_LINES, "lat": 31.2, "lon": 121.4}
    db.session.add(Engineer(staff_id=account.id, created_at=clock.now(), work_number="021-5550", **(values | kw)))
    db.session.flush()
    today = day_of(clock.now())
    db.session.add(
        EngineerSkill(
            engineer_id=account.id, skill=skill, certificate="C-1", valid_from=today - timedelta(days=100),
            valid_until=until or today + timedelta(days=100),
        )
    )  # fmt: skip
    db.session.flush()
    return actor(account.id, Role.ENGINEER, name)


def actor(account_id: uuid.UUID, role: Role, name: str) -> Actor:
    rights = dict.fromkeys(permissions_of(role, lead=False))
    return Actor("staff", id=account_id, name=name, rights=MappingProxyType(rights), roles=(role.value,))


def dealer(name: str = "示范经销商", *, until: date | None = None, confirmed: bool = True, **kw: object) -> Dealer:
    """A dealer of Shanghai with a confirmed contract from last month to ``until``, both days included."""
    row = Dealer(name=name, provinces=["31"], product_lines=SHANGHAI_LINES, lat=31.3, lon=121.5)
    db.session.add(row)
    db.session.flush()
    last = until or day_of(clock.now()) + timedelta(days=200)
    contract(row, last, confirmed=confirmed, **kw)
    return row


def contract(row: Dealer, last: date, *, confirmed: bool = True, **kw: object) -> DealerContract:
    first = day_of(clock.now()) - timedelta(days=30)
    made = DealerContract(
        dealer_id=row.id, number=f"HT-{new_id().hex[-8:]}", valid_from=first, valid_until=last,
        starts_at=midnight(first), ends_at=midnight(last + timedelta(days=1)), created_at=clock.now(),
        confirmed_at=clock.now() if confirmed else None, **kw,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made


def dealer_user(row: Dealer, name: str = "经销甲") -> Actor:
    account = accounts.account("dealer_user", name=name, dealer_id=row.id)
    return actor(account.id, Role.DEALER_USER, name)


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=8)


def ticket_of(ticket_id: uuid.UUID) -> Ticket:
    query = sa.select(Ticket).where(Ticket.id == ticket_id)
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def may(*permissions: Permission) -> Actor:
    return Actor("staff", id=new_id(), name="样例", rights=MappingProxyType(dict.fromkeys(permissions)))
