"""Second pair of eyes on rules, nobody on himself, reversal, merge: reference/review.md 2, no. 12 and 13, and 5.1."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict, DomainError, Forbidden, Invalid, TransitionRefused
from app.core.files import StoredFile
from app.core.unit_of_work import unit_of_work
from app.customers.models import Customer
from app.registrations import rules, service
from app.registrations.models import RegistrationEvent
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
    seen,
    take,
)

LATER = MONDAY + timedelta(minutes=5)
FORGED = Entered(reasons=("not_own_badge",), public_text="证件不是本人的。")
EXPIRED = replace(APPROVE, badge_valid_until=date(2026, 11, 22))
UNSEEN = Entered(checks={**ALL_SEEN, "hospital": "claimed_only"})


def rejected(work, story, by=None):
    """A rejection that took effect."""
    me = by or reviewer()
    with work():
        row = story.case()
        service.reject(me, row.id, take(me, row), FINAL)
    return row.id


@pytest.mark.parametrize(
    "verb, entered, rule",
    [
        ("reject", FORGED, "suspected_forgery"),
        ("approve", EXPIRED, "badge_expired"),
        ("approve", UNSEEN, "identity_unseen"),
    ],
)
def test_each_listed_rule_produces_awaiting_second(work, story, verb, entered, rule):
    """13: the first reviewer's decision becomes a proposal; a second person decides."""
    me, other = reviewer(), reviewer("审核乙")
    with work():
        row = story.case()
        done = getattr(service, verb)(me, row.id, take(me, row), entered)
        assert (done.registration.status, done.event.rules, done.event.proposal) == ("awaiting_second", [rule], verb)
        with pytest.raises(Forbidden):
            service.claim(me, row.id)
        page = seen(*service.claim(other, row.id))
        service.decide_second(other, row.id, page, entered, verdict=verb)
        assert reload(row.id).status == {"approve": "approved", "reject": "rejected"}[verb]


def test_the_rule_on_reversal_produces_awaiting_second(work, story):
    row_id = rejected(work, story)
    with work(LATER):
        done = service.reopen(reviewer("组长", lead=True), row_id, NOTE)
        assert (done.registration.status, done.event.rules) == ("awaiting_second", ["reversal_of_final"])


def test_every_rule_has_been_tried():
    tried = {"suspected_forgery", "badge_expired", "identity_unseen", "reversal_of_final"}
    assert {rule.code for rule in rules.RULES} == tried


@pytest.mark.parametrize(
    "verb, entered, status",
    [
        ("approve", APPROVE, "approved"),
        ("approve", replace(APPROVE, badge_valid_until=date(2026, 11, 23)), "approved"),
        ("approve", Entered(checks={**ALL_SEEN, "title": "claimed_only", "position": "claimed_only"}), "approved"),
        ("reject", FINAL, "rejected"),
    ],
)
def test_others_do_not(work, story, verb, entered, status):
    """13, the other half: a badge valid to the end of today, a title or position only claimed, an ordinary refusal."""
    me = reviewer()
    with work():
        row = story.case()
        getattr(service, verb)(me, row.id, take(me, row), entered)
        assert reload(row.id).status == status


def test_an_incomplete_checklist_is_no_proposal(work, story):
    me = reviewer()
    with work():
        row = story.case()
        with pytest.raises(Invalid) as refusal:
            service.approve(me, row.id, take(me, row), replace(EXPIRED, checks={"name": "seen"}))
        assert refusal.value.code == "checks_incomplete"
        assert reload(row.id).status == "pending"


def test_nobody_decides_on_what_he_proposed(work, story):
    """12: the proposer is refused by the server, as a lead too."""
    me = reviewer(lead=True)
    with work():
        row = story.case()
        page = take(me, row)
        service.approve(me, row.id, page, EXPIRED)
        with pytest.raises(Forbidden) as refusal:
            service.claim(me, row.id)
        assert refusal.value.code == "not_your_own_proposal"
        with pytest.raises(Conflict):
            service.decide_second(me, row.id, page, APPROVE, verdict="approve")


def test_nobody_decides_on_himself(work, story):
    """12: same mobile number as the applicant."""
    with work():
        row = story.case()
        index = db.session.scalars(sa.select(Customer.phone_index)).one()
        me = reviewer(phone_index=index, lead=True)
        assert service.claim_next(me) is None
        for verb in (lambda: service.claim(me, row.id), lambda: service.approve(me, row.id, Seen("x", 1), APPROVE)):
            with pytest.raises(Forbidden) as refusal:
                verb()
            assert refusal.value.code == "own_registration"


def test_nobody_decides_on_a_declared_relation(work, story):
    """12: "I know this applicant" is stored; the server refuses every part in this and the person's later cases."""
    me, other = reviewer(lead=True), reviewer("审核乙")
    with work():
        row = story.case()
        page = take(me, row)
        service.recuse(me, row.id)
        service.recuse(me, row.id)  # said twice counts once
        assert reload(row.id).lease_staff_id is None
        for verb in (
            lambda: service.claim(me, row.id),
            lambda: service.approve(me, row.id, page, APPROVE),
            lambda: service.hand_back(me, row.id, page.lease_token, Entered()),
            lambda: service.suspend(me, row.id, NOTE),
        ):
            with pytest.raises(Forbidden) as refusal:
                verb()
            assert refusal.value.code == "recused"
        assert service.claim_next(me) is None
        take(other, row)
    with work():
        service.withdraw(story.people[0])
        service.submit(story.people[0], story.claim())
        assert service.claim_next(me) is None


def test_changed_evidence_voids_a_pending_second_approval(work, story):
    me, other = reviewer(), reviewer("审核乙")
    with work():
        row = story.case()
        service.approve(me, row.id, take(me, row), EXPIRED)
        page = seen(*service.claim(other, row.id))
        service.resubmit(story.people[0], story.claim())
        again = reload(row.id)
        assert (again.status, again.badge_valid_until) == ("pending", None)
        with pytest.raises(Conflict) as refusal:
            service.decide_second(other, row.id, page, APPROVE, verdict="approve")
        assert refusal.value.code == "evidence_changed"


# reversal of a final decision


def test_a_reversal_needs_somebody_with_no_part(work, story):
    first, lead, other = reviewer(), reviewer("组长", lead=True), reviewer("审核乙")
    row_id = rejected(work, story, first)
    with work(LATER):
        service.reopen(lead, row_id, NOTE)
        assert set(db.session.scalars(sa.select(StoredFile.erase_at))) == {None}, "the evidence stays while it is open"
        for barred in (first, lead):
            with pytest.raises(Forbidden):
                service.claim(barred, row_id)
        page = seen(*service.claim(other, row_id))
        service.decide_second(other, row_id, page, APPROVE, verdict="approve")
        assert reload(row_id).status == "approved"
        assert [e.action for e in db.session.scalars(sa.select(RegistrationEvent).order_by(RegistrationEvent.version))] == [
            "submit_registration", "reject_registration", "reopen_rejection", "approve_second",
        ]  # fmt: skip


def test_after_the_undo_window_only_a_reversal_with_reason_exists(work, story):
    """23: no undo, no reversal without a reason, none by an ordinary reviewer."""
    me, lead = reviewer(), reviewer("组长", lead=True)
    row_id = rejected(work, story, me)
    with work(MONDAY + timedelta(seconds=59)), pytest.raises(TransitionRefused):
        service.reopen(lead, row_id, NOTE)
    with work(LATER):
        with pytest.raises(TransitionRefused) as refusal:
            service.undo(me, row_id)
        assert refusal.value.code == "undo_too_late"
        with pytest.raises(Invalid):
            service.reopen(lead, row_id, Entered())
        with pytest.raises(Forbidden):
            service.reopen(me, row_id, NOTE)


def test_without_its_photos_nothing_is_reopened(work, story):
    row_id = rejected(work, story)
    with work(MONDAY + timedelta(days=31)):
        with pytest.raises(TransitionRefused) as refusal:
            service.reopen(reviewer("组长", lead=True), row_id, NOTE)
        assert refusal.value.code == "evidence_gone"


def test_a_newer_registration_stands_against_reopening(work, story):
    row_id = rejected(work, story)
    with work(LATER):
        service.submit(story.people[0], story.claim())
        with pytest.raises(TransitionRefused) as refusal:
            service.reopen(reviewer("组长", lead=True), row_id, NOTE)
        assert refusal.value.code == "registration_open"


# merge


def test_a_merge_needs_the_same_phone_or_a_confirmation(work, story):
    me = reviewer()
    with work():
        first, second = story.case(), story.case()
        page = take(me, first)
        with pytest.raises(Invalid) as refusal:
            service.merge(me, first.id, page, Entered(), target_number=second.number)
        assert refusal.value.code == "same_person_unconfirmed"
        service.merge(me, first.id, page, Entered(), target_number=second.number, same_person=True)
        assert (reload(first.id).status, reload(first.id).merged_into) == ("merged", second.id)


def test_the_same_account_needs_no_confirmation(work, story):
    me = reviewer()
    row_id = rejected(work, story, me)
    with work(LATER):
        row = service.submit(story.people[0], story.claim())
        service.merge(me, row.id, take(me, row), Entered(), target_number=reload(row_id).number)
        assert reload(row.id).merged_into == row_id


def test_nothing_is_merged_into_what_is_no_case_any_more(work, story):
    me = reviewer()
    with work():
        first = story.case()
        service.withdraw(story.people[0])
        second = story.case()
        with pytest.raises(Invalid) as refusal:
            service.merge(me, second.id, take(me, second), Entered(), target_number=first.number, same_person=True)
        assert refusal.value.code == "merge_target_required"


def test_two_merges_that_meet_make_no_circle(portal, work, story):
    """A into B while B into A, on two connections: the second waits for the first, and is refused."""
    reviewers = (reviewer(), reviewer("审核乙"))
    with work():
        cases = (story.case(), story.case())
        pages = [take(who, row) for who, row in zip(reviewers, cases, strict=True)]
        asked = [(row.id, other.number) for row, other in (cases, cases[::-1])]
    merged, second_over, refused = threading.Event(), threading.Event(), []

    def merge(n: int) -> None:
        with portal.app_context(), clock.frozen(MONDAY), unit_of_work():
            row_id, target = asked[n]
            service.merge(reviewers[n], row_id, pages[n], Entered(), target_number=target, same_person=True)
            if n == 0:
                merged.set()
                second_over.wait(1)  # it stands before the lock; where there is none it is over before the commit

    def later() -> None:
        merged.wait()
        try:
            merge(1)
        except DomainError as refusal:
            refused.append(refusal.code)
        finally:
            second_over.set()

    both = [threading.Thread(target=merge, args=(0,)), threading.Thread(target=later)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    with work():
        assert [reload(row_id).status for row_id, _target in asked] == ["merged", "pending"]
        assert reload(asked[1][0]).merged_into is None
    assert refused == ["merge_target_required"]


def test_nothing_is_merged_into_a_case_whose_time_is_over_though_no_job_said_so(work, story):
    me = reviewer()
    with work():
        first, second = story.case(), story.case()
        service.ask_again(me, first.id, take(me, first), RETRY)
    with work(MONDAY + timedelta(days=15)):
        page = take(me, second)
        with pytest.raises(Invalid) as refusal:
            service.merge(me, second.id, page, Entered(), target_number=first.number, same_person=True)
        assert refusal.value.code == "merge_target_required"
