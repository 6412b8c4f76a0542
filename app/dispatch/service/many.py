"""One row of an act on many tickets: offer, take back, give an absent colleague's work to somebody else.

Each says what it did in a few words, or refuses with the reason; the frame of lists (`core.worklist.bulk`) rehearses
and repeats them row by row. Whoever is chosen, every row is judged by the rule engine like a single one.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict, NotFound
from app.core.policy import Actor
from app.dispatch.eligibility import Plan, Span, Standing, Table, half_plans, load, plan_of
from app.dispatch.models import PoolEntry
from app.dispatch.service import reach
from app.dispatch.service.offer import Order
from app.dispatch.service.offer import offer as offer_one
from app.dispatch.service.offer import recall as recall_one
from app.dispatch.service.place import Placement, place
from app.dispatch.service.pool import AHEAD, HALVES
from app.dispatch.service.tell import window_words
from app.tickets.models import Ticket
from app.tickets.workflow import Status

ABSENT = "absent"


def offer(actor: Actor, ticket_id: uuid.UUID, to: uuid.UUID | None, reason: str, note: str) -> str:
    """To the best one, or to one person, in the first half day in which he can. Raises Conflict where nobody can."""
    row = _row(actor, ticket_id)
    found = load.job_of(ticket_id)
    for plan in _plans(row):
        table = load.table(found, plan, clock.now())
        standing = _wanted(table, to)
        if standing is not None:
            order = Order(row.version, standing.candidate.id, plan.span, override_reason=reason, override_note=note)
            return _said(offer_one(actor, row.number, order).assignee_name, plan.span)
    raise Conflict(_l("接下来的半天里没有人可以承接。") if to is None else _l("接下来的半天里此人不能承接。"))


def recall(actor: Actor, ticket_id: uuid.UUID, reason: str) -> str:
    """Take back an offer that nobody has answered."""
    row = _row(actor, ticket_id)
    name = row.assignee_name
    recall_one(actor, row.number, row.version, reason)
    return name


def reassign(actor: Actor, ticket_id: uuid.UUID) -> str:
    """What somebody absent holds goes to the best other one: in the same half day, or else in the next ones.

    Raises Conflict where he is there after all, or where nobody else can.
    """
    row = _row(actor, ticket_id)
    held = reach.live(row)
    if held is None or row.status not in (Status.OFFERED, Status.SCHEDULED):
        raise Conflict(_l("这张工单现在没有人承接。"), what=row.status)
    found, now = load.job_of(ticket_id), clock.now()
    own = plan_of(Span(held.window_from, held.window_until))
    standing = load.table(found, own, now).of(held.assignee_id)
    if standing is not None and standing.admitted:
        raise Conflict(_l("%(name)s 那时没有缺勤，没有改派。", name=held.assignee_name))
    ahead = [own] if own.span.since > now else []
    for plan in (*ahead, *half_plans(now + AHEAD, HALVES)):
        best = next(
            (one for one in load.table(found, plan, now).admitted if one.candidate.id != held.assignee_id), None
        )
        if best is not None:
            reason = "" if best.rank == 1 else "spare_best"
            order = Order(row.version, best.candidate.id, plan.span, override_reason=reason)
            return _said(place(actor, row.number, Placement(order, reason=ABSENT)).assignee_name, plan.span)
    raise Conflict(_l("接下来的半天里没有别人可以承接。"))


def _row(actor: Actor, ticket_id: uuid.UUID) -> Ticket:
    number = db.session.scalar(sa.select(Ticket.number).where(Ticket.id == ticket_id))
    if number is None:
        raise NotFound()
    return reach.ticket(actor, number)


def _plans(row: Ticket) -> Iterator[Plan]:
    """The half day that the pool expects first, then the next ones."""
    now = clock.now()
    plans = half_plans(now + AHEAD, HALVES)
    entry = db.session.get(PoolEntry, row.id)
    first = next((one for one in plans if entry is not None and one.span.since == entry.starts_at), None)
    if first is not None:
        yield first
    yield from (one for one in plans if one is not first)


def _wanted(table: Table, to: uuid.UUID | None) -> Standing | None:
    if to is None:
        return table.best
    standing = table.of(to)
    return standing if standing is not None and standing.admitted else None


def _said(name: str, span: Span) -> str:
    return f"{name} {window_words(span.since, span.until)}"
