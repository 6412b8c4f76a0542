"""A report is written down once, with the department of whoever initiated it frozen in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.policy import SYSTEM, Actor
from app.core.sealed_search import SealedToken, rechecked
from app.hospitals import service as hospitals
from app.tickets import service
from app.tickets.models import Ticket, TicketEvent, fault_tokens
from app.tickets.service import Intake
from app.tickets.workflow import Status
from tests.features.registrations import story as stories

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


@pytest.fixture
def story(work):
    with work(), clock.frozen(NOON):
        return stories.begin()


def test_a_ticket_keeps_number_subject_and_the_callers_department(work, story):
    with work(), clock.frozen(NOON):
        row = service.record_ticket(
            SYSTEM, Intake(story.hospital_id, "插入部漏水", caller_department_id=story.department_id)
        )
        assert row.number == "TKT-20261123-0001"
        assert (row.status, row.reporter_department_id, row.province) == ("submitted", story.department_id, "31")
    with work(write=False):
        row = db.session.scalars(sa.select(Ticket)).one()
        assert row.fault == "插入部漏水"
        assert "插入部".encode() not in row.fault_sealed
        assert [e.action for e in db.session.scalars(sa.select(TicketEvent))] == ["submit_ticket"]


def test_a_customer_reports_for_himself_only(work, story):
    with work(), clock.frozen(NOON):
        one, other = story.applicant(), story.applicant()
        with pytest.raises(Forbidden):
            service.record_ticket(one, Intake(story.hospital_id, "漏水"), customer_id=other.id)
        row = service.record_ticket(one, Intake(story.hospital_id, "漏水"))
        assert row.customer_id == one.id
        assert row.reporter_department_id is None  # nothing is verified about this person yet


def test_bad_reports_name_every_field(work, story):
    with work(), clock.frozen(NOON):
        elsewhere = hospitals.create_hospital(SYSTEM, hospitals.HospitalData("另一示范医院", "32"))
        ward = hospitals.add_department(SYSTEM, elsewhere.id, "内科")
        with pytest.raises(Invalid) as caught:
            service.record_ticket(
                SYSTEM, Intake(story.hospital_id, " ", ward.id, "x" * 61, "1" * 41, caller_department_id=ward.id)
            )
        assert set(caught.value.fields) == {
            "fault", "device_department_id", "caller_department_id", "device_model", "serial_number",
        }  # fmt: skip
        with pytest.raises(NotFound):
            service.record_ticket(SYSTEM, Intake(story.hospital_id, "漏水"), customer_id=Actor("staff", ward.id).id)


def test_what_is_taken_over_has_ended_in_the_past(work, story):
    with work(), clock.frozen(NOON):
        intake = Intake(story.hospital_id, "漏水", caller_department_id=story.department_id)
        then = NOON - timedelta(days=400)
        for kw in (
            {"opened_at": then, "closed_at": then - timedelta(days=1)},
            {"opened_at": then, "closed_at": NOON + timedelta(seconds=1)},
            {"opened_at": then, "closed_at": NOON, "status": Status.ON_SITE},
        ):
            with pytest.raises(Invalid):
                service.take_over(SYSTEM, intake, **kw)
        row = service.take_over(SYSTEM, intake, opened_at=then, closed_at=then + timedelta(days=3))
        assert row.number.startswith("TKT-20251019-")
        assert (row.status, row.version) == ("closed", 2)


def test_two_characters_find_a_sealed_fault_and_the_table_holds_no_words(work, story):
    with work(), clock.frozen(NOON):
        intake = [Intake(story.hospital_id, text) for text in ("插入部漏水，测漏不通过", "图像偏红", "CV-290 水泵不转")]
        rows = [service.record_ticket(SYSTEM, each) for each in intake]
        ids = [row.id for row in rows]

        def found(words: str):
            return set(db.session.scalars(sa.select(Ticket.id).where(*fault_tokens.candidates(words, Ticket.id))))

        assert found("漏水") == {ids[0]}
        assert found("图像 偏红") == {ids[1]}
        assert found("cv 290") == {ids[2]}
        assert found("水") == set()  # one character asks for nothing
        assert rechecked("插入部漏水", "漏水") and not rechecked("漏电，进水", "漏水")
        for token in db.session.scalars(sa.select(SealedToken.token)):
            assert "漏水".encode() not in token
        fault_tokens.remove(ids[0])
        db.session.flush()
        assert found("漏水") == set()
