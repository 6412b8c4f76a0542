"""What several pages of dispatch look at: one ticket in one window, and the way back to the board as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from flask import request, url_for

from app.core import clock
from app.core.policy import Actor
from app.dispatch.eligibility import Job, Plan, Span, Table, half_plans, load, plan_of
from app.dispatch.forms import OfferForm, window_of
from app.dispatch.models import HALF_LABELS, Dispatch
from app.dispatch.service.pool import AHEAD
from app.dispatch.words import OVERRIDE_REASONS
from app.tickets.triage import FAULT_CLASSES, MODE_LABELS
from app.tickets.words import CHIPS, PRIORITY_CHIPS
from app.tickets.workflow import Status

WINDOWS = 8  # half days offered as links
FAR = timedelta(days=60)
BOARD_ARGS = ("week", "province", "kind", "page")


@dataclass(frozen=True, slots=True)
class Look:
    """A ticket, the windows to choose from, the chosen one, and everybody in it (None: it waits for nobody)."""

    job: Job
    mode: str
    windows: Sequence[Plan]
    plan: Plan
    table: Table | None
    held: Dispatch | None  # who has it now

    @property
    def waits(self) -> bool:
        return self.job.status == Status.TO_DISPATCH


def look_at(
    actor: Actor, number: str, form: OfferForm, *, first: datetime | None = None, held: bool = False
) -> Look:  # fmt: skip
    """``first``: the half day to look at where the form names none; ``held``: everybody also for a ticket that somebody
    has, in its own window first.

    Raises NotFound outside of the actor's region. Three statements, and one for a ticket that somebody has.
    """
    found, now = load.job(actor, number), clock.now()
    mode = form.mode.data if form.mode.data in MODE_LABELS else found.job.mode
    windows = half_plans(now + AHEAD, WINDOWS)
    waits = found.job.status == Status.TO_DISPATCH
    has = None if waits else load.held(found.job)
    first = has.window_from if has is not None else first
    started = first is not None and first > now
    plan = chosen_plan(form, next((one for one in windows if started and one.span.since == first), windows[0]), now)
    if has is not None and started and not form.day.data:
        plan = plan_of(Span(has.window_from, has.window_until))
    asked = waits or (held and found.job.status in (Status.OFFERED, Status.SCHEDULED))
    later = tuple(half_plans(plan.span.since, WINDOWS)) if asked else ()
    table = load.table(load.with_mode(found, mode or found.job.mode), plan, now, later) if asked else None
    return Look(found.job, mode or found.job.mode, windows, plan, table, has)


def chosen_plan(form: OfferForm, otherwise: Plan, now: datetime) -> Plan:
    """A window in the past, or far away, is none."""
    span = window_of(form.day.data or "", form.half.data or "")
    if span is None or span.until <= now or span.since - now > FAR:
        return otherwise
    return plan_of(span)


def words_for(job: Job) -> Mapping[str, Any]:
    """What every page about one ticket says of it."""
    return {
        "halves": HALF_LABELS, "status_chip": CHIPS[job.status], "priority": PRIORITY_CHIPS[job.priority],
        "fault": FAULT_CLASSES.get(job.fault_class), "overrides": OVERRIDE_REASONS,
    }  # fmt: skip


def board_state(values: Mapping[str, str]) -> dict[str, str]:
    """What the board's address keeps from one look to the next."""
    kept = {name: values.get(name, "")[:10] for name in BOARD_ARGS}
    return {name: value for name, value in kept.items() if value}


def back_to_board() -> str:
    """The board as the form's page had it."""
    state: dict[str, Any] = board_state(dict(parse_qsl(request.form.get("back", "")[:200])))
    return url_for("dispatch.board", **state)


def day_in(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
