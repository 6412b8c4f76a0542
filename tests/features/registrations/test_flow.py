"""The flow between reviewers: skip, pass on, claim ahead, caps and absence. Time is the frozen clock's."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.registrations import service
from app.registrations.models import CasePass, Registration
from app.registrations.offers import _duties as duties
from app.registrations.service import Entered
from app.staff import queries as staff_queries
from tests.factories import staff
from tests.features.registrations.story import MONDAY, NOTE, reload, reviewer, take

WORDS = Entered(private_note="名字旁边的章我看不懂")


def member(name: str, provinces: list[str] | None = None, *, lead: bool = False):
    """A reviewer with an account, as an actor."""
    return staff_queries.actor_of(staff.account(("reviewer", provinces, lead), name=name).id)


def test_a_skipped_case_does_not_come_straight_back_to_the_skipper(work, story):
    """Even when nothing else waits; to colleagues at once; to the skipper after four hours, or with a new photo."""
    me = reviewer()
    with work():
        row = story.case()
        service.skip(me, row.id, take(me, row).lease_token, WORDS)
        assert service.claim_next(me) is None
        assert service.draft_of(me, reload(row.id)) == WORDS
    with work(MONDAY + timedelta(hours=3, minutes=59)):
        assert service.claim_next(me) is None
        other = reviewer("审核乙")
        claimed = service.claim_next(other)
        service.hand_back(other, row.id, claimed[1], Entered())
    with work(MONDAY + timedelta(hours=4)):
        assert service.claim_next(me)[0].id == row.id


def test_a_new_photo_ends_the_skip(work, story):
    me = reviewer()
    with work():
        row = story.case()
        service.skip(me, row.id, take(me, row).lease_token, WORDS)
        service.resubmit(story.people[0], story.claim())
        assert service.claim_next(me)[0].id == row.id


def test_handing_back_is_not_skipping(work, story):
    me = reviewer()
    with work():
        row = story.case()
        service.hand_back(me, row.id, take(me, row).lease_token, Entered())
        assert service.claim_next(me)[0].id == row.id


def test_holding_keeps_the_clock_running(work, story):
    """Snooze up to five working days; the due time stays where it was."""
    me = reviewer()
    with work():
        row = story.case()
        due, page = row.due_at, take(me, row)
        with pytest.raises(Invalid):
            service.hold(me, row.id, page, NOTE, until=date(2026, 12, 1))
        service.hold(me, row.id, page, NOTE, until=date(2026, 11, 30))
        assert reload(row.id).due_at == due


def test_passing_to_a_colleague_tells_him_and_nobody_else_gets_it(portal, work, story):
    with work():
        me, other, third = (member(name) for name in ("审核甲", "审核乙", "审核丙"))
        row = story.case()
        with pytest.raises(Invalid) as refusal:
            service.pass_on(me, row.id, take(me, row).lease_token, Entered(), to_id=other.id)
        assert refusal.value.code == "note_required"
        token = service.claim(me, row.id)[1]
        made = service.pass_on(me, row.id, token, WORDS, to_id=other.id)
        assert (made.by_name, made.to_name, made.note) == ("审核甲", "审核乙", WORDS.private_note)
        assert service.claim_next(third) is None
        assert service.claim_next(me) is None
        with pytest.raises((Conflict, Forbidden)):
            service.claim(third, row.id)
        with portal.test_request_context():
            told = duties(other, 5)
            assert [(duty.number, str(duty.verb)) for duty in told] == [(row.number, "接手")]
            assert duties(third, 5) == []
        assert service.claim_next(other)[0].id == row.id


def test_what_was_passed_comes_before_older_cases(work, story):
    with work():
        me, other = member("审核甲"), member("审核乙")
        older = story.case()
    with work(MONDAY + timedelta(hours=1)):
        newer = story.case()
        lead = member("组长", lead=True)
        service.assign(lead, newer.id, to_id=other.id)
        assert [service.claim_next(other)[0].id for _ in range(2)] == [newer.id, older.id]
        assert me


def test_a_passed_case_returns_to_the_team_when_its_time_is_over(work, story):
    with work():
        me, other = member("审核甲"), member("审核乙")
        row = story.case()
        service.pass_on(me, row.id, take(me, row).lease_token, WORDS, to_id=other.id)
        assert reload(row.id).passed_until == row.due_at
    with work(row.due_at):
        assert service.claim_next(reviewer("审核丁"))[0].id == row.id


def test_passing_to_the_team_leaves_the_note(work, story):
    with work():
        me = member("审核甲")
        row = story.case()
        service.pass_on(me, row.id, take(me, row).lease_token, WORDS, to_id=None)
        assert service.claim_next(me) is None, "it does not come straight back"
        assert service.claim_next(reviewer("审核乙"))[0].id == row.id
        assert db.session.scalars(sa.select(CasePass)).one().to_id is None


def test_only_those_who_may_get_it_are_offered(work, story):
    """Outside of the province, absent, or acquainted: refused by the server."""
    with work():
        me, outside, away, knows = member("甲"), member("乙", ["44"]), member("丙"), member("丁")
        lead = member("组长", lead=True)
        row = story.case()
        service.recuse(knows, row.id)
        service.set_absence(lead, away.id, date(2026, 11, 23), date(2026, 11, 24))
        token = take(me, row).lease_token
        for receiver in (outside, away, knows, me):
            with pytest.raises(Invalid) as refusal:
                service.pass_on(me, row.id, token, WORDS, to_id=receiver.id)
            assert refusal.value.code == "receiver_unfit"
        assert reload(row.id).lease_staff_id == me.id


def test_a_lead_assigns_but_takes_nothing_out_of_a_colleagues_hands(work, story):
    with work():
        me, other, lead = member("甲"), member("乙"), member("组长", lead=True)
        row = story.case()
        with pytest.raises(Forbidden):
            service.assign(me, row.id, to_id=other.id)
        take(me, row)
        with pytest.raises(Conflict) as refusal:
            service.assign(lead, row.id, to_id=other.id)
        assert refusal.value.code == "claimed_by_other"


def test_a_cap_of_ones_own(work, story):
    with work():
        me, lead = member("甲"), member("组长", lead=True)
        for _ in range(3):
            story.case()
        service.set_limit(lead, me.id, 1)
        assert service.claim_next(me) is not None
        with pytest.raises(Conflict):
            service.claim_next(me)
        service.set_limit(lead, me.id, None)
        assert service.claim_next(me) is not None


@pytest.mark.parametrize("number", [0, 11, -1])
def test_a_cap_out_of_bounds_is_refused(work, story, number):
    with work():
        me, lead = member("甲"), member("组长", lead=True)
        with pytest.raises(Invalid):
            service.set_limit(lead, me.id, number)
        with pytest.raises(Forbidden):
            service.set_limit(me, me.id, 2)
        with pytest.raises(NotFound):
            service.set_limit(member("外省组长", ["44"], lead=True), member("沪", ["31"]).id, 2)


def test_an_absent_reviewer_gets_nothing_new_and_what_he_had_returns(work, story):
    with work():
        me, other, lead = member("甲"), member("乙"), member("组长", lead=True)
        held, given = story.case(), story.case()
        take(me, held)
        service.assign(lead, given.id, to_id=me.id)
        service.set_absence(lead, me.id, date(2026, 11, 23), date(2026, 11, 24))
        assert {reload(held.id).lease_staff_id, reload(given.id).passed_to_id} == {None}
        with pytest.raises(Conflict) as refusal:
            service.claim_next(me)
        assert refusal.value.code == "absent"
        assert [service.claim_next(other)[0].id for _ in range(2)] == [held.id, given.id]
    with work(MONDAY + timedelta(days=2)):
        service.claim_next(me)


def test_an_absence_that_begins_tomorrow_is_true_without_a_job(work, story):
    with work():
        me, other, lead = member("甲"), member("乙"), member("组长", lead=True)
        row = story.case()
        service.set_absence(lead, me.id, date(2026, 11, 24), date(2026, 11, 24))
        service.assign(lead, row.id, to_id=me.id)
        assert service.claim_next(other) is None
    with work(MONDAY + timedelta(hours=14)):  # midnight in China
        assert service.claim_next(other)[0].id == row.id


@pytest.mark.parametrize(
    "first, last",
    [("2026-11-24", "2026-11-23"), ("2026-11-20", "2026-11-22"), ("2026-11-24", "2028-01-01"), (None, "2026-11-25")],
)
def test_days_that_cannot_be_are_refused(work, story, first, last):
    day = lambda text: date.fromisoformat(text) if text else None
    with work():
        me, lead = member("甲"), member("组长", lead=True)
        with pytest.raises(Invalid):
            service.set_absence(lead, me.id, day(first), day(last))


def test_two_absences_do_not_overlap_and_one_can_be_cancelled(work, story):
    with work():
        me, lead = member("甲"), member("组长", lead=True)
        made = service.set_absence(lead, me.id, date(2026, 11, 23), date(2026, 11, 25))
        with pytest.raises(Conflict):
            service.set_absence(lead, me.id, date(2026, 11, 25), date(2026, 11, 26))
        service.cancel_absence(lead, made.id)
        with pytest.raises(NotFound):
            service.cancel_absence(lead, made.id)
        story.case()
        assert service.claim_next(me) is not None


# claimed ahead


def test_at_most_one_case_is_claimed_ahead_within_the_cap(work, story):
    me = reviewer()
    with work():
        first, second, third = (story.case() for _ in range(3))
        take(me, first)
        assert service.claim_ahead(me, first.id).id == second.id
        assert service.claim_ahead(me, first.id).id == second.id
        assert reload(second.id).lease_ahead
        assert reload(third.id).lease_staff_id is None


def test_the_case_claimed_ahead_is_the_next_one(work, story):
    me = reviewer()
    with work():
        first, second = story.case(), story.case()
        page = take(me, first)
        service.claim_ahead(me, first.id)
    with work(MONDAY + timedelta(minutes=10)):
        service.approve(me, first.id, page, Entered(checks=dict.fromkeys(service.FIELDS, "seen")))
        row = service.onward(me)
        assert (row.id, row.lease_ahead, row.lease_expires_at) == (second.id, False, MONDAY + timedelta(minutes=25))


def test_unused_it_is_handed_back(work, story):
    me = reviewer()
    with work():
        first, second = story.case(), story.case()
        take(me, first)
        service.claim_ahead(me, first.id)
        assert service.release_ahead(me) == 1
        assert reload(second.id).lease_staff_id is None
        assert reload(first.id).lease_staff_id == me.id
        assert service.claim_next(reviewer("审核乙"))[0].id == second.id


def test_nothing_is_claimed_ahead_beyond_the_cap(work, story):
    with work():
        me, lead = member("甲"), member("组长", lead=True)
        first = story.case()
        story.case()
        service.set_limit(lead, me.id, 1)
        take(me, first)
        assert service.claim_ahead(me, first.id) is None
        held = sa.select(sa.func.count()).select_from(Registration).where(Registration.lease_staff_id == me.id)
        assert db.session.scalar(held) == 1


def test_renewing_prolongs_the_case_ahead_too(work, story):
    me = reviewer()
    with work():
        first, second = story.case(), story.case()
        page = take(me, first)
        service.claim_ahead(me, first.id)
    with work(MONDAY + timedelta(minutes=10)):
        until = service.renew_lease(me, first.id, page.lease_token)
        assert reload(second.id).lease_expires_at == until
