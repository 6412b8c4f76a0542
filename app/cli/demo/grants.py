"""Demo grants: asked for by people and by staff, in force, paused, about to end, ended, and one review."""

from __future__ import annotations

import random
import uuid
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import DomainError
from app.core.policy import Actor
from app.core.unit_of_work import unit_of_work
from app.customers.models import CustomerProfile
from app.grants import rules, service
from app.grants.models import Grant, UseKind
from app.grants.service import NodeWish, Terms
from app.hospitals.models import Department
from app.staff.models import StaffAccount
from app.staff.roles import Role, rights_of
from app.tickets.models import Ticket

WHY = (
    "全科内镜由我统一报修和跟进",
    "负责科室设备台账，需要查看各台报修进度",
    "院内设备巡检需要维修记录",
    "接替原护士长的报修工作",
)


def load(rng: random.Random) -> None:
    """A handful per status, for people of the hospitals that have a history of tickets."""
    with unit_of_work(write=False):
        first, second = (_actor(f"grant_manager{n}@demo.invalid", not n) for n in ("", "2"))
        people = _people()
    for i, (customer_id, hospital_id, home, since) in enumerate(people):
        with unit_of_work(write=False):
            wards = _wards(hospital_id, home)
        kind = ("active", "requested", "asked", "ending", "second", "revoked", "active", "refused")[i % 8]
        _one(kind, rng, (first, second), customer_id, wards, since)
    with clock.frozen(clock.now()), unit_of_work():
        _review(first)


def _one(
    kind: str, rng: random.Random, staff: tuple[Actor, Actor], customer_id: uuid.UUID, wards: list[uuid.UUID],
    since: datetime,
) -> None:  # fmt: skip
    """One story; what the rules refuse (nothing to rest on) is left out of the demo."""
    at = max(since + timedelta(minutes=10), clock.now() - timedelta(days=rng.randint(1, 6)))
    one, two = (_fresh(actor, at) for actor in staff)
    try:
        with clock.frozen(at), unit_of_work():
            if kind == "asked":
                service.request(Actor("customer", customer_id), [NodeWish(w) for w in wards[:1]], rng.choice(WHY))
                return
            ends = clock.today() + timedelta(days=15 if kind == "ending" else 180)
            months = 36 if kind == "second" else 24
            terms = Terms([NodeWish(w) for w in wards[:2]], months, clock.today(), ends, _exception(customer_id))
            row = service.propose(one, customer_id, terms, rng.choice(WHY))
            row_id, version = row.id, row.version
        if kind == "requested":
            return
        with clock.frozen(at + timedelta(minutes=30)), unit_of_work():
            if kind == "refused":
                service.refuse(two, row_id, version, "电话核实后不需要")
                return
            version = service.approve(two, row_id, version).version
        if kind == "revoked":
            with clock.frozen(at + timedelta(hours=2)), unit_of_work():
                service.revoke(two, row_id, version, "本人来电说明不再负责报修")
        elif kind == "active":
            _use(rng, row_id, customer_id, at + timedelta(hours=3))
    except DomainError:
        return


def _use(rng: random.Random, row_id: uuid.UUID, customer_id: uuid.UUID, at: datetime) -> None:
    """The person looked at a list and opened some."""
    with clock.frozen(min(at, clock.now())), unit_of_work():
        node = db.session.get_one(Grant, row_id).nodes[0].department_id
        rows = db.session.scalar(
            sa.select(sa.func.count()).select_from(Ticket).where(Ticket.reporter_department_id == node)
        )
        service.note_use(customer_id, [node] * min(rows or 0, 20), UseKind.LISTED)
        for _n in range(rng.randint(1, 6)):
            service.note_use(customer_id, [node], UseKind.OPENED)


def _review(lead: Actor) -> None:
    province = db.session.scalar(
        sa.select(Grant.province)
        .where(Grant.status == "active")
        .group_by(Grant.province)
        .order_by(sa.func.count().desc())
    )
    if province is not None:
        service.open_campaign(lead, _due(), province=province)


def _due() -> date:
    return clock.today() + timedelta(days=14)


def _exception(customer_id: uuid.UUID) -> str:
    """Positions outside of the matrix need a reason."""
    position = db.session.scalar(sa.select(CustomerProfile.position).where(CustomerProfile.customer_id == customer_id))
    known = {word for rule in rules.current().matrix for word in rule.positions}
    return "" if position in known else "科主任书面委托其跟进全科报修"


def _people() -> list[tuple[uuid.UUID, uuid.UUID, uuid.UUID, datetime]]:
    p = CustomerProfile
    places = sa.select(Ticket.hospital_id).distinct()
    rows = db.session.execute(
        sa.select(p.customer_id, p.hospital_id, p.department_id, p.effective_at)
        .where(p.hospital_id.in_(places), p.ended_at.is_(None), p.suspended_at.is_(None), p.effective_at <= clock.now())
        .order_by(p.effective_at, p.id)
        .limit(24)
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows if row[1] is not None and row[2] is not None]


def _wards(hospital_id: uuid.UUID, home: uuid.UUID) -> list[uuid.UUID]:
    rows = sa.select(Department.id).where(Department.hospital_id == hospital_id, Department.merged_into.is_(None))
    return list(db.session.scalars(rows.order_by(Department.id != home, Department.name_key)))


def _actor(email: str, lead: bool) -> Actor:
    row = db.session.scalars(sa.select(StaffAccount).where(StaffAccount.email == email)).one()
    return Actor("staff", row.id, row.name, rights_of([(Role.GRANT_MANAGER.value, None, lead)]))


def _fresh(actor: Actor, at: datetime) -> Actor:
    """As signed in just now: approving asks for it."""
    return Actor(actor.kind, actor.id, actor.name, actor.rights, signed_in_at=at + timedelta(minutes=30))
