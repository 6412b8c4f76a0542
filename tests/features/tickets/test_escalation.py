"""The ladder of warnings: ten thousand due in one minute, each level once, nobody woken at night but for P1."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db, new_id
from app.core.outbox import Message
from app.core.policy import SYSTEM
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.staff.models import RoleAssignment, StaffAccount
from app.tickets import service
from app.tickets.facts import Facts
from app.tickets.models import Escalation, SlaClock, SlaEvent, Ticket
from app.tickets.service import Intake, escalate
from tests.features.registrations.story import begin
from tests.features.tickets.people import DAY, HOUR, MONDAY
from tests.features.tickets.test_clocks import SHEET

MINUTE = timedelta(minutes=1)
NIGHT = MONDAY - DAY + 13 * HOUR  # Sunday, 22:00 in China
MANY = 10_000


def person(email: str, role: str, *, lead: bool, provinces: list[str] | None = None) -> uuid.UUID:
    account = StaffAccount(email=email, name="样例", state="active", created_at=MONDAY)
    db.session.add(account)
    db.session.flush()
    db.session.add(RoleAssignment(staff_id=account.id, role=role, provinces=provinces, lead=lead, granted_at=MONDAY))
    return account.id


@pytest.fixture
def ticket(app: Portal) -> Iterator[uuid.UUID]:
    with app.app_context(), clock.frozen(MONDAY):
        with unit_of_work():
            story = begin()
            found = service.record_ticket(SYSTEM, Intake(story.hospital_id, "插入部漏水")).id
        yield found


@contextmanager
def counted() -> Iterator[list[str]]:
    found: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        found.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)


def levels(*, fired: bool = True) -> list[int]:
    with unit_of_work(write=False):
        query = sa.select(Escalation.level).where(Escalation.fired_at.is_not(None) if fired else sa.true())
        return sorted(db.session.scalars(query))


def mails() -> list[uuid.UUID | None]:
    with unit_of_work(write=False):
        return list(db.session.scalars(sa.select(Message.staff_id).where(Message.template == "ticket_deadline")))


def run(at: object) -> tuple[int, int]:
    with clock.frozen(at), unit_of_work():  # type: ignore[arg-type]
        return escalate.fire_due(clock.now()), escalate.pass_on(clock.now())


def many(template_id: uuid.UUID, count: int = MANY) -> None:
    """``count`` tickets like the one there, each with one clock whose warning at 100 % is due at MONDAY + 1 minute."""
    with unit_of_work():
        row = db.session.execute(sa.select(Ticket.__table__).where(Ticket.id == template_id)).mappings().one()
        tickets = [dict(row) | {"id": new_id(), "number": f"TST-{n:05}"} for n in range(count)]
        clocks = [
            {
                "id": new_id(), "ticket_id": t["id"], "cycle": 1, "metric": "resolution", "policy_version": 1,
                "budget_seconds": 60, "started_at": MONDAY, "due_at": MONDAY + MINUTE, "outcome": "",
            }
            for t in tickets
        ]  # fmt: skip
        warnings = [
            {"id": new_id(), "clock_id": c["id"], "level": level, "due_at": MONDAY + MINUTE * level / 100}
            for c in clocks
            for level in (50, 75, 90, 100)
        ]
        for table, rows in ((Ticket, tickets), (SlaClock, clocks), (Escalation, warnings)):
            db.session.execute(sa.insert(table.__table__), rows)  # type: ignore[arg-type]


def test_ten_thousand_clocks_falling_due_in_one_minute_are_all_flagged_by_the_next_run_each_level_once(
    ticket: uuid.UUID,
) -> None:
    """Feature 13 of dispatch.md 3: no cap per run, few statements, bounded memory, at most 21 mails a person."""
    many(ticket)
    with unit_of_work():
        lead = person("lead@example.com", "triager", lead=True)
    with counted() as statements:
        fired, settled = run(MONDAY + MINUTE)
    flags = [s for s in statements if s.startswith("UPDATE escalation") and "fired_at=" in s.replace(" ", "")]
    assert (fired, settled, len(flags)) == (4 * MANY, 2 * MANY, 1)
    batches = [s for s in statements if "sla_clock" in s and s.lstrip().startswith("SELECT")]
    assert len(batches) == 2 * MANY / escalate.BATCH + 1
    assert len(statements) < 250, len(statements)
    assert run(MONDAY + 2 * MINUTE) == (0, 0)
    assert mails() == [lead] * escalate.MAILS_EACH
    with unit_of_work(write=False):
        more = db.session.scalars(sa.select(Message).where(Message.template == "ticket_deadlines")).one()
        assert more.staff_id == lead


def test_who_is_told_at_which_level(ticket: uuid.UUID) -> None:
    """50 and 75: the page alone; 90: the triager and the lead; 100 and 150: the leads of the region."""
    with unit_of_work():
        lead = person(
            "lead@example.com", "dispatcher", lead=True, provinces=[db.session.get_one(Ticket, ticket).province]
        )
        person("elsewhere@example.com", "triager", lead=True, provinces=["65"])
        triager = person("t@example.com", "triager", lead=False)
    with unit_of_work():
        row = service.locked(ticket)
        service.move(row, "claim_ticket", SYSTEM, Facts(now=MONDAY), changes={"triager_id": triager})
    budget = 4 * HOUR  # of the response to an ordinary report
    at = MONDAY + 3 * HOUR  # 12:00: 75 %
    run(at)
    assert levels() == [50, 75] and mails() == []
    run(MONDAY + 4.5 * HOUR + budget * 0.15)  # 90 %, after the noon pause
    assert sorted(mails(), key=str) == sorted([lead, triager], key=str)
    run(MONDAY + 4.5 * HOUR + HOUR)
    assert sorted(mails(), key=str) == sorted([lead, triager, lead], key=str)


def test_at_night_nobody_is_told_but_for_p1(ticket: uuid.UUID) -> None:
    with unit_of_work():
        person("lead@example.com", "triager", lead=True)
    many(ticket, 1)
    evening = MONDAY + 13 * HOUR
    fired, settled = run(evening)
    assert fired >= 4 and settled == 0 and mails() == []
    run(MONDAY + DAY)  # 09:00 of the next day
    assert len(mails()) >= 1


def test_p1_is_told_at_night(ticket: uuid.UUID) -> None:
    with unit_of_work():
        person("lead@example.com", "triager", lead=True)
        db.session.get_one(Ticket, ticket).priority = "p1"
    fired, settled = run(MONDAY + 13 * HOUR)
    assert fired and settled and mails()


def test_of_a_night_only_the_highest_level_of_a_clock_is_mailed_and_none_of_a_stopped_one(ticket: uuid.UUID) -> None:
    with unit_of_work():
        person("lead@example.com", "triager", lead=True)
        db.session.execute(sa.update(Escalation).values(due_at=MONDAY))
    run(MONDAY + 13 * HOUR)
    with clock.frozen(MONDAY + 14 * HOUR), unit_of_work():
        row = service.locked(ticket)
        service.move(row, "claim_ticket", SYSTEM, Facts(now=clock.now()))  # stops the first touch
    run(MONDAY + DAY)
    assert len(mails()) == 2  # response and resolution, of 90, 100 and 150 the last


def test_a_standing_clock_fires_nothing_while_it_stands(ticket: uuid.UUID) -> None:
    with unit_of_work():
        row = service.locked(ticket)
        service.move(row, "claim_ticket", SYSTEM, Facts(now=MONDAY))
    at = MONDAY + 2.5 * HOUR
    with clock.frozen(at), unit_of_work():
        facts = Facts(now=at, text="好", questions=("photo",), triage=SHEET)
        service.move(service.locked(ticket), "ask_info", SYSTEM, facts, pause_until=at + 2 * DAY)
    run(at + HOUR)  # 50 % of the response was reached half an hour before the question, by no run
    assert levels() == []
    run(at + 2 * DAY)
    assert levels() == [50]


def test_two_workers_at_once_fire_each_level_once(ticket: uuid.UUID) -> None:
    """The flag compares and sets: whoever comes second finds nothing left, and the fired instant stays the first's."""
    at = MONDAY + 3 * HOUR
    first, _told = run(at)
    second, _told = run(at + MINUTE / 2)
    assert first > 0 and second == 0
    with unit_of_work(write=False):
        assert set(db.session.scalars(sa.select(Escalation.fired_at).where(Escalation.fired_at.is_not(None)))) == {at}
        assert db.session.scalar(sa.select(sa.func.count()).select_from(SlaEvent)) == 3  # a warning is no event
