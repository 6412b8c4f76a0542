"""Life of an export, as data."""

from __future__ import annotations

from enum import StrEnum

from app.core.workflow import Transition, Workflow


class Status(StrEnum):
    """``EXPIRED`` is never stored: a finished export expires at read time."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


S = Status
OPEN = (S.QUEUED, S.RUNNING)
workflow = Workflow(
    "list_export",
    Status,
    [
        Transition(None, "request_export", S.QUEUED, "staff", "list_export.requested", None),
        Transition(S.QUEUED, "start_export", S.RUNNING, "system", "list_export.started", None),
        Transition(S.RUNNING, "start_export", S.RUNNING, "system", "list_export.started", None),  # after a kill
        Transition(S.RUNNING, "finish_export", S.DONE, "system", "list_export.finished", None),
        Transition(S.QUEUED, "fail_export", S.FAILED, "system", "list_export.failed", None),
        Transition(S.RUNNING, "fail_export", S.FAILED, "system", "list_export.failed", None),
        Transition(S.QUEUED, "cancel_export", S.CANCELLED, "staff", "list_export.cancelled", None),
        Transition(S.RUNNING, "cancel_export", S.CANCELLED, "staff", "list_export.cancelled", None),
    ],
)
