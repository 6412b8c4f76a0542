"""What time does: due times in working hours, holds, answer-by, erasure of photos; true without any job."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.core.errors import Gone, Invalid, TransitionRefused
from app.core.files import StoredFile, vault
from app.core.outbox import Message
from app.registrations import service
from app.registrations.models import RegistrationEvent, SubmissionImage
from app.registrations.queries import case as cases
from app.registrations.queries.current import current_for
from app.registrations.service import Entered
from tests.features.registrations.story import APPROVE, FINAL, MONDAY, NOTE, RETRY, photo, reload, reviewer, take

DAY = timedelta(days=1)
FRIDAY_1700 = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def files() -> list[StoredFile]:
    return list(db.session.scalars(sa.select(StoredFile).order_by(StoredFile.created_at, StoredFile.id)))


def test_friday_evening_is_due_on_monday(work, story):
    with work(FRIDAY_1700):
        row = story.case()
        assert row.due_at == datetime(2026, 11, 23, 9, 30, tzinfo=UTC), "one hour on Friday, seven on Monday"


def test_a_holiday_and_a_make_up_saturday_count_as_the_calendar_says(work, story):
    """30 September 2026 17:00: seven days of National Day follow, work begins again on 8 October."""
    with work(datetime(2026, 9, 30, 9, 0, tzinfo=UTC)):
        assert story.case().due_at == datetime(2026, 10, 8, 9, 30, tzinfo=UTC)


def test_the_clock_keeps_running_on_hold_and_restarts_at_half_after_a_new_photo(work, story):
    me = reviewer()
    with work():
        row = story.case()
        due = row.due_at
        service.hold(me, row.id, take(me, row), NOTE, until=(MONDAY + DAY).date())
        assert reload(row.id).due_at == due
    with work(MONDAY + DAY):
        service.ask_again(me, row.id, take(me, row), RETRY)
    with work(MONDAY + DAY + timedelta(minutes=2)):
        service.resubmit(story.people[0], story.claim())
        assert reload(row.id).due_at == datetime(2026, 11, 24, 7, 32, tzinfo=UTC), "four working hours, lunch left out"


def test_a_hold_has_an_end(work, story):
    me = reviewer()
    with work():
        row = story.case()
        page = take(me, row)
        for day in (MONDAY.date(), (MONDAY + 8 * DAY).date()):
            with pytest.raises(Invalid):
                service.hold(me, row.id, page, NOTE, until=day)
        service.hold(me, row.id, page, NOTE, until=(MONDAY + 7 * DAY).date())


def test_no_answer_lapses_at_its_instant_even_if_no_job_runs(work, story):
    me = reviewer()
    with work():
        row = story.case()
        done = service.ask_again(me, row.id, take(me, row), RETRY)
        last = done.effective_at + 14 * DAY
    with work(last - timedelta(seconds=1)):
        assert current_for(story.people[0]).status == "needs_resubmission"
    with work(last):
        assert current_for(story.people[0]).status == "lapsed"
        assert reload(row.id).status == "needs_resubmission", "stored as it was; only the reading tells"
        with pytest.raises(Gone):
            vault.open_sealed(files()[0])
    with work(last + 3 * DAY):
        assert service.settle_due() == 1
        event = db.session.scalars(sa.select(RegistrationEvent).order_by(RegistrationEvent.version.desc())).first()
        assert (event.action, event.at) == ("lapse_registration", last)
        assert {found.erased_at is not None for found in files()} == {True}
        assert db.session.scalars(sa.select(Message.template).order_by(Message.created_at)).all()[-1] == (
            "registration_lapsed"
        )


def test_a_late_answer_is_refused_and_a_new_registration_is_open(work, story):
    me = reviewer()
    with work():
        row = story.case()
        service.ask_again(me, row.id, take(me, row), RETRY)
    with work(MONDAY + 15 * DAY), pytest.raises(TransitionRefused):
        service.resubmit(story.people[0], story.claim())
    with work(MONDAY + 15 * DAY):
        assert service.submit(story.people[0], story.claim()).status == "pending"


def test_the_same_photo_again_is_refused_with_a_hint(work, story):
    me, same = reviewer(), photo()
    with work():
        row = story.case(photos=[same])
        service.ask_again(me, row.id, take(me, row), RETRY)
    with work(MONDAY + timedelta(minutes=2)):
        with pytest.raises(Invalid) as refusal:
            service.resubmit(story.people[0], story.claim(photos=[same]))
        assert refusal.value.code == "photo_repeated"


def test_photos_go_thirty_days_after_approval_and_the_decision_stays(work, story):
    me = reviewer()
    with work():
        row = story.case()
        done = service.approve(me, row.id, take(me, row), APPROVE)
        assert {found.erase_at for found in files()} == {done.effective_at + 30 * DAY}
    with work(MONDAY + 31 * DAY):
        with pytest.raises(Gone):
            vault.open_sealed(files()[0])
        assert vault.erase_due() == 2
    with work(MONDAY + 31 * DAY):
        found = cases.case(me, row.number)
        assert [picture.gone for picture in found.pictures] == [True]
        assert found.checks["title"] == "seen"
        assert db.session.scalars(sa.select(SubmissionImage.upload_sha256)).one()


def test_earlier_rounds_go_when_the_next_is_decided(work, story):
    me = reviewer()
    with work():
        row = story.case()
        first = files()
        asked = service.ask_again(me, row.id, take(me, row), RETRY)
        assert {found.erase_at for found in files()} == {asked.effective_at + 14 * DAY}
    at = MONDAY + timedelta(hours=1)
    with work(at):
        service.resubmit(story.people[0], story.claim())
        old, new = set(), set()
        for found in files():
            (old if found.id in {f.id for f in first} else new).add(found.erase_at)
        assert (old, new) == ({MONDAY + 30 * DAY}, {None})
        service.reject(me, row.id, take(me, row), FINAL)
        effective = at + timedelta(seconds=60)
        assert {f.erase_at for f in files() if f.id in {x.id for x in first}} == {effective}
        service.undo(me, row.id)
        assert {f.erase_at for f in files() if f.id in {x.id for x in first}} == {MONDAY + 30 * DAY}


def test_withdrawal_erases_at_once(work, story):
    with work():
        story.case()
        service.withdraw(story.people[0])
    with work():
        assert all(found.erased_at for found in files())
        with pytest.raises(Gone):
            vault.open_sealed(files()[0])


def test_an_appeal_holds_the_photos_until_it_is_answered_by_another(work, story):
    me, other = reviewer(), reviewer("审核乙")
    with work():
        row = story.case()
        service.reject(me, row.id, take(me, row), FINAL)
    at = MONDAY + 29 * DAY
    with work(at):
        assert current_for(story.people[0]).can_appeal
        service.appeal(story.people[0], "我在内镜中心工作")
        assert {found.erase_at for found in files()} == {None}
    with work(at):
        row, token = service.claim(other, row.id)
        page = service.Seen(token, 1)
        with pytest.raises(Invalid):
            service.decide_appeal(other, row.id, page, Entered(), verdict="reject")
        service.decide_appeal(other, row.id, page, Entered(public_text="维持原决定。"), verdict="reject")
    with work(at + timedelta(minutes=2)):
        now = current_for(story.people[0])
        assert (now.status, now.can_appeal, now.public_text) == ("rejected", False, "维持原决定。")
        with pytest.raises(TransitionRefused):
            service.appeal(story.people[0], "再次申诉")


def test_an_appeal_too_late_is_refused(work, story):
    me = reviewer()
    with work():
        row = story.case()
        service.reject(me, row.id, take(me, row), FINAL)
    with work(MONDAY + 31 * DAY), pytest.raises(TransitionRefused):
        service.appeal(story.people[0], "迟了")


def test_suspension_pauses_and_another_lead_revokes(work, story):
    me, lead, second = reviewer(), reviewer("组长", lead=True), reviewer("组长乙", lead=True)
    with work():
        row = story.case()
        service.approve(me, row.id, take(me, row), APPROVE)
    with work(MONDAY + DAY):
        service.suspend(lead, row.id, NOTE)
        assert current_for(story.people[0]).status == "suspended"
        with pytest.raises(Exception, match="not_your_own_proposal"):
            service.revoke(lead, row.id, NOTE)
        service.revoke(second, row.id, NOTE)
        assert current_for(story.people[0]).status == "revoked"


def test_a_merge_shows_its_target_and_erases_at_once(work, story):
    me = reviewer()
    with work():
        first, second = story.case(), story.case()
        entered = Entered(reasons=("duplicate",), public_text="已并入。")
        page = take(me, first)
        with pytest.raises(Invalid):
            service.merge(me, first.id, page, entered, target_number=first.number)
        service.merge(me, first.id, page, entered, target_number=second.number, same_person=True)
        row = reload(first.id)
        assert (row.status, row.merged_into) == ("merged", second.id)


def test_one_open_registration_per_person(work, story):
    from app.core.errors import Conflict

    with work():
        story.case()
        with pytest.raises(Conflict) as refusal:
            service.submit(story.people[0], story.claim())
        assert refusal.value.code == "registration_open"


@pytest.mark.parametrize(
    "change, field",
    [
        ({"badge_consent": False}, "badge_consent"),
        ({"is_adult": False}, "is_adult"),
        ({"photos": []}, "badges"),
        ({"name": " "}, "name"),
        ({"hospital_id": None}, "hospital_id"),
    ],
)
def test_what_is_missing_is_named(work, story, change, field):
    with work(), pytest.raises(Invalid) as refusal:
        story.case(**change)
    assert field in refusal.value.fields
