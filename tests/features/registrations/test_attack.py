"""A careless or dishonest reviewer's day: routes around the second pair of eyes, the blind reading and the recusal."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.calendar.models import CalendarState
from app.core.db import db
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.policy import Permission
from app.customers import access as customer_access
from app.customers.models import Customer
from app.customers.standing import in_scope as people_in_scope
from app.registrations import service
from app.registrations.checks import Way
from app.registrations.queries import team
from app.registrations.readings import service as readings
from app.registrations.service import Entered
from app.staff import queries as staff_queries
from tests.factories import staff
from tests.features.registrations.story import (
    ALL_SEEN,
    APPROVE,
    FINAL,
    MONDAY,
    NOTE,
    RETRY,
    reload,
    reviewer,
    seen,
    take,
)
from tests.features.registrations.test_pages import Desk, service_image

LATER = MONDAY + timedelta(minutes=5)


@pytest.fixture
def desk(portal, step, story, monkeypatch):
    """One case, a reviewer at the browser; the clock stands on Monday 10:00."""
    monkeypatch.setitem(portal.config, "WTF_CSRF_ENABLED", False)
    with step():
        row = story.case()
        number, row_id, image_id = row.number, row.id, service_image(row)
    me = reviewer("沈若拟")
    portal.extensions["acting"] = me
    with clock.frozen(MONDAY):
        yield Desk(portal, portal.test_client(), me, number, row_id, image_id)


def text(answer) -> str:
    return answer.get_data(as_text=True)


@pytest.mark.parametrize("back", ["returned", "sent anew", "asked again"])
def test_a_reopened_case_in_the_ordinary_queue_is_still_a_reversal(work, story, back):
    """A lead reopens, a colleague sends it back: the one who proposed must not approve alone."""
    first, lead, other = reviewer(), reviewer("组长", lead=True), reviewer("审核乙")
    with work():
        row_id = story.case().id
        service.reject(first, row_id, take(first, reload(row_id)), FINAL)
    with work(LATER):
        service.reopen(lead, row_id, NOTE)
        if back == "sent anew":
            service.resubmit(story.people[0], story.claim())
        else:
            service.return_second(other, row_id, seen(*service.claim(other, row_id)), NOTE)
        if back == "asked again":
            service.ask_again(other, row_id, take(other, reload(row_id)), RETRY)
    with work(LATER + timedelta(minutes=5)):
        if back == "asked again":
            service.resubmit(story.people[0], story.claim())
        done = service.approve(lead, row_id, seen(*service.claim(lead, row_id)), APPROVE)
        assert (done.registration.status, done.event.rules) == ("awaiting_second", ["reversal_of_final"])
        with pytest.raises(Forbidden) as refusal:
            service.claim(lead, row_id)
        assert refusal.value.code == "not_your_own_proposal"


def test_nobody_merges_into_the_case_of_himself_or_of_a_relation(work, story):
    me = reviewer()
    with work():
        first, second = story.case(), story.case()
        page = take(me, first)
        service.recuse(me, second.id)
        with pytest.raises(Forbidden) as refusal:
            service.merge(me, first.id, page, Entered(), target_number=second.number, same_person=True)
        assert refusal.value.code == "recused"
        assert reload(first.id).status == "pending"


def test_a_recused_reviewer_gets_no_second_reading_of_that_person(work, story):
    me, other = reviewer(), reviewer("审核乙")
    with work():
        row = story.case()
        service.approve(other, row.id, take(other, row), APPROVE)
        service.recuse(me, row.id)
    with work(LATER):
        assert readings.draw() == 1
        assert readings.take_next(me) is None


def test_a_reader_who_recuses_loses_the_reading(work, story):
    """The same person's later case is at hand although the one under reading is not."""
    me, other = reviewer(), reviewer("审核乙")
    with work():
        row_id = story.case().id
        service.reject(other, row_id, take(other, reload(row_id)), FINAL)
    with work(LATER):
        readings.draw()
        reading = readings.take_next(me)
        later = service.submit(story.people[0], story.claim())
        service.recuse(me, later.id)
        assert not readings.holds(me, reading, clock.now())
        with pytest.raises(Conflict):
            readings.judge(me, reading.number, "approve", ALL_SEEN, ())


def test_a_lead_takes_no_difference_of_a_relation_further(work, story):
    lead, first, reader = reviewer("组长", lead=True), reviewer(), reviewer("审核乙")
    with work():
        row_id = story.case().id
        service.approve(first, row_id, take(first, reload(row_id)), APPROVE)
        service.recuse(lead, row_id)
    with work(LATER):
        readings.draw()
        reading = readings.take_next(reader)
        readings.judge(reader, reading.number, "reject", ALL_SEEN, ("not_medical_staff",))
        with pytest.raises(Forbidden) as refusal:
            readings.escalate(lead, reading.number)
        assert refusal.value.code == "recused"


def test_a_disabled_reader_never_gets_the_same_reading_again(work, story):
    me, other, lead = reviewer(), reviewer("审核乙"), reviewer("组长", lead=True)
    with work():
        row_id = story.case().id
        service.approve(other, row_id, take(other, reload(row_id)), APPROVE)
    with work(LATER):
        readings.draw()
        assert readings.take_next(me) is not None
        assert readings.release_all_of(lead, me.id) == 1
        assert readings.take_next(me) is None


def test_recusal_gives_back_every_case_of_the_person(work, story):
    me = reviewer(lead=True)
    with work():
        row_id = story.case().id
        service.reject(me, row_id, take(me, reload(row_id)), FINAL)
    with work(LATER):
        later = service.submit(story.people[0], story.claim())
        take(me, later)
        service.recuse(me, row_id)
        assert reload(later.id).lease_staff_id is None


def test_a_case_is_never_given_to_the_person_with_the_applicants_phone(work, story):
    """It would lie there for the hours of a pass, and be refused to its receiver."""
    lead = reviewer("组长", lead=True)
    with work():
        row = story.case(phone="+8613800001234")
        own = staff.account(("reviewer", None, False), name="同号")
        own.phone = "+8613800001234"
        db.session.flush()
        free = staff.account(("reviewer", None, False), name="他人")
        assert staff_queries.actor_of(own.id).phone_index == db.session.scalar(sa.select(Customer.phone_index))
        offered = {one.id for one in team.receivers(lead, row)}
        assert free.id in offered
        assert own.id not in offered


def test_the_blind_reader_sees_no_page_of_the_applicant(work, story):
    """Profile, marks and history of the person tell what became of the case."""
    other = reviewer("审核乙")
    me = reviewer()
    both = {**me.rights, Permission.CUSTOMERS_READ: None}
    me = type(me)("staff", id=me.id, name=me.name, rights=both)
    count = lambda: db.session.scalar(sa.select(sa.func.count()).select_from(Customer).where(*people_in_scope(me)))
    with work():
        row_id = story.case().id
        service.approve(other, row_id, take(other, reload(row_id)), APPROVE)
    with work(LATER):
        readings.draw()
        assert count() == 1
        reading = readings.take_next(me)
        assert count() == 0
        with pytest.raises(NotFound):
            customer_access.find(me, story.people[0].id)
        readings.judge(me, reading.number, "approve", ALL_SEEN, ())
        assert count() == 1


def test_a_barred_person_reads_no_inner_words_of_the_case(desk, step):
    """The applicant who works here: the case's page says what the applicant is told, and no more."""
    secret = "像是借来的证件，请细看"
    with step():
        other = reviewer("审核乙")
        row = reload(desk.row_id)
        ways = {"hospital": Way("phone_call", "问过科室秘书")}
        entered = Entered(
            checks={**ALL_SEEN, "hospital": "seen_otherwise"},
            ways=ways,
            private_note=secret,
            reasons=("not_own_badge",),
        )
        service.ask_second(other, row.id, take(other, row), entered)
        service.recuse(desk.me, row.id)
    for path in ("", "/drawer", "/rounds", "/pass", "/recuse", "/merge", "/standing"):
        page = text(desk.client.get(desk.url + path))
        for word in (secret, "问过科室秘书", "提议", "非本人"):
            assert word not in page, (path, word)
    desk.sit(reviewer("审核丙"))
    assert secret in text(desk.client.get(desk.url)), "a colleague reads it"


def test_the_proof_of_another_region_is_not_there(desk):
    elsewhere = reviewer("审核丁", provinces=frozenset({"44"}))
    rights = {**elsewhere.rights, Permission.REGISTRATIONS_PROOF: frozenset({"44"})}
    desk.sit(type(elsewhere)("staff", id=elsewhere.id, name=elsewhere.name, rights=rights))
    assert desk.client.get(f"{desk.url}/proof").status_code == 404
    assert desk.client.get(f"{desk.url}/proof.json").status_code == 404


@pytest.mark.parametrize("due", [date(2019, 3, 4), date(2039, 3, 4)])
def test_a_due_date_beyond_the_calendar_is_shown_without_working_time(desk, step, due):
    desk.next()
    with step():
        reload(desk.row_id).due_at = MONDAY.replace(year=due.year, month=due.month, day=due.day)
    page = desk.client.get(desk.url)
    assert page.status_code == 200
    assert f"{due:%m-%d}" in text(page)
    assert "工作日历未覆盖" in text(page)


def test_without_a_calendar_the_case_opens_and_nothing_typed_is_lost(desk, step):
    desk.next()
    fields = desk.fields()
    with step():
        db.session.execute(sa.delete(CalendarState))
    page = desk.client.get(desk.url)
    assert page.status_code == 200
    assert "工作日历未覆盖" in text(page)
    data = {**fields, "private_note": "等医院回电", "until": "2026-11-24"}
    refused = desk.client.post(f"{desk.url}/hold", data=data)
    assert refused.status_code == 503
    assert "等医院回电" in text(refused)
    assert desk.status() == "pending"


def test_mine_lists_what_is_held_and_what_was_passed_and_the_queue_says_to_whom(portal, step, story, monkeypatch):
    monkeypatch.setitem(portal.config, "WTF_CSRF_ENABLED", False)
    with step():
        held, given, free = story.case(), story.case(), story.case()
        numbers = held.number, given.number, free.number
        me, lead = (
            staff_queries.actor_of(staff.account(("reviewer", None, is_lead), name=name).id)
            for name, is_lead in (("沈若拟", False), ("周组长", True))
        )
        take(me, held)
        service.assign(lead, given.id, to_id=me.id)
    client = portal.test_client()
    portal.extensions["acting"] = me
    with clock.frozen(MONDAY):
        page = text(client.get("/registrations?tab=mine"))
        assert [number in page for number in numbers] == [True, True, False]
        portal.extensions["acting"] = lead
        page = text(client.get("/registrations?tab=mine"))
        assert not [number for number in numbers if number in page]
        assert "转给沈若拟" in text(client.get("/registrations"))
    portal.extensions["acting"] = me
    with clock.frozen(MONDAY + timedelta(days=9)):
        page = text(client.get("/registrations?tab=mine"))
        assert not [number for number in numbers if number in page], "lease and pass are over"
        assert "转给沈若拟" not in text(client.get("/registrations"))
