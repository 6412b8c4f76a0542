"""Why somebody may open the photos of a case: a live task on it, or one that a part of this feature adds.

``sources`` is where second readings, comparisons and rights requests say that a person has such a task
(decisions.md 21); each gets (actor, registration, now) and answers with the reason, or None.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from app.core.policy import Actor, Permission
from app.core.registry import Registry
from app.registrations.models import Registration
from app.registrations.task import holds_lease
from app.registrations.workflow import TASKS, Status


class Why(StrEnum):
    """The reason that the audit log keeps with every opening."""

    REVIEW = "review"
    SECOND = "second"
    READING = "reading"
    APPEAL = "appeal"
    COMPARISON = "comparison"
    RIGHTS_REQUEST = "rights_request"


TaskSource = Callable[[Actor, Registration, datetime], Why | None]
sources: Registry[TaskSource] = Registry("tasks that open photos")
BY_STATUS = {Status.AWAITING_SECOND.value: Why.SECOND, Status.APPEALED.value: Why.APPEAL}


def why_open(actor: Actor, row: Registration, now: datetime) -> Why | None:
    """The task that lets this person open the case's photos now, or None."""
    if actor.may(Permission.REGISTRATIONS_DECIDE) and row.status in TASKS and holds_lease(actor, row, now):
        return BY_STATUS.get(row.status, Why.REVIEW)
    found = (source(actor, row, now) for source in sources)
    return next((why for why in found if why is not None), None)
