"""Whose ratings one may see, and which one may judge.

Single ratings are for auditors, within their provinces, and never for whoever they are about: such a rating is not
there for him (404). A lead sees what is said about his team, but judges none of it (403).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core.db import db
from app.core.errors import Forbidden, NotFound
from app.core.policy import Actor, Permission
from app.satisfaction.models import ComplaintDecision, FollowUp, RatedJob, RatedPerson, RatingAudit
from app.staff.models import RoleAssignment
from app.staff.roles import Role

Clause = sa.ColumnElement[bool]
READ = Permission.SATISFACTION_READ
TEAM_ROLES: Mapping[str, tuple[Role, ...]] = {
    "engineer": (Role.ENGINEER, Role.DISPATCHER), "triager": (Role.TRIAGER,), "depot": (Role.DEPOT,),
    "quality": (Role.QUALITY,),
}  # fmt: skip


def in_scope(actor: Actor, permission: Permission = READ) -> list[Clause]:
    """The provinces of the right, without what is about the actor. Raises Forbidden without the right."""
    provinces = actor.scope(permission)
    about_me = sa.select(RatedPerson.job_id).where(RatedPerson.staff_id == actor.id)
    return [*([] if provinces is None else [RatedJob.province.in_(sorted(provinces))]), RatedJob.id.not_in(about_me)]


def find(actor: Actor, number: str, cycle: int | None = None, permission: Permission = READ) -> RatedJob:
    """The rated round of a ticket, by default the latest. Raises NotFound, Forbidden."""
    row: RatedJob | None = db.session.scalars(_query(actor, number, cycle, permission)).first()
    if row is None:
        raise NotFound()
    return row


def load(actor: Actor, number: str, permission: Permission, cycle: int | None = None) -> RatedJob:
    """The same, locked for a change."""
    query = _query(actor, number, cycle, permission).with_for_update().execution_options(populate_existing=True)
    row: RatedJob | None = db.session.scalars(query).first()
    if row is None:
        raise NotFound()
    return row


def not_mine(actor: Actor, job: RatedJob) -> None:
    """Raise Forbidden when the rating is about somebody whom the actor leads (decisions.md 19)."""
    if barred(actor, job):
        raise Forbidden(_l("这条评价涉及您带领的组，须由别人审核。"), code="own_team")


def barred(actor: Actor, job: RatedJob) -> bool:
    """Whether the actor leads a team that the rating is about."""
    leads = _leads(actor.id)
    parts = db.session.scalars(sa.select(RatedPerson.part).where(RatedPerson.job_id == job.id)).all() if leads else ()
    return any(_leads_part(leads, part, job.province) for part in parts)


def knows(actor: Actor, job_id: Any) -> Clause:
    """Whether the actor has had a part in judging this rating: audited it, decided on it, or owns its follow-up.

    Such a person gives no blind second audit, and needs not be kept blind.
    """
    a, c, f = RatingAudit, ComplaintDecision, FollowUp
    return sa.or_(
        sa.exists().where(a.job_id == job_id, a.second.is_(False), a.by_id == actor.id),
        sa.exists().where(c.job_id == job_id, c.by_id == actor.id),
        sa.exists().where(f.job_id == job_id, f.owner_id == actor.id),
    )


def _leads_part(leads: Mapping[str, list[str] | None], part: str, province: str) -> bool:
    for role in TEAM_ROLES.get(part, ()):
        if role in leads:
            bounds = leads[role]
            if bounds is None or province in bounds:
                return True
    return False


def _leads(staff_id: uuid.UUID | None) -> dict[str, list[str] | None]:
    """Role -> provinces of the assignments in which the actor is lead."""
    if staff_id is None:
        return {}
    r = RoleAssignment
    query = sa.select(r.role, r.provinces).where(r.staff_id == staff_id, r.lead.is_(True))
    return {row.role: row.provinces for row in db.session.execute(query)}


def _query(actor: Actor, number: str, cycle: int | None, permission: Permission) -> sa.Select[Any]:
    query = sa.select(RatedJob).where(RatedJob.ticket_number == number.upper(), *in_scope(actor, permission))
    if cycle is not None:
        query = query.where(RatedJob.cycle == cycle)
    return query.order_by(RatedJob.cycle.desc()).limit(1)
