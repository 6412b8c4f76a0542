"""Triage: one person's hands, words that survive, two people at once, and what time does."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, TransitionRefused
from app.core.outbox import Message
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.hospitals import service as hospitals
from app.staff import queries
from app.staff.roles import Role
from app.staff.service import disable, holdings
from app.tickets import service
from app.tickets.models import SlaClock, Ticket, TicketEvent, TicketMessage
from app.tickets.service import Seen, time
from app.tickets.sla.metrics import Metric
from tests.factories import staff as accounts
from tests.features.registrations.story import ADMIN
from tests.features.tickets.people import COMPLETE, DAY, HOUR, MONDAY, Desk, claimed, desk, staff


@pytest.fixture
def d(app: Portal) -> Iterator[Desk]:
    with app.app_context(), clock.frozen(MONDAY):
        with unit_of_work():
            found = desk()
        yield found


@pytest.fixture
def ticket(d: Desk) -> uuid.UUID:
    with unit_of_work():
        return d.report()


def read(ticket_id: uuid.UUID) -> Ticket:
    with unit_of_work(write=False):
        return db.session.get_one(Ticket, ticket_id)


def texts() -> list[str]:
    with unit_of_work(write=False):
        return list(db.session.scalars(sa.select(Message.template).order_by(Message.created_at, Message.id)))


def test_a_disabled_triagers_reports_are_free_in_the_same_act(d: Desk, ticket: uuid.UUID) -> None:
    with unit_of_work():
        leaver = queries.actor_of(accounts.account("triager").id)
        assert leaver.id is not None
        service.claim(leaver, ticket, Seen(1))
        service.note_down(leaver, ticket, {"priority": "p1"})
        admin = staff(Role.ADMIN)
        assert [line.count for line in holdings(admin, leaver.id)] == [1]
        assert disable(admin, leaver.id) == 1
    row = read(ticket)
    assert (row.status, row.triager_id, row.priority) == ("submitted", None, "p1")


def test_two_triagers_at_once_one_has_it_and_the_other_sees_who(d: Desk, ticket: uuid.UUID) -> None:
    claimed(d, ticket, MONDAY)
    with pytest.raises(Conflict) as lost, unit_of_work():
        service.claim(d.colleague, ticket, Seen(1))
    assert (lost.value.who, lost.value.what) == ("受理甲", "claim_ticket")
    with pytest.raises(Conflict) as held, unit_of_work():
        service.note_down(d.colleague, ticket, {"priority": "p1"})
    assert (held.value.code, held.value.who) == ("triaged_by_other", "受理甲")
    assert read(ticket).priority is None


def test_a_ticket_cannot_leave_triage_with_the_safety_screen_blank(d: Desk, ticket: uuid.UUID) -> None:
    """Feature 9 of dispatch.md 3."""
    claimed(d, ticket, MONDAY)
    with unit_of_work():
        service.note_down(d.triager, ticket, {**COMPLETE, "harm": ""})
    with pytest.raises(Invalid) as refused, unit_of_work():
        service.finish(d.triager, ticket, Seen(2))
    assert set(refused.value.fields) == {"harm"}
    with unit_of_work():
        service.note_down(d.triager, ticket, {"harm": "no"})
        service.finish(d.triager, ticket, Seen(2))
    assert read(ticket).status == "to_dispatch"


def test_what_was_noted_survives_a_release_and_a_crash(d: Desk, ticket: uuid.UUID) -> None:
    claimed(d, ticket, MONDAY)
    with unit_of_work():
        service.note_down(d.triager, ticket, {"fault_class": "leak", "priority": "p2"})
    with unit_of_work():
        service.release(d.triager, ticket, "end_of_shift")
    row = read(ticket)
    assert (row.status, row.fault_class, row.priority, row.triager_id) == ("submitted", "leak", "p2", None)
    with unit_of_work():
        service.claim(d.colleague, ticket, Seen(row.version))


@pytest.mark.parametrize("notes", [{"harm": "perhaps"}, {"priority": "p9"}, {"fault_class": "<b>"}, {"fault": "neu"}])
def test_notes_outside_the_lists_are_refused_and_nothing_is_kept(
    d: Desk, ticket: uuid.UUID, notes: dict[str, str]
) -> None:
    claimed(d, ticket, MONDAY)
    with pytest.raises(Invalid), unit_of_work():
        service.note_down(d.triager, ticket, {"service_mode": "collect", **notes})
    assert read(ticket).service_mode == ""


def test_idle_triage_goes_back_by_itself_stamped_with_its_own_time(d: Desk, ticket: uuid.UUID) -> None:
    claimed(d, ticket, MONDAY)
    with clock.frozen(MONDAY + 2 * HOUR), unit_of_work():
        assert time.settle_due() == 1
    with unit_of_work(write=False):
        event = db.session.scalars(sa.select(TicketEvent).where(TicketEvent.action == "release_idle")).one()
        assert (event.at - MONDAY).total_seconds() == 30 * 60
    assert read(ticket).status == "submitted"


def test_a_question_is_told_reminded_twice_and_the_report_ends_only_after_the_final_notice(
    d: Desk, ticket: uuid.UUID
) -> None:
    claimed(d, ticket, MONDAY)
    with unit_of_work():
        service.ask(d.triager, ticket, Seen(2), ["photo_of_plate"], "请拍清楚铭牌")
    assert read(ticket).status == "need_info"
    for days, expected in ((1, 2), (2, 3), (3, 3)):
        with clock.frozen(MONDAY + days * DAY + HOUR), unit_of_work():
            time.settle_due()
        assert len(texts()) == expected
    assert texts() == ["ticket_need_info", "ticket_info_reminder", "ticket_info_final"]
    with clock.frozen(MONDAY + 4 * DAY), unit_of_work():
        time.settle_due()
    assert read(ticket).status == "need_info"
    with clock.frozen(MONDAY + 8 * DAY), unit_of_work():
        time.settle_due()
    row = read(ticket)
    assert (row.status, row.closed_at) == ("cancelled", row.changed_at)
    assert texts()[-1] == "ticket_cancelled"


def test_the_report_does_not_end_when_nobody_could_send_the_notice_in_time(d: Desk, ticket: uuid.UUID) -> None:
    """The worker stood still for two weeks: the customer hears first, and still has time."""
    claimed(d, ticket, MONDAY)
    with unit_of_work():
        service.ask(d.triager, ticket, Seen(2), ["other"], "还在吗")
    with clock.frozen(MONDAY + 14 * DAY), unit_of_work():
        time.settle_due()
    assert read(ticket).status == "need_info" and texts()[-1] == "ticket_info_final"


def test_an_answer_by_telephone_needs_a_note(d: Desk, ticket: uuid.UUID) -> None:
    claimed(d, ticket, MONDAY)
    with unit_of_work():
        service.ask(d.triager, ticket, Seen(2), ["other"], "")
    with pytest.raises(Invalid), unit_of_work():
        service.record_answer(d.colleague, ticket, " ")
    with unit_of_work():
        service.record_answer(d.colleague, ticket, "护士长来电：已拍照")
    assert (read(ticket).status, read(ticket).triager_name) == ("triaging", "受理乙")


def test_questions_come_from_the_list(d: Desk, ticket: uuid.UUID) -> None:
    claimed(d, ticket, MONDAY)
    for questions in ([], ["what_colour"]):
        with pytest.raises(Invalid), unit_of_work():
            service.ask(d.triager, ticket, Seen(2), questions, "x")
    with unit_of_work(write=False):
        assert db.session.scalar(sa.select(sa.func.count()).select_from(TicketMessage)) == 0


def test_only_a_lead_rejects_what_is_urgent(d: Desk, ticket: uuid.UUID) -> None:
    claimed(d, ticket, MONDAY)
    with unit_of_work():
        service.note_down(d.triager, ticket, {"priority": "p1"})
    with pytest.raises(Forbidden), unit_of_work():
        service.reject(d.triager, ticket, Seen(2), "not_our_device", "请联系设备厂家")
    with unit_of_work():
        service.release(d.lead, ticket, "needs_colleague")
    claimed_version = read(ticket).version
    with unit_of_work():
        service.claim(d.lead, ticket, Seen(claimed_version))
        service.reject(d.lead, ticket, Seen(claimed_version + 1), "not_our_device", "请联系设备厂家")
    assert read(ticket).status == "rejected"


def test_the_target_of_a_merger_keeps_the_earliest_clock(d: Desk, ticket: uuid.UUID) -> None:
    with clock.frozen(MONDAY + 3 * HOUR), unit_of_work():
        later = d.report("还是漏水")
        number = db.session.get_one(Ticket, later).number
    with clock.frozen(MONDAY + 4 * HOUR), unit_of_work():
        service.merge(d.triager, ticket, Seen(1), number, "same_fault")
    with unit_of_work(write=False):
        query = sa.select(SlaClock.started_at).where(SlaClock.ticket_id == later, SlaClock.metric == Metric.RESOLUTION)
        assert db.session.scalar(query) == MONDAY
    assert read(ticket).merged_into_id == later and texts() == ["ticket_merged"]


def test_merging_in_a_cycle_or_into_what_is_over_is_refused(d: Desk, ticket: uuid.UUID) -> None:
    with unit_of_work():
        other = d.report("插入部仍漏水")
        first, second = (db.session.get_one(Ticket, i).number for i in (ticket, other))
        service.merge(d.triager, ticket, Seen(1), second, "same_fault")
    for source, target in ((other, first), (other, second), (ticket, second)):
        with pytest.raises((Invalid, Conflict, TransitionRefused)), unit_of_work():
            service.merge(d.triager, source, Seen(1), target, "same_fault")
    assert read(other).status == "submitted"
    with pytest.raises(Invalid), unit_of_work():
        service.merge(d.triager, other, Seen(1), "TKT-20200101-0001", "same_fault")


def test_a_triager_of_another_region_finds_nothing(d: Desk, ticket: uuid.UUID) -> None:
    elsewhere, number = staff(Role.TRIAGER, provinces=frozenset({"44"})), read(ticket).number
    for verb in (
        lambda: service.claim(elsewhere, ticket, Seen(1)),
        lambda: service.find(elsewhere, number),
    ):
        with pytest.raises(NotFound), unit_of_work():
            verb()


def test_another_hospital_moves_the_ticket_to_its_region(d: Desk, ticket: uuid.UUID) -> None:
    claimed(d, ticket, MONDAY)
    with unit_of_work():
        other = hospitals.create_hospital(ADMIN, hospitals.HospitalData("南方示范医院", "44")).id
        service.note_down(d.triager, ticket, {"hospital_id": other})
    row = read(ticket)
    assert (row.province, row.hospital_matched, row.hospital_id) == ("44", True, other)


def test_the_customer_cancels_his_own_report_and_nobody_elses(d: Desk, ticket: uuid.UUID) -> None:
    number = read(ticket).number
    with unit_of_work():
        stranger = d.story.applicant()
    with pytest.raises(NotFound), unit_of_work():
        service.cancel_own(stranger, number)
    with unit_of_work():
        service.cancel_own(d.customer, number)
    with pytest.raises(TransitionRefused), unit_of_work():
        service.cancel_own(d.customer, number)
    assert read(ticket).status == "cancelled"
