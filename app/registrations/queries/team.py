"""Who reviews: the members a lead may see, who is away, what each holds."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor, Permission
from app.customers.models import Customer
from app.registrations.models import Absence, CasePass, Recusal, Registration, ReviewDraft, ReviewerLimit
from app.staff.models import AccountState, RoleAssignment, StaffAccount
from app.staff.queries import phone_index
from app.staff.roles import ROLES

LEAD, DECIDE = Permission.REGISTRATIONS_LEAD, Permission.REGISTRATIONS_DECIDE
DECIDING_ROLES = tuple(role.value for role, spec in ROLES.items() if DECIDE in spec.permissions)


@dataclass(frozen=True, slots=True)
class Member:
    """One reviewer as the lead's page shows it; counts are of now and of today in China, never a ranking."""

    id: uuid.UUID
    name: str
    provinces: frozenset[str] | None
    lead: bool
    limit: int | None = None
    holds: int = 0
    passed: int = 0
    skipped: int = 0
    passed_on: int = 0
    absences: Sequence[Absence] = field(default_factory=tuple)
    away: bool = False


def away_today(staff_id: Any) -> sa.Select[Any]:
    """A row when this person (a value or a column) is away today."""
    today = clock.today()
    return sa.select(Absence.id).where(
        Absence.staff_id == staff_id,
        Absence.cancelled_at.is_(None),
        Absence.first_day <= today,
        Absence.last_day >= today,
    )


def members(actor: Actor, permission: Permission = LEAD) -> list[Member]:
    """Active reviewers of the provinces within which the actor holds the right, by name. One statement."""
    mine = actor.scope(permission)
    rows = db.session.execute(
        sa.select(StaffAccount.id, StaffAccount.name, RoleAssignment.provinces, RoleAssignment.lead)
        .join(RoleAssignment, RoleAssignment.staff_id == StaffAccount.id)
        .where(RoleAssignment.role.in_(DECIDING_ROLES), StaffAccount.state == AccountState.ACTIVE.value)
        .order_by(StaffAccount.name, StaffAccount.id)
    )
    found: dict[uuid.UUID, Member] = {}
    for staff_id, name, provinces, lead in rows:
        bounds = None if provinces is None else frozenset(provinces)
        if mine is None or bounds is None or mine & bounds:
            found[staff_id] = Member(staff_id, name, bounds, lead)
    return list(found.values())


def member(actor: Actor, staff_id: uuid.UUID) -> Member:
    """One of `members`. Raises NotFound for anybody else."""
    found = next((one for one in members(actor) if one.id == staff_id), None)
    if found is None:
        raise NotFound()
    return found


def overview(actor: Actor) -> list[Member]:
    """The members with what each holds, was given, skipped and passed on today, cap and absences; five statements."""
    now, today = clock.now(), clock.today()
    day = datetime.combine(today, datetime.min.time(), SHANGHAI)
    holds = _count(Registration.lease_staff_id, Registration.lease_expires_at > now)
    passed = _count(Registration.passed_to_id, Registration.passed_until > now)
    skipped = _count(ReviewDraft.staff_id, ReviewDraft.skipped_until.is_not(None), ReviewDraft.handed_back_at >= day)
    passed_on = _count(CasePass.by_id, CasePass.at >= day)
    counts: dict[str, dict[uuid.UUID, int]] = {"holds": {}, "passed": {}, "skipped": {}, "passed_on": {}, "limit": {}}
    parts = [
        sa.select(sa.literal(key).label("what"), query.c[0].label("who"), query.c[1].label("n"))
        for key, query in (("holds", holds), ("passed", passed), ("skipped", skipped), ("passed_on", passed_on))
    ]
    limits = sa.select(sa.literal("limit"), ReviewerLimit.staff_id, ReviewerLimit.open_cases)
    for what, who, n in db.session.execute(sa.union_all(*parts, limits)):
        counts[what][who] = n
    absences: dict[uuid.UUID, list[Absence]] = {}
    coming = sa.select(Absence).where(Absence.cancelled_at.is_(None), Absence.last_day >= today)
    for row in db.session.scalars(coming.order_by(Absence.first_day)):
        absences.setdefault(row.staff_id, []).append(row)
    return [
        Member(
            one.id, one.name, one.provinces, one.lead,
            limit=counts["limit"].get(one.id), holds=counts["holds"].get(one.id, 0),
            passed=counts["passed"].get(one.id, 0), skipped=counts["skipped"].get(one.id, 0),
            passed_on=counts["passed_on"].get(one.id, 0), absences=tuple(absences.get(one.id, ())),
            away=any(row.first_day <= today for row in absences.get(one.id, ())),
        )
        for one in members(actor)
    ]  # fmt: skip


def _count(who: Any, *where: Any) -> Any:
    return (
        sa.select(who.label("who"), sa.func.count().label("n")).where(who.is_not(None), *where).group_by(who).subquery()
    )


def receivers(actor: Actor, row: Registration) -> list[Member]:
    """Colleagues to whom this case may be passed: in its province, there today, not the applicant nor a relation."""
    away = set(db.session.scalars(sa.select(Absence.staff_id).where(*_away_now())))
    known = set(db.session.scalars(sa.select(Recusal.staff_id).where(Recusal.customer_id == row.customer_id)))
    found = [
        one
        for one in members(actor, DECIDE)
        if one.id != actor.id
        and one.id not in away | known
        and (one.provinces is None or (row.province is not None and row.province in one.provinces))
    ]
    own = _with_phone_of(row, [one.id for one in found])
    return [one for one in found if one.id not in own]


def _with_phone_of(row: Registration, staff: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Whose own phone number is the applicant's (C12)."""
    index = db.session.scalar(sa.select(Customer.phone_index).where(Customer.id == row.customer_id))
    if index is None or not staff:
        return set()
    rows = db.session.execute(sa.select(StaffAccount.id, StaffAccount.phone_sealed).where(StaffAccount.id.in_(staff)))
    return {staff_id for staff_id, sealed in rows if phone_index(staff_id, sealed) == index}


def _away_now() -> list[sa.ColumnElement[bool]]:
    today = clock.today()
    return [Absence.cancelled_at.is_(None), Absence.first_day <= today, Absence.last_day >= today]


def passes_of(row: Registration, limit: int = 5) -> list[CasePass]:
    """Passings on of a case in the last 30 days, newest first."""
    since = clock.now() - timedelta(days=30)
    query = sa.select(CasePass).where(CasePass.registration_id == row.id, CasePass.at > since)
    return list(db.session.scalars(query.order_by(CasePass.at.desc()).limit(limit)))


def not_for_others(actor: Actor, now: datetime) -> sa.ColumnElement[bool]:
    """Free for this person: not passed to somebody else by name who is still expected to take it."""
    row = Registration
    return sa.or_(
        row.passed_to_id.is_(None),
        row.passed_to_id == actor.id,
        row.passed_until <= now,
        sa.exists(away_today(row.passed_to_id)),
    )
