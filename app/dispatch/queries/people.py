"""Engineers as records. A dispatcher bounded to provinces sees who serves one of them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import aliased

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor, Permission
from app.core.worklist import Column, Filter, Tab, Worklist, number, text
from app.dealers.lines import LINE_LABELS
from app.dispatch.models import (
    LIVE_STATES,
    SKILL_LABELS,
    Absence,
    Dispatch,
    Engineer,
    EngineerShift,
    EngineerSkill,
    Skill,
)
from app.hospitals import provinces
from app.hospitals.worklists import row_link
from app.staff.models import AccountState, RoleAssignment, StaffAccount
from app.staff.roles import Role
from app.tickets.models import Ticket
from app.ui.frame import language

Clause = sa.ColumnElement[bool]
READ = Permission.ENGINEERS_READ
E, A = Engineer, StaffAccount
Own = aliased(Engineer)  # beside the one that a list is joined with
PAST = timedelta(days=30)  # absences that ended longer ago are not shown
JOBS = 50


@dataclass(frozen=True, slots=True)
class EngineerPage:
    """One engineer with what is dated about him."""

    row: Engineer
    account: StaffAccount
    skills: Sequence[EngineerSkill]
    shifts: frozenset[tuple[int, str]]
    absences: Sequence[Absence]
    jobs: Sequence[Any]  # live offers and visits: number, state, window, hospital id


def profile(*where: Clause) -> Clause:
    """SQL: the account has a profile that is so. Counts of the list know the accounts' table alone."""
    return sa.select(Own.staff_id).where(Own.staff_id == A.id, *where).correlate(A).exists()


def serves(province: str) -> Clause:
    """SQL: the engineer's territory holds the province."""
    return profile(sa.cast(Own.provinces, sa.String).contains(f'"{province}"'))


def scope(actor: Actor) -> list[Clause]:
    """Clauses over accounts that bound staff to who serves one of their provinces. Raises Forbidden."""
    bounds = actor.scope(READ)
    return [profile()] if bounds is None else [sa.or_(sa.false(), *map(serves, sorted(bounds)))]


def find(actor: Actor, engineer_id: uuid.UUID) -> EngineerPage:
    """Raises NotFound outside of the actor's provinces."""
    query = sa.select(E, A).join(A, A.id == E.staff_id).where(E.staff_id == engineer_id, *scope(actor))
    found = db.session.execute(query).one_or_none()
    if found is None:
        raise NotFound()
    own = EngineerSkill.engineer_id == engineer_id
    skills = sa.select(EngineerSkill).where(own).order_by(EngineerSkill.skill, EngineerSkill.valid_until.desc())
    absences = sa.select(Absence).where(Absence.engineer_id == engineer_id, Absence.ends_at > clock.now() - PAST)
    shifts = sa.select(EngineerShift.weekday, EngineerShift.half).where(EngineerShift.engineer_id == engineer_id)
    d = Dispatch
    jobs = sa.select(Ticket.number, d.state, d.window_from, d.window_until, d.accept_by, d.call_first)
    jobs = jobs.join(Ticket, Ticket.id == d.ticket_id).where(d.assignee_id == engineer_id, d.state.in_(LIVE_STATES))
    return EngineerPage(
        found[0], found[1], db.session.scalars(skills).all(),
        frozenset((row.weekday, row.half) for row in db.session.execute(shifts)),
        db.session.scalars(absences.order_by(Absence.starts_at)).all(),
        db.session.execute(jobs.order_by(d.window_from, d.id).limit(JOBS)).all(),
    )  # fmt: skip


def work_number_of(ticket_id: uuid.UUID) -> str | None:
    """The company's telephone of our engineer who comes to this ticket, for whoever was found to read it (C21)."""
    query = sa.select(E.work_number).join(Ticket, Ticket.assignee_id == E.staff_id).where(Ticket.id == ticket_id)
    return db.session.scalar(query) or None


def without_profile(actor: Actor) -> Sequence[StaffAccount]:
    """Active accounts with the role that are nobody's candidate yet."""
    actor.require(READ)
    has_role = sa.select(RoleAssignment.id).where(
        RoleAssignment.staff_id == A.id, RoleAssignment.role == Role.ENGINEER.value
    )
    has_profile = sa.select(E.staff_id).where(E.staff_id == A.id)
    query = sa.select(A).where(A.state == AccountState.ACTIVE.value, has_role.exists(), ~has_profile.exists())
    return db.session.scalars(query.order_by(A.name, A.id).limit(JOBS)).all()


def account_without_profile(actor: Actor, staff_id: uuid.UUID) -> StaffAccount:
    """One of them. Raises NotFound."""
    found = next((one for one in without_profile(actor) if one.id == staff_id), None)
    if found is None:
        raise NotFound()
    return found


def _places(value: Sequence[str], _actor: Actor) -> str:
    return "、".join(provinces.title(code, language()) for code in value) or "—"


def _lines(value: Sequence[str], _actor: Actor) -> str:
    return "、".join(str(LINE_LABELS[key]) for key in value) or "—"


def _away(now: Any) -> Clause:
    query = sa.select(Absence.id).where(Absence.engineer_id == A.id, Absence.starts_at <= now, Absence.ends_at > now)
    return query.correlate(A).exists()


def _jobs() -> Any:
    d = Dispatch
    query = sa.select(sa.func.count()).where(d.assignee_id == E.staff_id, d.state.in_(LIVE_STATES))
    return query.correlate(E).scalar_subquery()


def _skill(value: str, _actor: Actor) -> Clause | None:
    if value not in set(Skill):
        return None
    s, today = EngineerSkill, clock.today()
    held = sa.select(s.id).where(s.engineer_id == A.id, s.skill == value)
    return held.where(s.valid_from <= today, s.valid_until >= today).correlate(A).exists()


WORKING = (profile(Own.active.is_(True)), A.state == AccountState.ACTIVE.value)
ENGINEERS = Worklist(
    key="engineers",
    title=_l("工程师"),
    endpoint="engineers.index",
    permission=READ,
    table=A,
    joins=((E, E.staff_id == A.id),),
    scope=scope,
    columns=(
        Column("engineer_id", "", A.id, hidden=True, export=False),
        Column("name", _l("姓名"), A.name, row_link(), sort=A.name, chinese=True),
        Column("base", _l("服务点"), E.base_name, text(), chinese=True),
        Column("provinces", _l("服务区域"), E.provinces, text(), show=_places),
        Column("lines", _l("产品线"), E.product_lines, text(), show=_lines),
        Column("number", _l("工作电话"), E.work_number, text()),
        Column("jobs", _l("手上的工单"), _jobs(), number(), klass="num"),
    ),
    default_sort="name",
    row_endpoint="engineers.detail",
    row_argument="engineer_id",
    lead="name",
    tabs=(
        Tab("working", _l("在岗"), lambda _a, now: [[*WORKING, ~_away(now)]]),
        Tab("away", _l("今天缺勤"), lambda _a, now: [[*WORKING, _away(now)]]),
        Tab("ended", _l("停用"), lambda _a, _n: [[sa.not_(sa.and_(*WORKING))]], counted=False),
    ),
    filters=(
        Filter("name", _l("姓名"), lambda value, _a: A.name.startswith(value.strip(), autoescape=True)),
        Filter("province", _l("省份"), lambda value, _a: serves(value) if value in provinces.BY_CODE else None,
               kind="select", choices=lambda _a: provinces.choices(language())),
        Filter("skill", _l("有效证书"), _skill, kind="select", choices=lambda _a: list(SKILL_LABELS.items())),
    ),
)  # fmt: skip
