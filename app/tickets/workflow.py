"""The statuses of a repair ticket, and the table of what moves them."""

from __future__ import annotations

from enum import StrEnum

from app.core.workflow import Transition, Workflow


class Status(StrEnum):
    """As stored."""

    SUBMITTED = "submitted"
    TRIAGING = "triaging"
    NEED_INFO = "need_info"
    TO_DISPATCH = "to_dispatch"
    OFFERED = "offered"
    SCHEDULED = "scheduled"
    ON_SITE = "on_site"
    COLLECTING = "collecting"
    IN_DEPOT = "in_depot"
    WAIT_QUOTE = "wait_quote"
    WAIT_PARTS = "wait_parts"
    RELEASE_TEST = "release_test"
    RETURNING = "returning"
    RESOLVED = "resolved"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    MERGED = "merged"


ENDED = (Status.CLOSED, Status.CANCELLED, Status.REJECTED, Status.MERGED)

TRANSITIONS: tuple[Transition, ...] = (
    Transition(None, "submit_ticket", Status.SUBMITTED, "customer", "ticket.submitted", None),
)
workflow = Workflow("ticket", Status, TRANSITIONS)
