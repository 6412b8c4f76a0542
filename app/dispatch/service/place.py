"""Put a ticket into a half day of somebody, wherever it stands now: what a drop on the board and the form 移动到 ask.

One verb over the others, so that both say the same: an offer of what waits; a recall and a new offer of what nobody has
answered yet; a new time, or another person, for what is planned. Every one of them is judged anew by the rule engine,
in one transaction: where the second step is refused, the first has not happened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask_babel import lazy_gettext as _l

from app.core.errors import Conflict
from app.core.policy import Actor
from app.dispatch.models import Dispatch
from app.dispatch.service import reach
from app.dispatch.service.offer import Order, offer, recall
from app.dispatch.service.visits import NewTime, move_visit, withdraw
from app.tickets.models import Ticket
from app.tickets.workflow import Status

MOVED = "plan_changed"  # why an offer that waits for an answer is taken back when it is put elsewhere


@dataclass(frozen=True, slots=True)
class Placement:
    """``reason`` and ``told_by`` are asked for where a visit was agreed already."""

    order: Order
    reason: str = ""
    told_by: str = ""


def place(actor: Actor, number: str, wanted: Placement) -> Dispatch:
    """Raises Conflict when somebody was faster, NotEligible with every failed rule, Invalid naming the field."""
    row, order = reach.ticket(actor, number), wanted.order
    reach.expect(row, order.version)
    if row.status == Status.TO_DISPATCH:
        return offer(actor, number, order)
    found = reach.live(row)
    if found is None or row.status not in (Status.OFFERED, Status.SCHEDULED):
        raise Conflict(_l("这张工单现在不能移动。"), what=row.status)
    if row.status == Status.SCHEDULED and found.assignee_id == order.assignee_id:
        move_visit(actor, number, order.version, NewTime(order.span, wanted.reason, wanted.told_by))
        return found
    agreed = row.status == Status.SCHEDULED and _same_window(row, order)
    if row.status == Status.OFFERED:
        recall(actor, number, order.version, MOVED)
    else:
        withdraw(actor, number, order.version, wanted.reason)
    again = replace(order, version=row.version, mode=order.mode or found.mode, call_first=order.call_first or (
        not agreed and (found.call_first or found.accepted_at is not None)
    ))  # fmt: skip
    return offer(actor, number, again)


def _same_window(row: Ticket, order: Order) -> bool:
    """The hospital's agreed window lies in the half day that is asked for: nobody needs to call again."""
    if row.window_from is None or row.window_until is None:
        return False
    return order.span.since <= row.window_from and row.window_until <= order.span.until
