"""Blind second readings: the draw, the blindness, the judgement, agreement.

Acceptance (reference/review.md 2, no. 22): "Sampled blind second read (default 5%, plus all first-20 decisions of a new
reviewer), agreement shown as raw %, κ and AC1. The second reader cannot see the first decision in page source or URL."
"""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from app.core import clock, numbers
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, TransitionRefused
from app.core.policy import SYSTEM, Actor
from app.core.statistics.sampling import position
from app.customers import access
from app.registrations import service
from app.registrations.models import Registration, RegistrationEvent
from app.registrations.readings import queries
from app.registrations.readings import service as readings
from app.registrations.readings.models import ReadingDraw, SecondReading
from app.registrations.readings.states import TRANSITIONS, Judgement, ReadingStatus, reading_workflow
from tests.features.registrations.story import ALL_SEEN, APPROVE, FINAL, MONDAY, RETRY, reviewer, take

LATER = MONDAY + timedelta(minutes=5)
VERBS = {
    "approve": (service.approve, APPROVE), "ask_again": (service.ask_again, RETRY), "reject": (service.reject, FINAL),
}  # fmt: skip


def decide(story, by: Actor, verdict: str = "approve") -> Registration:
    """A new case, claimed and decided by ``by``."""
    row = story.case()
    verb, entered = VERBS[verdict]
    verb(by, row.id, take(by, row), entered)
    return row


def only_reading() -> SecondReading:
    return db.session.scalars(sa.select(SecondReading).execution_options(populate_existing=True)).one()


# the draw


def test_all_of_a_new_reviewers_first_20_decisions_are_drawn_and_of_the_rest_the_sample(work, story):
    me = reviewer()
    with work():
        numbers.change("reading_first", "3", None)
        numbers.change("reading_percent", "0", None)
        rows = [decide(story, me) for _n in range(5)]
    with work(LATER):
        assert readings.draw() == 3
        drawn = db.session.scalars(sa.select(SecondReading).order_by(SecondReading.number)).all()
        assert [r.registration_id for r in drawn] == [row.id for row in rows[:3]]
        assert {r.why for r in drawn} == {"new_reviewer"}
    with work(LATER):
        assert readings.draw() == 0, "a decision is drawn once"
    assert numbers.specs.get("reading_first").default == 20
    assert numbers.specs.get("reading_percent").default == 5


def test_the_sample_can_be_drawn_again_from_its_stored_seed(work, story):
    me = reviewer()
    with work():
        numbers.change("reading_first", "0", None)
        numbers.change("reading_percent", "50", None)
        for _n in range(12):
            decide(story, me)
    with work(LATER):
        readings.draw()
        draw = db.session.scalars(sa.select(ReadingDraw)).one()
        events = db.session.scalars(sa.select(RegistrationEvent.id).where(RegistrationEvent.by_id == me.id))
        again = {event for event in events if position(draw.seed, event.bytes) < draw.percent / 100}
        found = set(db.session.scalars(sa.select(SecondReading.event_id)))
        assert found == again and (draw.decisions, draw.drawn) == (12, len(again))


def test_an_undone_decision_is_not_drawn_and_one_in_its_window_not_yet(work, story):
    me = reviewer()
    with work():
        row = decide(story, me)
        service.undo(me, row.id)
        decide(story, me)
    with work(MONDAY + timedelta(seconds=59)):
        assert readings.draw() == 0
    with work(LATER):
        assert readings.draw() == 1
        assert only_reading().registration_id != row.id


def test_drawn_and_due_before_the_photo_is_erased_and_a_late_one_is_missed(work, story):
    me, other = reviewer(), reviewer("审核乙")
    with work():
        numbers.change("badge_retention_days", "1", None)
        decide(story, me)
    with work(LATER):
        readings.draw()
        row = only_reading()
        assert row.due_at == MONDAY + timedelta(days=1, seconds=60)
        assert readings.take_next(other).id == row.id
    with work(row.due_at):
        assert row.missed(clock.now()) and row.status == "waiting", "true at read time, no job ran"
        with pytest.raises(Conflict):
            readings.judge(other, row.number, "approve", ALL_SEEN, ())
        assert readings.take_next(reviewer("审核丙")) is None
        assert readings.settle_missed() == 1 and readings.settle_missed() == 0
        assert only_reading().status == "missed"
        assert queries.matrix(reviewer(lead=True), MONDAY, MONDAY + timedelta(days=3)).missed == 1


# who reads


@pytest.fixture
def drawn(work, story):
    """One approved case, drawn; `first` decided it."""
    first = reviewer("审核甲")
    with work():
        row = decide(story, first)
    with work(LATER):
        readings.draw()
        number = only_reading().number
    return SimpleNamespace(
        first=first, row=row, number=number, reader=reviewer("审核乙"), lead=reviewer("组长", lead=True)
    )


def test_the_second_reader_is_another_and_has_no_part_in_the_case(work, drawn):
    with work(LATER):
        assert readings.take_next(drawn.first) is None
        assert readings.take_next(drawn.reader).number == drawn.number
        assert readings.take_next(drawn.reader).number == drawn.number, "one goes on with one's own"
        assert readings.take_next(reviewer("审核丙")) is None


def test_a_reading_nobody_holds_keeps_the_applicant_from_nobody(work, drawn):
    """The system freezes and erases whatever waits to be read; it is no reader itself."""
    with work(LATER):
        reading = only_reading()
        assert (reading.status, reading.lease_staff_id) == (ReadingStatus.WAITING, None)
        applicant = db.session.get_one(Registration, reading.registration_id).customer_id
        assert access.find(SYSTEM, applicant).id == applicant


def test_provinces_bind_readings_too(work, drawn):
    with work(LATER):
        assert readings.take_next(reviewer("别省", provinces=frozenset({"44"}))) is None
        with pytest.raises(NotFound):
            readings.find(reviewer("别省", provinces=frozenset({"44"})), drawn.number)
        assert readings.take_next(reviewer("本省", provinces=frozenset({"31"}))) is not None


def test_nobody_reads_the_case_of_his_own_phone(work, drawn):
    from app.customers.models import Customer

    with work(LATER):
        index = db.session.get(Customer, drawn.row.customer_id).phone_index
        assert readings.take_next(reviewer("本人", phone_index=index)) is None


def test_who_hands_back_or_lets_it_run_out_never_gets_it_again(work, drawn):
    late = reviewer("审核丙")
    with work(LATER):
        readings.take_next(drawn.reader)
        readings.hand_back(drawn.reader, drawn.number)
        assert readings.take_next(drawn.reader) is None
        assert readings.take_next(late) is not None
    with work(LATER + timedelta(minutes=16)):
        assert readings.take_next(drawn.lead) is not None, "the time of the other ran out"
        readings.hand_back(drawn.lead, drawn.number)
        assert readings.take_next(late) is None


# the judgement


def test_a_reading_never_changes_the_decision(work, drawn):
    with work(LATER):
        readings.take_next(drawn.reader)
        before = db.session.scalar(sa.select(sa.func.count()).select_from(RegistrationEvent))
        readings.judge(drawn.reader, drawn.number, "reject", {}, ("not_medical_staff",))
        found = db.session.get(Registration, drawn.row.id)
        assert (found.status, found.version) == ("approved", drawn.row.version)
        assert db.session.scalar(sa.select(sa.func.count()).select_from(RegistrationEvent)) == before
        assert (only_reading().status, only_reading().judgement) == ("read", "reject")
        with pytest.raises(Conflict):
            readings.judge(drawn.reader, drawn.number, "approve", ALL_SEEN, ())


@pytest.mark.parametrize(
    "judgement, checks, reasons",
    [
        ("approve", {"name": "seen"}, ()), ("ask_again", {}, ()), ("reject", {}, ()),
        ("ask_again", {}, ("not_medical_staff",)), ("reject", {}, ("photo_glare",)), ("reject", {}, ("no_such",)),
        ("perhaps", {}, ()), ("approve", {"shoe": "seen"}, ()), ("approve", {"name": "maybe"}, ()),
    ],
)  # fmt: skip
def test_an_unfounded_judgement_is_refused_and_the_task_stays(work, drawn, judgement, checks, reasons):
    with work(LATER):
        readings.take_next(drawn.reader)
        with pytest.raises(Invalid):
            readings.judge(drawn.reader, drawn.number, judgement, checks, reasons)
        assert only_reading().status == "waiting"


def test_a_difference_goes_further_by_a_lead_who_gave_neither(work, drawn):
    with work(LATER):
        readings.take_next(drawn.reader)
        readings.judge(drawn.reader, drawn.number, "ask_again", {}, ("photo_glare",))
        with pytest.raises(Forbidden):
            readings.escalate(drawn.reader, drawn.number)
        readings.escalate(drawn.lead, drawn.number)
        assert only_reading().status == "escalated"
        with pytest.raises(TransitionRefused):
            readings.escalate(drawn.lead, drawn.number)


def test_agreement_has_nothing_to_take_further(work, drawn):
    with work(LATER):
        readings.take_next(drawn.reader)
        readings.judge(drawn.reader, drawn.number, "approve", ALL_SEEN, ())
        with pytest.raises(TransitionRefused):
            readings.escalate(drawn.lead, drawn.number)


# agreement


def fill(counts) -> None:
    """Finished readings by (first, second) -> n."""
    from app.core.db import new_id

    base = only_reading()
    base.status, base.judgement, base.read_at = "missed", None, None
    keep = (base.draw_id, base.registration_id, base.submission_id)
    source = db.session.scalars(sa.select(RegistrationEvent).order_by(RegistrationEvent.version)).first()
    i = 0
    for (first, second), n in counts.items():
        for _n in range(n):
            i += 1
            event = RegistrationEvent(
                registration_id=source.registration_id, subject_id=source.subject_id, version=1000 + i, round=1,
                evidence_version=1, action="x", status_to="x", by_kind="system", by_name="", at=LATER,
                effective_at=LATER, reason_codes=[], reason_versions={},
            )  # fmt: skip
            db.session.add(event)
            db.session.flush()
            db.session.add(
                SecondReading(
                    number=f"RDG-X-{i}", draw_id=keep[0], registration_id=keep[1], submission_id=keep[2],
                    event_id=event.id, why="sample", status="read", due_at=LATER, drawn_at=LATER, first_by=new_id(),
                    first_name="甲", first_judgement=first, judgement=second, read_by=new_id(), read_name="乙",
                    read_at=LATER, province="31",
                )
            )  # fmt: skip
    db.session.flush()


def test_agreement_is_raw_kappa_and_ac1_with_the_table(work, drawn):
    """The published three-class example (S11), through the database."""
    a, r, x = (j.value for j in Judgement)
    with work(LATER):
        fill({(a, a): 13, (r, r): 20, (r, x): 7, (x, r): 4, (x, x): 56})
        found = queries.matrix(drawn.lead, MONDAY, LATER + timedelta(days=1))
        assert found.counts == [[13, 0, 0], [0, 20, 7], [0, 4, 56]]
        assert (round(found.agreement.kappa, 7), round(found.agreement.ac1, 4)) == (0.7964094, 0.8493)
        assert queries.matrix(drawn.lead, MONDAY - timedelta(days=9), MONDAY).agreement is None
        other = reviewer("别省", lead=True, provinces=frozenset({"44"}))
        assert queries.matrix(other, MONDAY, LATER + timedelta(days=1)).agreement is None


# the table of states


@pytest.mark.pure
@pytest.mark.parametrize(
    "status, action, row", list(reading_workflow.pairs()), ids=lambda v: v if isinstance(v, str) else ""
)
def test_unlisted_pairs_are_refused(status, action, row):
    if row is None:
        with pytest.raises(TransitionRefused):
            reading_workflow.find(status, action)
    else:
        assert row in TRANSITIONS


@pytest.mark.pure
def test_the_table_has_no_way_back():
    assert {(t.source, t.target) for t in TRANSITIONS} == {
        (None, "waiting"), ("waiting", "read"), ("waiting", "missed"), ("read", "escalated"),
    }  # fmt: skip
    assert set(ReadingStatus) == {"waiting", "read", "missed", "escalated"}
