"""The one rule of who reads what, evaluated in the query at every read and never kept beyond it.

A person reads his own records within the general look-back, and those whose department at the report is in an active
grant within that grant's look-back. Every list, count, search, detail, export and call is built on `visible`; a room
above says which columns of its table the rule looks at (`Records`).

A grant is active when its effective status is: approved and begun, not ended, paused or revoked, its review answered
or not due, and everything it was based on still true of the person and of its departments (`drifted`).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from app.core import clock, numbers
from app.core.clock import SHANGHAI
from app.core.db import UtcDateTime
from app.customers.models import CustomerProfile
from app.grants.lookback import CHOICES, GENERAL, earlier
from app.grants.models import Grant, GrantNode
from app.grants.workflow import LIVE, Status
from app.hospitals.models import Department, Hospital

Clause = sa.ColumnElement[bool]
# Tables rather than mapped classes: these statements return plain values, and are cheaper to look up by their shape
G: Any = Grant.__table__
NODE, PROFILE, DEPARTMENT, HOSPITAL = (m.__table__ for m in (GrantNode, CustomerProfile, Department, Hospital))
BEGUN = (Status.ACTIVE, Status.SCHEDULED)
Moment = Any  # a datetime, or `plans.Now` in a statement that is kept between requests
TODAY: Any = sa.bindparam("china_today", callable_=clock.today, type_=sa.Date(), unique=True)


class Which(StrEnum):
    """What a reader asks for. ``ALL`` is everything that he may read."""

    ALL = "all"
    MINE = "mine"
    DEPARTMENT = "department"


@dataclass(frozen=True, slots=True)
class Records:
    """The columns of a table of records that the rule looks at (``Model.__table__.c``)."""

    id: Any
    owner: Any  # customer who initiated it, or null
    department: Any  # of whoever initiated it, frozen then
    at: Any  # instant of the report


def _said(*statuses: Status) -> Any:
    """Words of the statement itself, not values of it: they are the same at every read, and a list of values would be
    expanded at each."""
    words = [sa.literal_column(f"'{status.value}'", sa.String) for status in statuses]
    return words[0] if len(words) == 1 else words


_ONE: Any = sa.literal_column("1")


def effective_status(now: Moment) -> sa.ColumnElement[str]:
    """What a grant is at ``now``, whatever any job has done so far."""
    g = G.c
    over = sa.or_(
        g.ends_at <= now,
        g.review_due_at <= now,
        sa.and_(g.status == _said(Status.PAUSED), g.pause_until <= now),
    )
    return sa.case(
        (sa.and_(g.status.in_(_said(*LIVE)), over), _said(Status.EXPIRED)),
        (sa.and_(g.status.in_(_said(*BEGUN)), drifted(now)), _said(Status.PAUSED)),
        (sa.and_(g.status.in_(_said(*BEGUN)), g.starts_at > now), _said(Status.SCHEDULED)),
        (g.status.in_(_said(*BEGUN)), _said(Status.ACTIVE)),
        else_=g.status,
    )


def is_active(now: Moment) -> Clause:
    """The grant opens its departments at ``now``."""
    return sa.and_(G.c.status.in_(_said(*BEGUN)), effective_status(now) == _said(Status.ACTIVE))


def drifted(now: Moment) -> Clause:
    """Something that the grant was based on is no longer so."""
    return sa.or_(sa.not_(_person_as_frozen(now)), _department_changed(), _hospital_merged())


def _person_as_frozen(now: Moment) -> Clause:
    """The profile in force says hospital, department, position and title as frozen; not suspended, badge in date."""
    one, other = PROFILE.alias(), PROFILE.alias()
    p, newer = one.c, other.c
    later = sa.or_(newer.effective_at > p.effective_at, sa.and_(newer.effective_at == p.effective_at, newer.id > p.id))
    newest = sa.not_(
        sa.select(_ONE)
        .where(newer.customer_id == G.c.customer_id, *_in_force(newer, now), later)
        .correlate(G, one)
        .exists()
    )
    today = now.astimezone(SHANGHAI).date() if isinstance(now, datetime) else READ_ON if now is READ_AT else TODAY
    return (
        sa.select(_ONE)
        .where(
            p.customer_id == G.c.customer_id,
            *_in_force(p, now),
            newest,
            sa.or_(p.suspended_at.is_(None), p.suspended_at > now),
            p.hospital_id == G.c.hospital_id,
            p.department_id == G.c.home_department_id,
            p.position == G.c.position,
            p.title == G.c.title,
            sa.or_(p.badge_valid_until.is_(None), p.badge_valid_until >= today),
        )
        .correlate(G)
        .exists()
    )


def _in_force(p: Any, now: Moment) -> tuple[Clause, ...]:
    return p.effective_at <= now, sa.or_(p.ended_at.is_(None), p.ended_at > now)


def _department_changed() -> Clause:
    """One of its departments was merged away or moved: what became of it is never followed silently."""
    nodes, departments = NODE.alias(), DEPARTMENT.alias()
    node, department = nodes.c, departments.c
    return (
        sa.select(_ONE)
        .join_from(nodes, departments, department.id == node.department_id)
        .where(
            node.grant_id == G.c.id,
            node.removed_version.is_(None),
            sa.or_(
                department.merged_into.is_not(None),
                department.hospital_id != G.c.hospital_id,
                department.parent_id.is_distinct_from(node.parent_id),
            ),
        )
        .correlate(G)
        .exists()
    )


def _hospital_merged() -> Clause:
    h = HOSPITAL.alias().c
    merged = sa.select(_ONE).where(h.id == G.c.hospital_id, h.merged_into.is_not(None))
    return merged.correlate(G).exists()


# What a read brings along. The statements hold these names and no values, so that each shape is built once.
READER: Any = sa.bindparam("reader_id", type_=sa.Uuid())
READ_AT: Any = sa.bindparam("read_at", type_=UtcDateTime())
READ_ON: Any = sa.bindparam("read_on", type_=sa.Date())
OWN_SINCE: Any = sa.bindparam("own_since", type_=UtcDateTime())
SINCE: dict[int, Any] = {months: sa.bindparam(f"since_{months}", type_=UtcDateTime()) for months in CHOICES}
_SINCE_NAMES = [(months, f"since_{months}") for months in CHOICES]


def bound(customer_id: uuid.UUID, now: datetime) -> dict[str, Any]:
    """The values of one read: who, when, and the first instant of each look-back. Made anew at every read."""
    local, general = now.astimezone(SHANGHAI), numbers.get(GENERAL)
    return {
        "reader_id": customer_id, "read_at": now, "read_on": local.date(), "own_since": earlier(local, general),
        **{name: earlier(local, months) for months, name in _SINCE_NAMES},
    }  # fmt: skip


def open_departments(*, without: uuid.UUID | None = None) -> sa.Select[Any]:
    """SELECT department, grant, first instant: one row per department of each active grant of a person.

    To be run with what `bound` gives. ``without`` leaves one grant out: what would be open if it ended.
    """
    since = sa.case(*((G.c.lookback_months == sa.literal_column(str(months)), at) for months, at in SINCE.items()))
    return (
        sa.select(NODE.c.department_id, G.c.id.label("grant_id"), since.label("since"))
        .join_from(G, NODE, sa.and_(NODE.c.grant_id == G.c.id, NODE.c.removed_version.is_(None)))
        .where(G.c.customer_id == READER, is_active(READ_AT), *([G.c.id != without] if without is not None else []))
    )


def visible(
    records: Records,
    *where: Clause,
    which: Which = Which.ALL,
    newest: int | None = None,
    without: uuid.UUID | None = None,
) -> sa.Subquery:
    """The records that a person reads: a subquery of (id, at, department; null department: his own).

    To be run with what `bound` gives. ``where`` are further clauses over the record table, pushed into each part so
    that each can use its index. ``newest`` keeps that many of the latest of each part: enough for a page of as many.
    """
    parts = []
    if which is not Which.DEPARTMENT:
        nobody = sa.cast(sa.null(), records.department.type).label("department")
        own = sa.select(records.id.label("id"), records.at.label("at"), nobody).where(
            records.owner == READER, records.at >= OWN_SINCE, *where
        )
        parts.append(_latest(own, records, newest))
    if which is not Which.MINE:
        open_rows = open_departments(without=without).subquery("open_rows")
        opened = (  # two grants over one department: the longer look-back counts
            sa.select(open_rows.c.department_id, sa.func.min(open_rows.c.since).label("since"))
            .group_by(open_rows.c.department_id)
            .subquery("opened")
        )
        theirs = (
            sa.select(records.id.label("id"), records.at.label("at"), records.department.label("department"))
            .join_from(opened, records.department.table, records.department == opened.c.department_id)
            .where(records.at >= opened.c.since, *where)
        )
        if which is Which.ALL:  # what the first part has is not said twice
            theirs = theirs.where(sa.or_(records.owner.is_(None), records.owner != READER, records.at < OWN_SINCE))
        parts.append(_latest(theirs, records, newest))
    whole = parts[0] if len(parts) == 1 else sa.union_all(*(sa.select(part) for part in parts)).subquery("visible")
    return whole


def _latest(part: sa.Select[Any], records: Records, newest: int | None) -> sa.Subquery:
    if newest is not None:
        part = part.order_by(records.at.desc(), records.id.desc()).limit(newest)
    return part.subquery()
