"""What is true of a person now: the profile that a grant rests on, and what of it was seen on the evidence."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.errors import Forbidden, Invalid
from app.core.policy import Actor
from app.customers import queries as customers
from app.customers.models import Customer, CustomerProfile
from app.grants.models import Grant
from app.hospitals.models import Department, Hospital
from app.registrations.checks import Verdict
from app.registrations.models import FieldCheck, Recusal, Registration


@dataclass(frozen=True, slots=True)
class Standing:
    """A person's approved place of work with the evidence for it."""

    customer_id: uuid.UUID
    subject_id: uuid.UUID
    name: str
    hospital: Hospital
    department: Department
    position: str
    title: str
    registration_id: uuid.UUID
    position_verdict: str | None
    title_verdict: str | None

    @property
    def position_seen(self) -> bool:
        """The position was seen on the badge or otherwise, not only claimed."""
        return self.position_verdict in (Verdict.SEEN, Verdict.SEEN_OTHERWISE)


def of(customer_id: uuid.UUID) -> Standing:
    """What a grant could rest on now. Raises Invalid: not approved, suspended, or nothing on file to rest on."""
    now = clock.now()
    profile = customers.profile_of(customer_id, now)
    if profile is None:
        raise Invalid(_l("此人没有已通过的注册，不能有科室权限。"), code="registration_not_approved")
    if profile.suspended_at is not None and profile.suspended_at <= now:
        raise Invalid(_l("此人的注册已暂停，不能有科室权限。"), code="registration_not_approved")
    if _badge_end(profile) is not None and _badge_end(profile) <= now:  # type: ignore[operator]
        raise Invalid(_l("此人的证件已过期，请先更新注册。"), code="badge_expired")
    if profile.hospital_id is None or profile.department_id is None:
        raise Invalid(_l("此人的医院或科室还没有对应到名录。"), code="hospital_not_mapped")
    if not profile.position.strip() or not profile.title.strip():
        raise Invalid(_l("此人没有登记职务或职称，没有可以依据的内容。"), code="basis_missing")
    hospital, department = (
        db.session.get_one(Hospital, profile.hospital_id),
        db.session.get_one(Department, profile.department_id),
    )
    if hospital.merged_into is not None:
        raise Invalid(_l("此人登记的医院已被合并，请先更新注册。"), code="hospital_merged")
    verdicts = _verdicts(profile.registration_id)
    return Standing(
        customer_id, profile.subject_id, profile.name or "", hospital, department, profile.position, profile.title,
        profile.registration_id, verdicts.get("position"), verdicts.get("title"),
    )  # fmt: skip


def _verdicts(registration_id: uuid.UUID) -> dict[str, str]:
    """What the review said about position and title, in the round that was decided."""
    query = (
        sa.select(FieldCheck.field, FieldCheck.verdict)
        .join(Registration, sa.and_(Registration.id == FieldCheck.registration_id))
        .where(
            FieldCheck.registration_id == registration_id,
            FieldCheck.round == Registration.round,
            FieldCheck.field.in_(("position", "title")),
        )
    )
    return dict(db.session.execute(query).tuples().all())


def bars_of(actor: Actor, customer_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Of these people, with whom this member of staff may have no part, in one statement: "own" (the phone number is
    his) or "recused" (he declared a relation, at a registration or at a grant)."""
    wanted = list(customer_ids)
    if actor.kind != "staff" or actor.id is None or not wanted:
        return {}
    known = sa.exists().where(Recusal.staff_id == actor.id, Recusal.customer_id == Customer.id)
    own = Customer.phone_index == actor.phone_index if actor.phone_index is not None else sa.false()
    query = sa.select(Customer.id, sa.case((own, "own"), else_="recused"))
    rows = db.session.execute(query.where(Customer.id.in_(wanted), sa.or_(own, known)))
    return {row[0]: row[1] for row in rows}


def unbarred(actor: Actor) -> list[sa.ColumnElement[bool]]:
    """Clauses over grants that leave out whom `bars_of` names: a list shows only what this person can decide."""
    known = sa.select(Recusal.customer_id).where(Recusal.staff_id == actor.id)
    clauses: list[sa.ColumnElement[bool]] = [Grant.customer_id.not_in(known)]
    if actor.phone_index is not None:
        clauses.append(
            Grant.customer_id.not_in(sa.select(Customer.id).where(Customer.phone_index == actor.phone_index))
        )
    return clauses


BARS = {
    "own": _l("这是您本人的权限，须由同事处理。"),
    "recused": _l("您已声明认识此人，须由同事处理。"),
}


def refuse_beneficiary(actor: Actor, customer_id: uuid.UUID) -> None:
    """Who has the beneficiary's phone number, or said that he knows him, has no part in the grant. Raises Forbidden."""
    bar = bars_of(actor, [customer_id]).get(customer_id)
    if bar is not None:
        raise Forbidden(BARS[bar], code="own_grant" if bar == "own" else "recused")


@dataclass(frozen=True, slots=True)
class Drift:
    """What is no longer as it was, and since when."""

    cause: str
    at: datetime


CAUSES = {
    "registration_ended": _l("注册已不再有效"),
    "registration_suspended": _l("注册被暂停"),
    "badge_expired": _l("证件已过期"),
    "hospital_changed": _l("换了医院"),
    "department_changed": _l("换了科室"),
    "position_changed": _l("职务有变动"),
    "title_changed": _l("职称有变动"),
    "hospital_merged": _l("医院已被合并"),
    "department_merged": _l("权限内的科室已被合并"),
    "department_moved": _l("权限内的科室调整了归属"),
    "not_reconfirmed": _l("暂停后未按期重新确认"),
    "not_reviewed": _l("到期未复核"),
    "period_over": _l("期满"),
    "renewed": _l("已续期"),
    "reviewed": _l("复核决定"),
}


def drift(row: Grant, now: datetime) -> Drift | None:
    """Why `scope.drifted` holds for this grant, if it does, and from which instant on, where that is known."""
    return _of_person(row, now) or _of_places(row, now)


def _of_person(row: Grant, now: datetime) -> Drift | None:
    profile = customers.profile_of(row.customer_id, now)
    if profile is None:
        return Drift("registration_ended", _last_end(row.customer_id, now))
    if profile.suspended_at is not None and profile.suspended_at <= now:
        return Drift("registration_suspended", profile.suspended_at)
    compared = (
        ("hospital_changed", profile.hospital_id, row.hospital_id),
        ("department_changed", profile.department_id, row.home_department_id),
        ("position_changed", profile.position, row.position),
        ("title_changed", profile.title, row.title),
    )
    for cause, is_now, was in compared:
        if is_now != was:
            return Drift(cause, profile.effective_at)
    end = _badge_end(profile)
    return Drift("badge_expired", end) if end is not None and end <= now else None


def _of_places(row: Grant, now: datetime) -> Drift | None:
    """Merges and moves carry no instant of their own: they are dated when they are noticed."""
    if db.session.get_one(Hospital, row.hospital_id).merged_into is not None:
        return Drift("hospital_merged", now)
    for node in row.nodes:
        if node.removed_version is not None:
            continue
        department = db.session.get_one(Department, node.department_id)
        if department.merged_into is not None:
            return Drift("department_merged", now)
        if (department.hospital_id, department.parent_id) != (row.hospital_id, node.parent_id):
            return Drift("department_moved", now)
    return None


def _badge_end(profile: CustomerProfile) -> datetime | None:
    """The first instant at which the badge is no longer valid: the China day after its last one."""
    if profile.badge_valid_until is None:
        return None
    return datetime.combine(profile.badge_valid_until + timedelta(days=1), time.min, SHANGHAI)


def _last_end(customer_id: uuid.UUID, now: datetime) -> datetime:
    p = CustomerProfile
    ended = sa.select(sa.func.max(p.ended_at)).where(p.customer_id == customer_id, p.ended_at <= now)
    return db.session.scalar(ended) or now
