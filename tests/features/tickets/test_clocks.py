"""Clocks of a real ticket: what each action does to them, frozen terms, warnings, and a receipt that replays equal."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.core import calendar, clock
from app.core.db import db
from app.core.errors import Conflict, TransitionRefused
from app.core.policy import SYSTEM
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.tickets import service
from app.tickets.facts import Facts, Harm, Priority, ServiceMode, Triage, WarrantyBasis
from app.tickets.models import NEVER, Escalation, SlaClock, SlaEvent, Ticket, TicketEvent
from app.tickets.service import Intake, clocks
from app.tickets.sla import policy
from app.tickets.sla.metrics import Metric
from app.tickets.sla.reckoning import receipt, used
from tests.features.registrations.story import begin

MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # 09:00 in China, a working day
HOUR = timedelta(hours=1)
SHEET = Triage(True, "S1", "", Harm.NO, True, "optics", Priority.P2, WarrantyBasis.PAID, ServiceMode.ON_SITE)


@pytest.fixture
def ticket(app: Portal) -> Iterator[uuid.UUID]:
    with app.app_context(), clock.frozen(MONDAY):
        with unit_of_work():
            story = begin()
            row = service.record_ticket(SYSTEM, Intake(story.hospital_id, "插入部漏水"))
            found = row.id
        yield found


def act(ticket_id: uuid.UUID, action: str, at: datetime, **kw: object) -> Ticket:
    with clock.frozen(at), unit_of_work():
        row = service.locked(ticket_id)
        facts = Facts(now=at, reason="other", text="好", note="好", questions=("photo",), triage=SHEET)
        changes = kw.pop("changes", None)
        service.move(row, action, SYSTEM, facts, changes=changes, **kw)  # type: ignore[arg-type]
        return row


def clock_of(ticket_id: uuid.UUID, metric: Metric) -> SlaClock:
    with unit_of_work(write=False):
        query = sa.select(SlaClock).where(SlaClock.ticket_id == ticket_id, SlaClock.metric == metric)
        return db.session.scalars(query).one()


def test_a_report_starts_three_clocks_by_the_terms_of_an_ordinary_one(ticket: uuid.UUID) -> None:
    with unit_of_work(write=False):
        found = {c.metric: c.due_at for c in db.session.scalars(sa.select(SlaClock))}
        assert db.session.get_one(Ticket, ticket).due_at == found[Metric.FIRST_TOUCH] == MONDAY + 2 * HOUR
    assert set(found) == {Metric.FIRST_TOUCH, Metric.RESPONSE, Metric.RESOLUTION}


def test_triage_stops_and_starts_and_freezes_by_the_priority(ticket: uuid.UUID) -> None:
    act(ticket, "claim_ticket", MONDAY + HOUR)
    assert clock_of(ticket, Metric.FIRST_TOUCH).outcome == "in_time"
    act(ticket, "finish_triage", MONDAY + 2 * HOUR, changes={"priority": "p2"})
    resolution = clock_of(ticket, Metric.RESOLUTION)
    assert resolution.budget_seconds == 40 * 3600
    assert clock_of(ticket, Metric.RESPONSE).used_seconds == 2 * 3600
    dispatch = clock_of(ticket, Metric.DISPATCH)
    assert dispatch.started_at == MONDAY + 2 * HOUR
    with unit_of_work(write=False):
        assert db.session.get_one(Ticket, ticket).due_at == dispatch.due_at


def test_urgent_tickets_count_every_hour(ticket: uuid.UUID) -> None:
    act(ticket, "claim_ticket", MONDAY)
    act(ticket, "finish_triage", MONDAY + 8 * HOUR, changes={"priority": "p1"})
    arrival = clock_of(ticket, Metric.ARRIVAL)
    assert arrival.calendar_id is None and arrival.due_at == MONDAY + 16 * HOUR  # one in the morning


def test_a_question_to_the_customer_stops_what_its_reason_stops(ticket: uuid.UUID) -> None:
    act(ticket, "claim_ticket", MONDAY)
    before = clock_of(ticket, Metric.RESOLUTION).due_at
    act(ticket, "ask_info", MONDAY + HOUR, pause_until=MONDAY + timedelta(days=2))
    act(ticket, "record_answer", MONDAY + 3 * HOUR)
    assert clock_of(ticket, Metric.RESOLUTION).due_at == before + 2 * HOUR
    with unit_of_work(write=False):
        query = sa.select(SlaEvent.act, SlaEvent.reason).where(SlaEvent.ticket_id == ticket).order_by(SlaEvent.seq)
        lines = db.session.execute(query).all()
    assert [line.act for line in lines] == ["start", "start", "start", "stop", "pause", "resume"]
    assert lines[4].reason == "customer_info"


def test_a_calendar_imported_later_moves_no_promise(ticket: uuid.UUID) -> None:
    before = clock_of(ticket, Metric.RESOLUTION).due_at
    with unit_of_work():
        calendar.import_csv("day,is_working,name\n2026-11-25,0,停电\n", "notice")
    act(ticket, "claim_ticket", MONDAY + HOUR)
    assert clock_of(ticket, Metric.RESOLUTION).due_at == before


def test_replay_from_the_log_equals_what_is_stored(ticket: uuid.UUID) -> None:
    act(ticket, "claim_ticket", MONDAY + HOUR)
    act(ticket, "ask_info", MONDAY + 2 * HOUR, pause_until=MONDAY + timedelta(days=2))
    act(ticket, "record_answer", MONDAY + 30 * HOUR)
    with unit_of_work(write=False):
        row = db.session.get_one(Ticket, ticket)
        terms = clocks.terms_of(row, MONDAY)
        replayed = clocks.replay(clocks.log_of(row), terms.budgets)
        for stored in db.session.scalars(sa.select(SlaClock)):
            run = replayed.runs[Metric(stored.metric)]
            assert clocks.due(run, replayed.pauses, terms.calendar) == stored.due_at
            pieces = receipt(run, replayed.pauses, terms.calendar, MONDAY + 40 * HOUR)
            total = sum((piece.work for piece in pieces if piece.counted), timedelta())
            assert total == used(run, replayed.pauses, terms.calendar, MONDAY + 40 * HOUR)


def test_warnings_move_with_the_deadline_and_fired_ones_stay(ticket: uuid.UUID) -> None:
    act(ticket, "claim_ticket", MONDAY)
    with unit_of_work():
        fired = db.session.scalars(sa.select(Escalation).join(SlaClock).where(Escalation.level == 50)).first()
        assert fired is not None
        fired.fired_at = MONDAY
        fired_due, fired_id = fired.due_at, fired.id
    act(ticket, "ask_info", MONDAY + HOUR, pause_until=MONDAY + timedelta(days=2))
    with unit_of_work(write=False):
        assert db.session.get_one(Escalation, fired_id).due_at == fired_due
        levels = db.session.scalars(sa.select(Escalation.level).join(SlaClock).where(SlaClock.metric == "response"))
        assert sorted(levels) == sorted(policy.LEVELS)


def test_the_end_stops_every_clock_and_the_ticket_is_due_never(ticket: uuid.UUID) -> None:
    act(ticket, "cancel_ticket", MONDAY + HOUR)
    with unit_of_work(write=False):
        row = db.session.get_one(Ticket, ticket)
        assert (row.due_at, row.closed_at) == (NEVER, MONDAY + HOUR)
        assert db.session.scalar(sa.select(sa.func.count()).where(SlaClock.stopped_at.is_(None))) == 0
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Escalation)) == 0


def test_an_unlisted_pair_changes_nothing(ticket: uuid.UUID) -> None:
    with pytest.raises(TransitionRefused):
        act(ticket, "release_device", MONDAY + HOUR)
    with pytest.raises(Conflict):
        act(ticket, "claim_ticket", MONDAY + HOUR, expected_version=7)
    with unit_of_work(write=False):
        assert db.session.scalar(sa.select(sa.func.count()).select_from(TicketEvent)) == 1
        assert db.session.get_one(Ticket, ticket).version == 1


def test_words_of_an_event_are_sealed_for_the_person(ticket: uuid.UUID) -> None:
    act(ticket, "claim_ticket", MONDAY)
    act(ticket, "ask_info", MONDAY + HOUR, pause_until=MONDAY + timedelta(days=1))
    with unit_of_work(write=False):
        event = db.session.scalars(sa.select(TicketEvent).where(TicketEvent.action == "ask_info")).one()
        assert (event.text, event.note) == ("好", "好") and "好".encode() not in (event.text_sealed or b"")


def test_a_pause_that_an_action_begins_is_cut_to_what_its_reason_allows(ticket: uuid.UUID) -> None:
    """Eighty working hours are eleven days; asked for thirty days, the clocks go on after eleven."""
    act(ticket, "claim_ticket", MONDAY)
    act(ticket, "ask_info", MONDAY + HOUR, pause_until=MONDAY + timedelta(days=30))
    with unit_of_work(write=False):
        line = db.session.scalars(sa.select(SlaEvent).where(SlaEvent.act == "pause")).one()
        assert line.planned_end == calendar.add_working_hours(MONDAY + HOUR, 80)
        assert line.planned_end < MONDAY + timedelta(days=30)


def test_a_warning_beyond_the_loaded_days_refuses_no_report_and_a_deadline_does(app: Portal) -> None:
    """On 16 December the resolution is still due within the year, its warning at 150 % is not; on the 21st neither."""
    with app.app_context():
        with clock.frozen(MONDAY + timedelta(days=23)), unit_of_work():
            story = begin()
            hospital = story.hospital_id
            row = service.record_ticket(SYSTEM, Intake(hospital, "插入部漏水"))
            found = sa.select(Escalation.level).join(SlaClock).where(SlaClock.metric == Metric.RESOLUTION)
            levels = db.session.scalars(found.where(SlaClock.ticket_id == row.id))
            assert sorted(levels) == [50, 75, 90, 100]
        with clock.frozen(MONDAY + timedelta(days=28)), pytest.raises(calendar.CalendarMissing), unit_of_work():
            service.record_ticket(SYSTEM, Intake(hospital, "另一处漏水"))
