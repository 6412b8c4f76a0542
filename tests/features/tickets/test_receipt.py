"""The receipt of a deadline, and the pauses that staff set (dispatch.md 3 feature 12, 4 item 4)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.policy import SYSTEM
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.staff.roles import Role
from app.tickets import service
from app.tickets.facts import Facts
from app.tickets.models import SlaClock, Ticket
from app.tickets.queries import receipt as receipts
from app.tickets.service import Intake, pauses
from app.tickets.sla.metrics import PAUSE_REASONS, Metric
from tests.features.registrations.story import begin
from tests.features.tickets.people import DAY, HOUR, MONDAY, staff
from tests.features.tickets.test_clocks import act

TRIAGER = staff(Role.TRIAGER, "受理甲")
R = Metric.RESOLUTION


@pytest.fixture
def ticket(app: Portal) -> Iterator[uuid.UUID]:
    with app.app_context(), clock.frozen(MONDAY):
        with unit_of_work():
            story = begin()
            found = service.record_ticket(SYSTEM, Intake(story.hospital_id, "插入部漏水")).id
        act(found, "claim_ticket", MONDAY)
        act(found, "finish_triage", MONDAY, changes={"priority": "p2"})
        yield found


def pause(ticket: uuid.UUID, at: datetime, until: datetime | None, reason: str = "customer_window") -> None:
    with clock.frozen(at), unit_of_work():
        pauses.pause(TRIAGER, ticket, reason, until, "护士长来电要求改期")


def read(ticket: uuid.UUID, at: datetime) -> receipts.Receipt:
    with clock.frozen(at), unit_of_work(write=False):
        return receipts.of(db.session.get_one(Ticket, ticket))


def clock_of(found: receipts.Receipt, metric: Metric) -> receipts.ClockReceipt:
    return next(one for one in found.clocks if one.metric is metric)


def used(one: receipts.ClockReceipt) -> timedelta:
    assert one.reckoned is not None
    return one.reckoned.used


def test_total_paused_time_is_the_union_of_intervals_in_working_seconds(ticket: uuid.UUID) -> None:
    """Feature 12: 10:00-15:00 and 14:00-17:00 overlap; six working hours less the noon pause stand still, not eight."""
    before = clock_of(read(ticket, MONDAY), R).stored.due_at
    pause(ticket, MONDAY + HOUR, MONDAY + 6 * HOUR)
    pause(ticket, MONDAY + 5 * HOUR, MONDAY + 8 * HOUR, "site_closed")
    found = read(ticket, MONDAY + 8.5 * HOUR)
    mine = clock_of(found, R)
    assert used(mine) == 1.5 * HOUR
    assert sum((s.piece.work for s in mine.stretches if not s.piece.counted), timedelta()) == 5.5 * HOUR
    assert [s.piece.why for s in mine.stretches if not s.piece.counted] == [
        ("customer_window",), ("customer_window", "site_closed"), ("site_closed",),
    ]  # fmt: skip
    assert mine.stored.due_at > before and found.equal
    assert {p.by_name for p in found.pauses} == {"受理甲"} and found.pauses[0].note == "护士长来电要求改期"


def test_replay_recomputes_from_events_and_equals_what_is_stored(ticket: uuid.UUID) -> None:
    """Section 4 item 4, through pauses, a stop inside one, and what happens after the stop."""
    pause(ticket, MONDAY + HOUR, MONDAY + 2 * DAY, "force_majeure")
    assert read(ticket, MONDAY + 3 * HOUR).equal
    act(ticket, "cancel_ticket", MONDAY + 3 * HOUR)
    late = read(ticket, MONDAY + 30 * DAY)
    assert late.equal and all(not one.going for one in late.clocks)


def test_a_stored_deadline_that_the_log_does_not_give_is_said_loudly(ticket: uuid.UUID) -> None:
    with unit_of_work():
        db.session.execute(sa.update(SlaClock).where(SlaClock.metric == R).values(due_at=MONDAY + DAY))
    found = read(ticket, MONDAY + HOUR)
    assert not found.equal and [one.metric for one in found.clocks if not one.equal] == [R]


def test_a_budget_that_the_policy_does_not_promise_is_said_too(ticket: uuid.UUID) -> None:
    with unit_of_work():
        row = db.session.scalars(sa.select(SlaClock).where(SlaClock.metric == R)).one()
        row.budget_seconds += 3600
    assert not read(ticket, MONDAY + HOUR).equal


def test_ended_early_it_counts_again_from_there(ticket: uuid.UUID) -> None:
    pause(ticket, MONDAY, MONDAY + 2 * DAY)
    name = read(ticket, MONDAY).pauses[0].name
    with clock.frozen(MONDAY + HOUR), unit_of_work():
        pauses.end(TRIAGER, ticket, name)
    found = read(ticket, MONDAY + 2 * HOUR)
    assert used(clock_of(found, R)) == HOUR and found.equal
    with clock.frozen(MONDAY + 2 * HOUR), pytest.raises(Conflict), unit_of_work():
        pauses.end(TRIAGER, ticket, name)


@pytest.mark.parametrize(
    ("reason", "hours", "note", "field"),
    [
        ("customer_window", None, "x", "until"),
        ("customer_window", -1, "x", "until"),
        ("site_closed", 24 * 30, "x", "until"),
        ("customer_info", 1, "x", "reason"),
        ("nonsense", 1, "x", "reason"),
        ("site_closed", 1, " ", "note"),
        ("site_closed", 1, "长" * 301, "note"),
    ],
)
def test_a_wrong_pause_is_refused_and_changes_nothing(
    ticket: uuid.UUID, reason: str, hours: int | None, note: str, field: str
) -> None:
    until = None if hours is None else MONDAY + hours * HOUR
    with pytest.raises(Invalid) as refusal, unit_of_work():
        pauses.pause(TRIAGER, ticket, reason, until, note)
    assert field in refusal.value.fields
    assert read(ticket, MONDAY).pauses == []


def test_only_while_the_ticket_is_open_by_who_may_and_in_the_region(ticket: uuid.UUID) -> None:
    with pytest.raises(Forbidden), unit_of_work():
        pauses.pause(staff(Role.DISPATCHER), ticket, "site_closed", MONDAY + HOUR, "x")
    with pytest.raises(NotFound), unit_of_work():
        pauses.pause(staff(Role.TRIAGER, provinces=frozenset({"65"})), ticket, "site_closed", MONDAY + HOUR, "x")
    act(ticket, "cancel_ticket", MONDAY)
    with pytest.raises(Conflict), unit_of_work():
        pauses.pause(TRIAGER, ticket, "site_closed", MONDAY + HOUR, "x")


def test_what_a_transition_paused_is_not_ended_by_hand(ticket: uuid.UUID) -> None:
    with unit_of_work():
        place = db.session.get_one(Ticket, ticket).hospital_id
        other = service.record_ticket(SYSTEM, Intake(place, "漏水")).id
    act(other, "claim_ticket", MONDAY)
    with unit_of_work():
        facts = Facts(now=MONDAY, text="好", questions=("photo",))
        service.move(service.locked(other), "ask_info", SYSTEM, facts, pause_until=MONDAY + DAY)
    name = read(other, MONDAY).pauses[0].name
    assert PAUSE_REASONS["customer_info"].by_staff is False
    with pytest.raises(Conflict), unit_of_work():
        pauses.end(TRIAGER, other, name)
