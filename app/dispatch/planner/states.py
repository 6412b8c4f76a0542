"""Lives of a plan and of its rows, as data. Rows come with the plan's finish."""

from __future__ import annotations

from enum import StrEnum

from app.core.policy import Permission
from app.core.workflow import Transition, Workflow

DISPATCH = Permission.TICKETS_DISPATCH


class PlanStatus(StrEnum):
    """``PAST`` is never stored: a proposal passes with its last half day."""

    QUEUED = "queued"
    SOLVING = "solving"
    PROPOSED = "proposed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAST = "past"


class RowStatus(StrEnum):
    """``UNPLACED``: nobody could take it; nothing to take over."""

    PROPOSED = "proposed"
    UNPLACED = "unplaced"
    APPLIED = "applied"
    REFUSED = "refused"
    UNDONE = "undone"


P, R = PlanStatus, RowStatus
OPEN = (P.QUEUED, P.SOLVING)
plan_workflow = Workflow(
    "week_plan",
    PlanStatus,
    [
        Transition(None, "request_plan", P.QUEUED, DISPATCH, "week_plan.requested", None),
        Transition(P.QUEUED, "start_plan", P.SOLVING, "system", "week_plan.started", None),
        Transition(P.SOLVING, "start_plan", P.SOLVING, "system", "week_plan.started", None),  # after a kill
        Transition(P.SOLVING, "finish_plan", P.PROPOSED, "system", "week_plan.finished", None),
        Transition(P.QUEUED, "fail_plan", P.FAILED, "system", "week_plan.failed", None),
        Transition(P.SOLVING, "fail_plan", P.FAILED, "system", "week_plan.failed", None),
        Transition(P.QUEUED, "cancel_plan", P.CANCELLED, DISPATCH, "week_plan.cancelled", None),
        Transition(P.SOLVING, "cancel_plan", P.CANCELLED, DISPATCH, "week_plan.cancelled", None),
        Transition(P.PROPOSED, "cancel_plan", P.CANCELLED, DISPATCH, "week_plan.cancelled", None),
    ],
)
row_workflow = Workflow(
    "week_plan_row",
    RowStatus,
    [
        Transition(R.PROPOSED, "apply_row", R.APPLIED, DISPATCH, "week_plan_row.applied", None),
        Transition(R.REFUSED, "apply_row", R.APPLIED, DISPATCH, "week_plan_row.applied", None),
        Transition(R.PROPOSED, "refuse_row", R.REFUSED, DISPATCH, "week_plan_row.refused", None),
        Transition(R.REFUSED, "refuse_row", R.REFUSED, DISPATCH, "week_plan_row.refused", None),
        Transition(R.APPLIED, "undo_row", R.UNDONE, DISPATCH, "week_plan_row.undone", None),
    ],
)
