"""A decision holds only with the lease, on the evidence that was seen, once; and can be taken back for 60 seconds."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, TransitionRefused
from app.core.files import StoredFile
from app.core.outbox import Message
from app.customers.models import Customer, CustomerProfile
from app.registrations import service
from app.registrations.models import RegistrationEvent
from app.registrations.queries.current import current_for
from app.registrations.service import Entered, Seen
from tests.features.registrations.story import (
    ALL_SEEN,
    APPROVE,
    FINAL,
    MONDAY,
    NOTE,
    RETRY,
    reload,
    reviewer,
    take,
)  # fmt: skip


def test_approval_takes_effect_after_a_minute(work, story):
    me = reviewer()
    with work():
        row = story.case()
        done = service.approve(me, row.id, take(me, row), APPROVE)
        assert done.effective_at == MONDAY + timedelta(seconds=60)
    applicant = story.people[0]
    with work(MONDAY + timedelta(seconds=59)):
        assert current_for(applicant).status == "pending"
        message = db.session.scalars(sa.select(Message)).one()
        assert (message.template, message.not_before) == ("registration_approved", done.effective_at)
    with work(MONDAY + timedelta(seconds=60)):
        assert current_for(applicant).status == "approved"
        profile = db.session.scalars(sa.select(CustomerProfile)).one()
        assert (profile.registration_id, profile.effective_at) == (row.id, done.effective_at)


def test_an_expired_lease_decides_nothing(work, story):
    me = reviewer()
    with work():
        row = story.case()
        seen = take(me, row)
    with work(MONDAY + timedelta(minutes=16)):
        with pytest.raises(Conflict) as refusal:
            service.approve(me, row.id, seen, APPROVE)
        assert refusal.value.code == "lease_expired"
        assert reload(row.id).status == "pending"


def test_a_foreign_token_decides_nothing(work, story):
    me, other = reviewer(), reviewer("审核乙")
    with work():
        row = story.case()
        seen = take(me, row)
        for who, token in ((other, seen.lease_token), (me, "x" * 43), (other, "")):
            with pytest.raises(Conflict):
                service.approve(who, row.id, Seen(token, 1), APPROVE)
        assert reload(row.id).status == "pending"


def test_new_evidence_refuses_the_old_page(work, story):
    me = reviewer()
    with work():
        row = story.case()
        seen = take(me, row)
        service.resubmit(story.people[0], story.claim())
    with work():
        with pytest.raises(Conflict) as refusal:
            service.approve(me, row.id, seen, APPROVE)
        assert refusal.value.code == "evidence_changed"
        service.approve(me, row.id, Seen(seen.lease_token, 2), APPROVE)


def test_the_second_of_two_decisions_is_told_who_and_what(work, story):
    me, other = reviewer(), reviewer("审核乙")
    with work():
        row = story.case()
        seen = take(me, row)
    with work(MONDAY + timedelta(minutes=20)):
        service.reject(other, row.id, take(other, row), FINAL)
    with work(MONDAY + timedelta(minutes=21)):
        with pytest.raises(Conflict) as refusal:
            service.approve(me, row.id, seen, APPROVE)
        assert (refusal.value.who, refusal.value.what) == ("审核乙", "rejected")
        assert refusal.value.when == MONDAY + timedelta(minutes=20)


def test_deciding_twice_is_refused(work, story):
    me = reviewer()
    with work():
        row = story.case()
        seen = take(me, row)
        service.approve(me, row.id, seen, APPROVE)
        with pytest.raises(Conflict):
            service.approve(me, row.id, seen, APPROVE)
        assert db.session.scalar(sa.select(sa.func.count()).select_from(RegistrationEvent)) == 2


def test_every_field_must_be_checked(work, story):
    me = reviewer()
    with work():
        row = story.case()
        seen = take(me, row)
        with pytest.raises(Invalid) as refusal:
            service.approve(me, row.id, seen, Entered(checks={**ALL_SEEN, "title": ""}))
        assert refusal.value.code == "checks_incomplete"
        service.approve(me, row.id, seen, Entered(checks={**ALL_SEEN, "title": "claimed_only"}))


def test_an_unknown_hospital_blocks_approval_until_it_is_mapped(work, story):
    from app.hospitals import service as hospitals
    from tests.features.registrations.story import ADMIN

    me = reviewer()
    with work():
        row = story.case(hospital_id=None, hospital_name="东海样例医院", department_id=None, department_name="内镜室")
        assert row.province is None
        seen = take(me, row)
        with pytest.raises(Invalid) as refusal:
            service.approve(me, row.id, seen, APPROVE)
        assert refusal.value.code == "hospital_not_mapped"
        hospitals.map_to_hospital(ADMIN, row.unknown_hospital_id, story.hospital_id)
        hospitals.map_to_department(ADMIN, row.unknown_department_id, story.department_id)
    with work():
        service.approve(me, row.id, seen, APPROVE)
        row = reload(row.id)
        assert (row.status, row.province, row.hospital_text) == ("approved", "31", "东海样例医院")


def test_asking_again_needs_a_retry_reason_and_words(work, story):
    me = reviewer()
    with work():
        row = story.case()
        seen = take(me, row)
        for entered, code in (
            (Entered(public_text="请重拍"), "retry_reason_required"),
            (Entered(reasons=("not_medical_staff",), public_text="不"), "retry_reason_required"),
            (Entered(reasons=("photo_glare",)), "public_text_required"),
        ):
            with pytest.raises(Invalid) as refusal:
                service.ask_again(me, row.id, seen, entered)
            assert refusal.value.code == code
        service.ask_again(me, row.id, seen, RETRY)


def test_five_rounds_and_no_sixth(work, story):
    me, at = reviewer(), MONDAY
    with work():
        row = story.case()
    for _round in range(1, 5):
        with work(at):
            service.ask_again(me, row.id, take(me, row), RETRY)
        at += timedelta(minutes=2)
        with work(at):
            service.resubmit(story.people[0], story.claim())
    with work(at):
        seen = take(me, row)
        assert reload(row.id).round == 5
        with pytest.raises(TransitionRefused) as refusal:
            service.ask_again(me, row.id, seen, RETRY)
        assert refusal.value.code == "rounds_used_up"


def test_suspected_forgery_goes_to_a_second_person_first(work, story):
    me, other = reviewer(), reviewer("审核乙")
    forged = Entered(reasons=("not_own_badge",), public_text="证件不是本人的。", private_note="照片被换过")
    with work():
        row = story.case()
        seen = take(me, row)
        event = service.reject(me, row.id, seen, forged).event
        assert (event.proposal, event.status_to, event.rules) == ("reject", "awaiting_second", ["suspected_forgery"])
        with pytest.raises(Forbidden):
            service.claim(me, row.id)
        row, token = service.claim(other, row.id)
        service.decide_second(other, row.id, Seen(token, 1), forged, verdict="reject")
        assert reload(row.id).status == "rejected"


def test_new_evidence_voids_the_proposal(work, story):
    me = reviewer()
    with work():
        row = story.case()
        service.ask_second(me, row.id, take(me, row), NOTE)
        service.resubmit(story.people[0], story.claim())
        assert reload(row.id).status == "pending"


def test_undo_within_the_window_sends_nothing(work, story):
    me, other = reviewer(), reviewer("审核乙")
    with work():
        row = story.case()
        service.approve(me, row.id, take(me, row), APPROVE)
    with work(MONDAY + timedelta(seconds=30)):
        with pytest.raises(Forbidden):
            service.undo(other, row.id)
        service.undo(me, row.id)
        again = reload(row.id)
        assert (again.status, again.lease_staff_id, again.erase_at) == ("pending", me.id, None)
        assert db.session.scalars(sa.select(Message.state)).one() == "cancelled"
        assert db.session.scalars(sa.select(CustomerProfile)).all() == []
        assert set(db.session.scalars(sa.select(StoredFile.erase_at))) == {None}
    with work(MONDAY + timedelta(minutes=5)):
        assert current_for(story.people[0]).status == "pending"


def test_undo_after_the_window_is_refused(work, story):
    me = reviewer()
    with work():
        row = story.case()
        service.reject(me, row.id, take(me, row), FINAL)
    with work(MONDAY + timedelta(seconds=60)), pytest.raises(TransitionRefused) as refusal:
        service.undo(me, row.id)
    assert refusal.value.code == "undo_too_late"


@pytest.mark.parametrize("act", ["ask_again", "reject", "hold"])
def test_each_first_decision_can_be_undone(work, story, act):
    me = reviewer()
    with work():
        row = story.case()
        seen = take(me, row)
        if act == "hold":
            service.hold(me, row.id, seen, NOTE, until=(MONDAY + timedelta(days=1)).date())
        else:
            getattr(service, act)(me, row.id, seen, RETRY if act == "ask_again" else FINAL)
        service.undo(me, row.id)
        assert reload(row.id).status == "pending"


def test_a_second_decision_cannot_be_proposed_away(work, story):
    """Asking a second person takes effect at once and is not undone."""
    me = reviewer()
    with work():
        row = story.case()
        service.ask_second(me, row.id, take(me, row), NOTE)
        with pytest.raises(TransitionRefused):
            service.undo(me, row.id)


def test_nobody_decides_on_himself(work, story):
    with work():
        row = story.case(phone="+8613800007777")
        index = db.session.scalars(sa.select(Customer.phone_index)).one()
        me = reviewer(phone_index=index, lead=True)
        assert service.claim_next(me) is None
        with pytest.raises(Forbidden) as refusal:
            service.claim(me, row.id)
        assert refusal.value.code == "own_registration"


def test_the_applicant_cannot_act_while_it_is_being_decided(work, story):
    me = reviewer()
    with work():
        row = story.case()
        service.ask_again(me, row.id, take(me, row), RETRY)
        with pytest.raises(TransitionRefused) as refusal:
            service.resubmit(story.people[0], story.claim())
        assert refusal.value.code == "being_decided"
        assert not current_for(story.people[0]).can_resubmit


def test_the_public_reason_is_all_that_leaves(work, story):
    me = reviewer()
    with work():
        row = story.case()
        entered = Entered(reasons=RETRY.reasons, public_text=RETRY.public_text, private_note="内部：像旧案")
        service.ask_again(me, row.id, take(me, row), entered)
    with work(MONDAY + timedelta(minutes=2)):
        told = current_for(story.people[0])
        assert (told.status, told.public_text, told.reasons) == (
            "needs_resubmission", RETRY.public_text, ("反光遮挡请重拍",),
        )  # fmt: skip
        message = db.session.scalars(sa.select(Message)).one()
        assert "内部" not in str(message.params)
        assert message.params["reason"] == "反光遮挡请重拍"
