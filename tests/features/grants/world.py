"""Short words for tests of grants: hospitals with departments, approved people, tickets, granters, a clock."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from app.core import clock, keys
from app.core.db import db, new_id
from app.core.masking import to_e164
from app.core.policy import SYSTEM, Actor, Permission
from app.customers import service as customers
from app.customers.models import Customer, CustomerProfile
from app.grants import service
from app.grants.models import Grant
from app.grants.service import NodeWish, Terms
from app.hospitals import service as hospitals
from app.registrations.models import FieldCheck, Registration
from app.tickets import service as tickets
from app.tickets.models import Ticket
from app.tickets.service import Intake

P = Permission
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # Monday, 10:00 in China
TODAY = date(2026, 11, 23)
GRANTER_RIGHTS = (
    P.GRANTS_READ,
    P.GRANTS_PROPOSE,
    P.GRANTS_DECIDE,
    P.GRANTS_REVIEW,
    P.TICKETS_VIEW_AS,
    P.CUSTOMERS_READ,
)
_phones = itertools.count(1)


def granter(name: str = "权限甲", *, provinces: frozenset[str] | None = None, lead: bool = True, **kw: Any) -> Actor:
    """A grant manager with a fresh sign-in."""
    rights = [*GRANTER_RIGHTS, *([P.GRANTS_LEAD] if lead else [])]
    kw.setdefault("signed_in_at", clock.now())
    return Actor("staff", id=new_id(), name=name, rights=MappingProxyType(dict.fromkeys(rights, provinces)), **kw)


@dataclass
class Place:
    """A hospital and its departments by name."""

    id: uuid.UUID
    wards: dict[str, uuid.UUID] = field(default_factory=dict)


def place(
    name: str = "东海示范人民医院",
    province: str = "31",
    wards: tuple[str, ...] = ("内镜中心", "消化内科", "手术室", "设备科", "妇科"),
) -> Place:
    row = hospitals.create_hospital(SYSTEM, hospitals.HospitalData(name, province))
    made = Place(row.id)
    for ward in wards:
        made.wards[ward] = hospitals.add_department(SYSTEM, row.id, ward).id
    return made


def person(
    at: Place,
    ward: str = "内镜中心",
    *,
    position: str = "护士长",
    title: str = "主管护师",
    verdict: str = "seen",
    phone: str | None = None,
    since: datetime | None = None,
) -> Actor:
    """An approved customer, with the evidence of one decided registration behind him."""
    since = since or clock.now() - timedelta(days=60)
    number = to_e164(phone or f"139{next(_phones):08d}")
    row = Customer(subject_id=keys.new_subject(), phone=number, name="冯虚构", created_at=since, last_used_at=since)
    db.session.add(row)
    db.session.flush()
    approve(row, at, ward, position=position, title=title, verdict=verdict, since=since)
    return Actor("customer", id=row.id)


def approve(
    row: Customer,
    at: Place,
    ward: str,
    *,
    position: str = "护士长",
    title: str = "主管护师",
    verdict: str = "seen",
    since: datetime | None = None,
    badge: date | None = None,
) -> CustomerProfile:
    """A registration that was decided, without the whole story of it: its checks and its profile."""
    since = since or clock.now()
    registration = Registration(
        number=f"REG-T-{next(_phones):06d}", subject_id=row.subject_id, customer_id=row.id, status="approved", version=2,
        round=1, evidence_version=1, changed_at=since, submitted_at=since, due_at=since, name="冯虚构",
        hospital_id=at.id, hospital_text="", department_id=at.wards[ward], department_text="",
    )  # fmt: skip
    db.session.add(registration)
    db.session.flush()
    for name, said in (("position", verdict), ("title", "seen")):
        db.session.add(
            FieldCheck(
                registration_id=registration.id, subject_id=row.subject_id, round=1, field=name, verdict=said,
                by_name="审核甲", at=since,
            )
        )  # fmt: skip
    return customers.adopt_registration(
        row.id, registration_id=registration.id, name="冯虚构", hospital_id=at.id, department_id=at.wards[ward],
        position=position, title=title, effective_at=since, badge_valid_until=badge,
    )  # fmt: skip


def ticket(
    at: Place,
    ward: str | None,
    *,
    by: Actor | None = None,
    ago: timedelta = timedelta(days=10),
    opened_at: datetime | None = None,
    fault: str = "插入部漏水",
    device_ward: str | None = None,
) -> Ticket:
    """A ticket that ended; ``ward`` is the department frozen in it."""
    opened = opened_at or clock.now() - ago
    intake = Intake(
        at.id, fault, at.wards[device_ward] if device_ward else None, "CV-290", "1234567",
        at.wards[ward] if ward else None,
    )  # fmt: skip
    row = tickets.take_over(
        SYSTEM, intake, opened_at=opened, closed_at=min(opened + timedelta(hours=2), clock.now()),
        customer_id=by.id if by else None,
    )  # fmt: skip
    if by is not None:  # a former system's ticket keeps the department it says
        row.reporter_department_id = at.wards[ward] if ward else None
        db.session.flush()
    return row


def terms(
    at: Place,
    *wards: str,
    months: int = 24,
    start: date | None = None,
    end: date | None = None,
    exception: str = "",
    children: tuple[str, ...] = (),
) -> Terms:
    start = start or clock.today()
    return Terms(
        [NodeWish(at.wards[ward], ward in children) for ward in wards], months, start,
        end or start + timedelta(days=180), exception,
    )  # fmt: skip


def granted(at: Place, who: Actor, *wards: str, by: tuple[Actor, ...] | None = None, **kw: Any) -> Grant:
    """Proposed and approved by as many people as it takes."""
    hands = list(by or (granter("权限甲"), granter("权限乙"), granter("权限丙")))
    row = service.propose(hands[0], who.id, terms(at, *wards, **kw), "科室设备由她统一报修")
    for hand in hands[1:]:
        if row.status in ("requested", "awaiting_second"):
            service.approve(hand, row.id, row.version)
    return row


def reload(row_id: uuid.UUID) -> Grant:
    query = sa.select(Grant).where(Grant.id == row_id).execution_options(populate_existing=True)
    return db.session.scalars(query).one()
