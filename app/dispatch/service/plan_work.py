"""The worker's part of a plan: gather, solve in a process of its own, write the proposal in one transaction.

The job may be killed at any moment: until the last transaction there is nothing but a plan that is still being made. It
is taken up again after the lease, once; what nobody finished has failed at read time and holds no province any more.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock, jobs
from app.core.calendar import CalendarMissing
from app.core.db import db, new_id
from app.core.errors import Conflict, DomainError, NotFound, TransitionRefused
from app.core.policy import SYSTEM
from app.core.unit_of_work import unit_of_work
from app.dispatch.models import PlanInput, PlanRow, WeekPlan
from app.dispatch.planner import cost, load, process
from app.dispatch.planner.snapshot import Limits, to_json
from app.dispatch.planner.states import PlanStatus, RowStatus, plan_workflow
from app.dispatch.service.plans import JOB, release

log = logging.getLogger("portal.plans")
ATTEMPTS = 2
LEASE = timedelta(minutes=6)  # gathering, the solver's two minutes and its grace, writing
LIMITS = Limits()


class GivenUp(Exception):
    """The plan is no longer this run's: called off, or taken over."""


def run(payload: dict[str, Any]) -> None:
    """Make one plan. What cannot go well another time ends as failed."""
    plan_id = uuid.UUID(str(payload["plan"]))
    try:
        plan = _start(plan_id)
    except (NotFound, TransitionRefused, Conflict):
        return
    try:
        found = _gather(plan)
        solved = process.solve(to_json(found.snapshot), found.snapshot.limits.seconds, lambda n: _progress(plan, n))
        _finish(plan, found, solved)
    except GivenUp:
        log.info("plan %s was called off or taken over", plan_id)
    except CalendarMissing:
        _fail(plan, "calendar_missing")
    except DomainError as error:
        _fail(plan, error.code)


def _start(plan_id: uuid.UUID) -> WeekPlan:
    with unit_of_work():
        row = db.session.get(WeekPlan, plan_id)
        if row is None:
            raise NotFound()
        if row.shown_status() == PlanStatus.FAILED:
            raise TransitionRefused()
        plan_workflow.fire(row, "start_plan", SYSTEM, changes={"done": 0})
        db.session.expunge(row)
    return row


def _gather(plan: WeekPlan) -> load.Gathered:
    with unit_of_work(write=False):
        found = load.gather(plan.provinces, clock.now(), LIMITS)
    with unit_of_work():
        own = _own(plan)
        own.tickets, own.people, own.seed = len(found.wanted), len(found.people), found.snapshot.limits.seed
        db.session.execute(sa.delete(PlanInput).where(PlanInput.plan_id == plan.id))
        db.session.add(PlanInput(plan_id=plan.id, content=to_json(found.snapshot)))
    return found


def _progress(plan: WeekPlan, done: int) -> None:
    with unit_of_work():
        _own(plan).done = done


def _own(plan: WeekPlan) -> WeekPlan:
    """The row, while it is still this run's; GivenUp otherwise."""
    row = db.session.get(WeekPlan, plan.id, with_for_update=True, populate_existing=True)
    if row is None or row.version != plan.version or row.status != PlanStatus.SOLVING:
        raise GivenUp
    return row


def _finish(plan: WeekPlan, found: load.Gathered, solved: dict[str, Any]) -> None:
    """All rows and the new status, or nothing."""
    with unit_of_work():
        row = _own(plan)
        rows = list(_rows(plan, found, solved["assignment"]))
        for start in range(0, len(rows), 500):
            db.session.execute(sa.insert(PlanRow), rows[start : start + 500])
        changes = {
            "finished_at": clock.now(), "ends_at": found.plans[-1].span.until, "done": len(found.wanted),
            "solver": solved["solver"], "cut_short": solved["cut_short"], "parts": solved["parts"],
            "figures": {key: solved[key] for key in ("before", "after", "bound", "start")},
        }  # fmt: skip
        plan_workflow.fire(row, "finish_plan", SYSTEM, changes=changes)
        release(row)


def _rows(plan: WeekPlan, found: load.Gathered, assignment: list[list[int] | None]) -> Iterator[dict[str, Any]]:
    """What changes; an offer that stays where it is makes no row."""
    n = 0
    for job, wanted, place in zip(found.snapshot.jobs, found.wanted, assignment, strict=True):
        chosen = (place[0], place[1]) if place is not None else None
        if job.current is not None and chosen in (None, job.current):
            continue
        n += 1
        values: dict[str, Any] = {
            "id": new_id(), "plan_id": plan.id, "n": n, "status": RowStatus.UNPLACED.value, "version": 1,
            "ticket_id": wanted.ticket_id, "ticket_number": wanted.number, "ticket_version": wanted.version,
            "priority": wanted.priority, "hospital": wanted.hospital, "refusal": "", "acted_name": "",
            "choices": sum(len(pair.slots) for pair in job.pairs), "assignee_kind": "", "assignee_id": None,
            "assignee_name": "", "window_from": None, "window_until": None, "late": 0, **_before(found, job, wanted),
        }  # fmt: skip
        yield {**values, **(_placed(found, job, chosen) if chosen is not None else {"way": None})}


def _placed(found: load.Gathered, job: Any, chosen: cost.Place) -> dict[str, Any]:
    pair = cost.pair_at(job, chosen)
    if pair is None:
        raise AssertionError("a plan with a pair that nobody called eligible")
    who, halves = found.people[chosen[0]], pair.taken(chosen[1])
    return {
        "status": RowStatus.PROPOSED.value, "assignee_kind": who.kind.value, "assignee_id": who.id,
        "assignee_name": who.name, "window_from": found.plans[halves[0]].span.since,
        "window_until": found.plans[halves[-1]].span.until, "way": None if pair.way is None else 2 * pair.way,
        "late": cost.lateness(job, pair, found.snapshot.slots[chosen[1]].begins),
    }  # fmt: skip


def _before(found: load.Gathered, job: Any, wanted: Any) -> dict[str, Any]:
    held = found.held.get(wanted.ticket_id) if job.current is not None else None
    if held is None:
        return {"held_by": "", "held_from": None, "held_until": None, "way_before": None, "late_before": 0}
    pair = cost.pair_at(job, job.current)
    late = cost.lateness(job, pair, found.snapshot.slots[job.current[1]].begins) if pair is not None else 0
    way = 2 * pair.way if pair is not None and pair.way is not None else None
    return {
        "held_by": held.name, "held_from": held.span.since, "held_until": held.span.until, "way_before": way,
        "late_before": late,
    }  # fmt: skip


def _fail(plan: WeekPlan, code: str) -> None:
    with unit_of_work():
        row = db.session.get(WeekPlan, plan.id, with_for_update=True, populate_existing=True)
        if row is None or row.version != plan.version:
            return
        plan_workflow.fire(
            row, "fail_plan", SYSTEM, changes={"finished_at": clock.now(), "error": code[:64]}, reason_code=code[:64]
        )
        release(row)


def install() -> None:
    """Register the job."""
    jobs.handler(JOB, outside=True, lease=LEASE, max_attempts=ATTEMPTS)(run)
