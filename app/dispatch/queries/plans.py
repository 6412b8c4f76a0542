"""Reads of proposals: the latest ones, and one as a diff by person."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.policy import Actor, Permission
from app.dispatch.models import Dispatch, PlanRow, WeekPlan
from app.dispatch.planner.states import RowStatus
from app.hospitals import provinces
from app.ui.frame import language

DISPATCH = Permission.TICKETS_DISPATCH
KEPT, LOOKED_AT, LISTED = timedelta(days=30), 300, 30
NAMED = 3  # provinces named before it is a number
READY = (RowStatus.PROPOSED, RowStatus.REFUSED)


@dataclass(frozen=True, slots=True)
class Line:
    """One row with the offer that came of it, as that is now."""

    row: PlanRow
    state: str  # of the offer; "" while there is none

    @property
    def ready(self) -> bool:
        return self.row.status in READY

    @property
    def undoable(self) -> bool:
        return self.row.status == RowStatus.APPLIED and self.state == "offered"


@dataclass(slots=True)
class Person:
    """What the proposal means for one person."""

    name: str
    kind: str
    lines: list[Line] = field(default_factory=list)
    lost: int = 0  # offers of his that go to somebody else

    @property
    def way(self) -> int:
        """Minutes more on the road, what his own moved offers took before left out."""
        return sum((one.row.way or 0) - (one.row.way_before or 0) for one in self.lines)

    @property
    def late(self) -> int:
        return sum(one.row.late > 0 for one in self.lines)

    @property
    def ready(self) -> list[Line]:
        return [one for one in self.lines if one.ready]


def recent(actor: Actor) -> list[WeekPlan]:
    """Plans of the last month that lie wholly within the actor's region, the latest first. One statement."""
    scope = actor.scope(DISPATCH)
    query = sa.select(WeekPlan).where(WeekPlan.created_at > clock.now() - KEPT)
    found = db.session.scalars(query.order_by(WeekPlan.created_at.desc(), WeekPlan.id.desc()).limit(LOOKED_AT))
    return [one for one in found if scope is None or set(one.provinces) <= scope][:LISTED]


def lines(plan_id: uuid.UUID) -> list[Line]:
    """Every row, with the state of its offer. One statement."""
    query = sa.select(PlanRow, Dispatch.state).outerjoin(Dispatch, Dispatch.id == PlanRow.dispatch_id)
    query = query.where(PlanRow.plan_id == plan_id).order_by(PlanRow.window_from, PlanRow.n)
    return [Line(row, state or "") for row, state in db.session.execute(query)]


def people(found: Sequence[Line]) -> list[Person]:
    """The placed rows by person, whoever gets most first."""
    by_id: dict[uuid.UUID, Person] = {}
    for one in found:
        if one.row.assignee_id is not None:
            person = by_id.setdefault(one.row.assignee_id, Person(one.row.assignee_name, one.row.assignee_kind))
            person.lines.append(one)
    for one in found:
        for person in by_id.values():
            person.lost += bool(one.row.held_by) and one.row.held_by == person.name != one.row.assignee_name
    return sorted(by_id.values(), key=lambda person: (-len(person.lines), person.name))


def unplaced(found: Sequence[Line]) -> list[Line]:
    return [one for one in found if one.row.status == RowStatus.UNPLACED]


def region(plan: WeekPlan) -> str:
    """The provinces in the reader's language; beyond a few, the first and how many."""
    names = [provinces.title(code, language()) for code in plan.provinces]
    comma = "、" if language() != "en" else ", "
    return comma.join(names[:NAMED]) + (f" … {len(names)}" if len(names) > NAMED else "")


def newer(actor: Actor, plan: WeekPlan) -> WeekPlan | None:
    """A later proposal for one of the same provinces, among the recent ones."""
    mine = set(plan.provinces)
    later = (one for one in recent(actor) if one.created_at > plan.created_at and one.status == "proposed")
    return next((one for one in later if mine & set(one.provinces)), None)
