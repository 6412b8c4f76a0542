"""The acceptance sentences of reference/review.md 2 that no other file of this folder is named after: 1, 2, 5, 23, 24."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict, TransitionRefused
from app.core.outbox import Message
from app.core.unit_of_work import unit_of_work
from app.registrations import service
from app.registrations.models import RegistrationEvent, Submission
from app.registrations.queries import case as cases
from app.registrations.queries.rounds import rounds_of
from app.registrations.service import Entered, Seen
from tests.features.registrations.story import APPROVE, FINAL, MONDAY, RETRY, reload, reviewer, take


def test_1_two_sessions_claim_in_parallel_exactly_one_gets_it_the_other_the_next_one(portal, step, story):
    with step():
        numbers = {story.case().number, story.case().number}
    got: list[str] = []
    gate = threading.Barrier(2)

    def session() -> None:
        with portal.app_context(), clock.frozen(MONDAY):
            gate.wait()
            with unit_of_work():
                claimed = service.claim_next(reviewer())
                got.append(claimed[0].number if claimed else "")

    threads = [threading.Thread(target=session) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(got) == numbers


@pytest.mark.parametrize("kind", ["expired", "foreign"])
def test_1_deciding_with_an_expired_or_foreign_token_gives_409_and_changes_nothing(work, story, kind):
    me, other = reviewer(), reviewer("审核乙")
    with work():
        row = story.case()
        page = take(me, row)
        before = db.session.scalar(sa.select(sa.func.count()).select_from(RegistrationEvent))
    late = MONDAY + timedelta(minutes=16 if kind == "expired" else 1)
    with work(late):
        for verb, entered in ((service.approve, APPROVE), (service.reject, FINAL), (service.ask_again, RETRY)):
            with pytest.raises(Conflict) as refusal:
                verb(me if kind == "expired" else other, row.id, page, entered)
            assert refusal.value.status == 409
        assert (reload(row.id).status, reload(row.id).version) == ("pending", 1)
        assert db.session.scalar(sa.select(sa.func.count()).select_from(RegistrationEvent)) == before


def test_2_the_photo_is_replaced_while_the_page_is_open_and_approve_is_refused_with_what_changed(work, story):
    me = reviewer()
    with work():
        row = story.case()
        page = take(me, row)
    with work(MONDAY + timedelta(minutes=3)):
        service.resubmit(story.people[0], story.claim(title="副主任护师"))
        with pytest.raises(Conflict) as refusal:
            service.approve(me, row.id, page, APPROVE)
        assert (refusal.value.code, str(refusal.value.who)) == ("evidence_changed", "申请人")
        assert refusal.value.when == MONDAY + timedelta(minutes=3)
        assert reload(row.id).status == "pending"


def test_5_round_3_lists_rounds_1_and_2_with_their_reasons(work, story):
    me, at = reviewer(), MONDAY
    with work():
        row = story.case()
    for reason in ("photo_glare", "photo_blurred"):
        with work(at):
            found = Entered({"name": "seen", "title": "claimed_only"}, (reason,), "请重拍。")
            service.ask_again(me, row.id, take(me, reload(row.id)), found)
        at += timedelta(minutes=5)
        with work(at):
            service.resubmit(story.people[0], story.claim(title=f"主管护师{reason}"))
    with work(at):
        now = reload(row.id)
        rounds = rounds_of(now, cases.events(now))
        assert [one.number for one in rounds] == [1, 2, 3]
        assert [[reason.code for reason in one.reasons] for one in rounds] == [["photo_glare"], ["photo_blurred"], []]
        assert [one.checks for one in rounds] == [{"name": "seen", "title": "claimed_only"}] * 2 + [{}]
        assert rounds[1].differs("title", rounds[0])
        assert not rounds[1].differs("name", rounds[0])


def test_5_an_undone_decision_is_no_round_that_was_sent_back(work, story):
    me = reviewer()
    with work():
        row = story.case()
        service.ask_again(me, row.id, take(me, row), RETRY)
        service.undo(me, row.id)
        now = reload(row.id)
        assert [one.action for one in rounds_of(now, cases.events(now))] == [None]


def test_the_customers_typed_value_is_never_overwritten_by_anything(work, story):
    """Every act of ours on a case, mapping of the hospital included; the submissions stay as they were sent."""
    from app.hospitals import service as hospitals
    from tests.features.registrations.story import ADMIN

    me, lead, other = reviewer(), reviewer("组长", lead=True), reviewer("审核乙")
    sent = lambda: [
        (one.name, one.hospital_text, one.department_text, one.position, one.title)
        for one in db.session.scalars(sa.select(Submission).order_by(Submission.round))
    ]
    with work():
        row = story.case(hospital_id=None, hospital_name="东海 样例医院", department_id=None, department_name="内镜室")
        typed = sent()
        hospitals.map_to_hospital(ADMIN, row.unknown_hospital_id, story.hospital_id)
        hospitals.map_to_department(ADMIN, row.unknown_department_id, story.department_id)
        service.approve(me, row.id, take(me, row), Entered(checks=dict.fromkeys(service.FIELDS, "claimed_only")))
        page = Seen(service.claim(other, row.id)[1], 1)
        service.decide_second(other, row.id, page, APPROVE, verdict="approve")
        assert sent() == typed
    with work(MONDAY + timedelta(minutes=5)):
        service.suspend(lead, row.id, Entered(private_note="核实"))
        assert sent() == typed == [("冯虚构", "东海 样例医院", "内镜室", "护士长", "主管护师")]
        with pytest.raises(RuntimeError):
            db.session.scalars(sa.select(Submission)).one().title = "改过"
            db.session.flush()
        db.session.rollback()


def test_23_undo_inside_the_window_sends_nothing_after_it_only_a_reversal_with_reason_exists(work, story):
    me = reviewer()
    with work():
        row = story.case()
        service.reject(me, row.id, take(me, row), FINAL)
    with work(MONDAY + timedelta(seconds=59)):
        service.undo(me, row.id)
        assert set(db.session.scalars(sa.select(Message.state))) == {"cancelled"}
        service.reject(me, row.id, Seen(cases.token_of(reload(row.id)), 1), FINAL)
    with work(MONDAY + timedelta(seconds=59 + 60)):
        with pytest.raises(TransitionRefused):
            service.undo(me, row.id)
        done = service.reopen(reviewer("组长", lead=True), row.id, Entered(private_note="电话核实是护士"))
        assert done.registration.status == "awaiting_second"
