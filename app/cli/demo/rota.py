"""The demo's week on the board: offers and visits behind the stories' tickets, a half day that is too full, a visit in
somebody's absence, and choices against the best candidate with their reasons."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import DomainError
from app.core.policy import SYSTEM, Actor
from app.core.unit_of_work import savepoint, unit_of_work
from app.dispatch import service
from app.dispatch.eligibility import Plan, half_plans, load, plan_of
from app.dispatch.eligibility.facts import Span, day_of
from app.dispatch.models import AssigneeKind, Dispatch, DispatchState, Engineer, Visit, VisitOutcome
from app.dispatch.service import Order, people
from app.dispatch.service.follow import DONE_WITH, IN_HAND
from app.dispatch.service.pool import AHEAD
from app.dispatch.service.prove import ranking
from app.dispatch.words import OVERRIDE_REASONS
from app.tickets.models import Ticket, TicketEvent
from app.tickets.workflow import Status

LIVE = (Status.OFFERED, *IN_HAND)
WINDOW = timedelta(hours=2)
REASONS = [code for code in OVERRIDE_REASONS if code != "other"]
COMPLETED = {Status.RESOLVED: VisitOutcome.FIXED, Status.CLOSED: VisitOutcome.FIXED}


def load_week(rng: random.Random, dispatcher: Actor) -> None:
    """After the people of dispatch are there."""
    with unit_of_work():
        plan = half_plans(clock.now() + AHEAD, 1)[0]
        for row in db.session.scalars(_behind_stories()):
            _adopt(rng, row, plan)
    with unit_of_work():
        _too_full(dispatcher)
    with unit_of_work():
        _away()


def _behind_stories() -> sa.Select[Ticket]:
    """Tickets of the stories that somebody has, or has served: they were moved without an offer of ours."""
    offered = sa.select(Dispatch.id).where(Dispatch.ticket_id == Ticket.id)
    engineer = Ticket.assignee_kind == AssigneeKind.ENGINEER.value
    statuses = Ticket.status.in_((*LIVE, *DONE_WITH))
    return sa.select(Ticket).where(engineer, statuses, ~offered.exists()).order_by(Ticket.number)


def _adopt(rng: random.Random, row: Ticket, plan: Plan) -> None:
    """The offer, and the visit, that led where the ticket stands; times are those of its own events."""
    events = {event.action: event for event in db.session.scalars(
        sa.select(TicketEvent).where(TicketEvent.ticket_id == row.id).order_by(TicketEvent.version)
    )}  # fmt: skip
    sent, taken = events.get("offer_ticket"), events.get("accept_offer")
    if sent is None or row.assignee_id is None:
        return
    begins, ends = _window(row, sent.at)
    live = row.status in LIVE
    state = (
        DispatchState.OFFERED
        if row.status == Status.OFFERED
        else DispatchState.ACCEPTED
        if live
        else DispatchState.DONE
    )
    made = Dispatch(
        ticket_id=row.id, cycle=row.cycle, state=state.value, assignee_kind=AssigneeKind.ENGINEER.value,
        assignee_id=row.assignee_id, assignee_name=row.assignee_name, mode=row.service_mode or "on_site",
        window_from=begins, window_until=ends, accept_by=row.accept_by or sent.at + timedelta(hours=4),
        offered_at=sent.at, offered_by=sent.by_id, offered_name=sent.by_name, weights_version=1, score=0, rank=1,
        accepted_at=taken.at if taken else None, accepted_by=row.assignee_id if taken else None,
        accepted_name=row.assignee_name if taken else "", ended_at=None if live else row.changed_at,
    )  # fmt: skip
    _remember(rng, row, made, plan)
    db.session.add(made)
    db.session.flush()
    if taken is not None:
        _visit(row, made, events, live)


def _window(row: Ticket, offered_at: datetime) -> tuple[datetime, datetime]:
    if row.window_from is not None and row.window_until is not None:
        return row.window_from, row.window_until
    return offered_at + 2 * WINDOW, offered_at + 3 * WINDOW


def _remember(rng: random.Random, row: Ticket, made: Dispatch, plan: Plan) -> None:
    """Who was on the table, and why the best one was not chosen, where that is so."""
    table = load.table(load.job_of(row.id), plan, clock.now())
    standing = table.of(made.assignee_id)
    if standing is None or table.nobody:
        return
    made.ranking, made.score = ranking(table, standing), standing.total
    made.rank = standing.rank or len(table.admitted) + 1
    if made.rank > 1:
        made.override_reason = rng.choice(REASONS)


def _visit(row: Ticket, made: Dispatch, events: Mapping[str, TicketEvent], live: bool) -> None:
    there = events.get("arrive_on_site") or events.get("collect_device")
    visit = Visit(
        dispatch_id=made.id, n=1, ticket_id=row.id, hospital_id=row.hospital_id, assignee_id=made.assignee_id,
        window_from=made.window_from, window_until=made.window_until, arrived_at=there.at if there else None,
    )  # fmt: skip
    if not live or row.status in (Status.COLLECTING, Status.RETURNING):
        visit.ended_at = row.changed_at
        visit.outcome = COMPLETED.get(Status(row.status), VisitOutcome.COLLECTED).value
    db.session.add(visit)


def _too_full(dispatcher: Actor) -> None:
    """Somebody with room for two has two in one half day, and then room for one only."""
    now = clock.now()
    wide = sa.select(Engineer).where(Engineer.capacity > 1).order_by(Engineer.staff_id)
    for him in db.session.scalars(wide).all():
        held = [one for one in _planned(him.staff_id) if one.window_from > now]
        for one in held:
            plan = plan_of(Span(one.window_from, one.window_until))
            if len([other for other in held if other.window_from == one.window_from]) > 1 or _one_more(
                dispatcher, him, plan
            ):
                him.capacity = 1
                return


def _one_more(dispatcher: Actor, him: Engineer, plan: Plan) -> bool:
    """Give him one more of what waits."""
    waiting = sa.select(Ticket.number).where(Ticket.status == Status.TO_DISPATCH).order_by(Ticket.number)
    for number in db.session.scalars(waiting).all():
        found = load.job(dispatcher, number)
        standing = load.table(found, plan, clock.now()).of(him.staff_id)
        if standing is None or not standing.admitted:
            continue
        try:
            with savepoint():
                order = Order(found.job.version, him.staff_id, plan.span, override_reason="same_trip")
                service.offer(dispatcher, number, order)
        except DomainError:
            continue
        return True
    return False


def _away() -> None:
    """Somebody falls out on a day on which he has a visit."""
    now = clock.now()
    busy = sa.select(Dispatch).where(
        Dispatch.state == DispatchState.ACCEPTED.value, Dispatch.window_from > now + timedelta(days=1),
        Dispatch.assignee_kind == AssigneeKind.ENGINEER.value,
    ).order_by(Dispatch.window_from.desc(), Dispatch.id)  # fmt: skip
    for one in db.session.scalars(busy).all():
        day = day_of(one.window_from)
        try:
            with savepoint():
                people.add_absence(SYSTEM, one.assignee_id, day, day, "leave")
        except DomainError:
            continue
        return


def _planned(engineer_id: uuid.UUID) -> list[Dispatch]:
    states = (DispatchState.OFFERED.value, DispatchState.ACCEPTED.value)
    query = sa.select(Dispatch).where(Dispatch.assignee_id == engineer_id, Dispatch.state.in_(states))
    return list(db.session.scalars(query.order_by(Dispatch.window_from, Dispatch.id)))
