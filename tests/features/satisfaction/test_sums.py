"""Kept sums: equal to the ratings after each run whatever happened, and the report exact between two runs."""

from __future__ import annotations

import random

import pytest
import sqlalchemy as sa

from app.core import outbox
from app.core.db import db, new_id
from app.core.outbox import Message
from app.hospitals.span import Span
from app.satisfaction.models import FollowUp, RatedJob, RatingStale, RatingSum
from app.satisfaction.models.sums import K
from app.satisfaction.reports import figures, raw
from app.satisfaction.service import jobs, sums
from app.satisfaction.sums import Tally, witnesses
from app.staff.roles import Role
from tests.features.satisfaction.scene import DAY, HOUR, OK
from tests.features.satisfaction.test_report import auditor, rated
from tests.features.tickets.people import MONDAY, staff

YEAR = Span(MONDAY - 300 * DAY, MONDAY + DAY)
PEOPLE = [new_id() for _n in range(9)]
ENGINEERS = [new_id() for _n in range(4)]
STEPS = 60


@pytest.fixture
def filled(scene):
    scene.closed()
    scene.count_of_jobs = 0
    return scene


def insert(scene, rng: random.Random) -> None:
    score = rng.choice([None, 1, 2, 3, 4, 5, 5])
    closed = MONDAY - rng.randrange(1, 280 * 24) * HOUR
    rated(
        scene, [score], person=rng.choice(PEOPLE), engineer_id=rng.choice([*ENGINEERS, None]), closed_at=closed,
        opened_at=closed - rng.randrange(1, 400) * HOUR, province=rng.choice(("31", "32", "33")),
        product=rng.choice(("GIF-H290", "CF-H290", "")), job_kind=rng.choice(("on_site", "collect")),
        message_key=rng.choice((None, "k")), delivered_at=rng.choice((None, MONDAY)), engineer=rng.choice(("甲", "乙")),
    )  # fmt: skip


def change(scene, rng: random.Random) -> None:
    """What can happen to a rated job later, and what nobody should do by hand but might."""
    values = rng.choice([
        {"score": 1, "status": "flagged"}, {"score": 5, "status": "answered"}, {"outcome": "void"}, {"outcome": ""},
        {"outcome": "disputed", "status": "audited"}, {"status": "withdrawn", "score": None}, {"delivered_at": MONDAY},
        {"message_key": None}, {"province": "44"}, {"closed_at": MONDAY - 40 * DAY}, {"subject_id": PEOPLE[0]},
        {"engineer_id": ENGINEERS[0]}, {"product": "CF-H290"},
    ])  # fmt: skip
    with scene.work():
        ids = db.session.scalars(sa.select(RatedJob.id).order_by(RatedJob.id)).all()
        if ids:
            db.session.execute(sa.update(RatedJob).where(RatedJob.id == rng.choice(ids)).values(**values))


def follow(scene, rng: random.Random) -> None:
    with scene.work():
        used = sa.select(FollowUp.job_id)
        free = db.session.scalars(sa.select(RatedJob.id).where(RatedJob.id.not_in(used)).order_by(RatedJob.id)).first()
        begun = MONDAY - 50 * HOUR
        if free is not None:
            values = {"job_id": free, "status": "open", "why": "low", "opened_at": begun, "due_at": MONDAY}
            db.session.add(FollowUp(**values))
        elif (row := db.session.scalars(sa.select(FollowUp).where(FollowUp.finished_at.is_(None))).first()) is not None:
            row.status, row.finished_at = "asked", begun + rng.randrange(49) * HOUR


def gone(scene, rng: random.Random) -> None:
    with scene.work():
        used = sa.select(FollowUp.job_id)
        free = db.session.scalars(sa.select(RatedJob.id).where(RatedJob.id.not_in(used)).order_by(RatedJob.id)).all()
        if free:
            db.session.execute(sa.delete(RatedJob).where(RatedJob.id == rng.choice(free)))


def plain(found: figures.Figures) -> object:
    totals = {
        place: (t.label, *(getattr(t, name) for name in sums.COUNTS), t.raters) for place, t in found.totals.items()
    }
    return totals, {month: t.raters for month, t in found.months.items()}, found.still


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kept_sums_equal_the_raw_aggregate_after_random_histories(filled, seed):
    """After each run of the worker, and the page between two runs says what it says after the next."""
    rng = random.Random(seed)
    for step in range(STEPS):
        rng.choice((insert, insert, insert, change, change, follow, gone))(filled, rng)
        if step % 7 == 0:
            with filled.work():
                before = plain(figures.read(auditor(), YEAR))
                sums.refresh()
                assert raw.differences() == []
                after = plain(figures.read(auditor(), YEAR))
            nothing = {place: counts for place, counts in after[0].items() if any(counts[1:])}
            assert {place: counts for place, counts in before[0].items() if any(counts[1:])} == nothing
            assert before[1:] == after[1:]
    assert filled.count(RatingSum) > 0


def test_a_rating_a_change_an_audit_and_a_follow_up_are_in_the_sums_after_the_next_run(filled):
    """Through the services: given, changed, voided; nothing of it names the sums."""
    number = filled.closed()
    filled.settle()
    for step in (
        lambda: filled.rate(number, 2), lambda: filled.rate(number, 5, comment="改了"),
        lambda: filled.post(number, "complaint", complaint="no", reportable="no", reason="误会"),
        lambda: filled.post(number, "audit", **{**OK, "outcome": "void", "reason": "test"}),
    ):  # fmt: skip
        step()
        with filled.work():
            sums.refresh()
            assert raw.differences() == []
    with filled.work():
        assert figures.read(auditor(), YEAR).response.answered == 0


def test_a_run_without_changes_counts_nothing(filled):
    rated(filled, [5] * 6)
    with filled.work():
        assert sums.refresh() == 1
    with filled.work():
        assert sums.refresh() == 0
        assert db.session.scalar(sa.select(sa.func.count()).select_from(RatingStale)) == 0


def test_sums_made_anew_equal_sums_that_were_kept(filled):
    rng = random.Random(5)
    for _n in range(30):
        insert(filled, rng)
    with filled.work():
        sums.refresh()
        kept = dict(raw.kept())
        db.session.execute(sa.update(RatingSum).values(answered=99))
        assert raw.differences()
        assert sums.rebuild() >= 2
        assert raw.kept() == kept and raw.differences() == []


def test_the_commands(filled):
    rated(filled, [5, 4, 1])
    run = filled.app.test_cli_runner().invoke
    assert "equal" in run(args=["ratings", "check"]).output
    with filled.work():
        db.session.execute(sa.update(RatingSum).values(satisfied=7))
    broken = run(args=["ratings", "check"])
    assert broken.exit_code == 1 and "differ" in broken.output
    assert "months counted" in run(args=["ratings", "rebuild"]).output
    assert run(args=["ratings", "check"]).exit_code == 0


def test_five_raters_over_months_are_five_and_one_rater_in_five_months_is_one():
    def month(*people: str) -> Tally:
        return Tally(answered=len(people), seen=set(people))

    who = [f"{n:012x}" for n in range(6)]
    total = Tally()
    for person in who[:4]:
        total.take(month(person))
    total.take(month(who[0]))
    assert (total.raters, total.answered) == (4, 5)
    kept = Tally(seen=witnesses(total.witnesses))
    kept.take(month(who[4]))
    assert kept.raters == K and kept.witnesses == ""


def test_a_large_sum_keeps_nobodys_trace(filled):
    rated(filled, [5] * 7)
    with filled.work():
        sums.refresh()
        rows = db.session.scalars(sa.select(RatingSum)).all()
        assert {row.witnesses for row in rows} == {""}
        assert {row.raters for row in rows} == {K}


def test_the_report_of_a_part_of_a_month_reads_its_days_alone(filled):
    rated(filled, [5] * 6, closed_at=MONDAY - 3 * DAY)
    rated(filled, [1] * 6, closed_at=MONDAY - 10 * DAY)
    with filled.work():
        sums.refresh()
        assert dict(figures.read(auditor(), Span(MONDAY - 5 * DAY, MONDAY - DAY)).distribution) == {5: 6}
        assert dict(figures.read(auditor(), YEAR).distribution) == {5: 6, 1: 6}


def test_another_region_is_in_no_figure(filled):
    rated(filled, [5] * 6)
    rated(filled, [1] * 6, province="44")
    with filled.work():
        sums.refresh()
        mine = staff(Role.SATISFACTION_AUDITOR, provinces=["31"])
        assert dict(figures.read(mine, YEAR).distribution) == {5: 6}
        assert figures.read(mine, Span(YEAR.since, YEAR.until, "44")).response.eligible == 0


def test_an_invitation_counts_as_delivered_once_its_message_went_out(scene):
    number = scene.closed()
    scene.settle()
    with scene.work():
        jobs.run_sums()
    assert scene.job(number).delivered_at is None
    with scene.work():
        db.session.execute(sa.update(Message).values(state=outbox.MessageState.SENT.value, sent_at=MONDAY + HOUR))
        jobs.run_sums()
        assert figures.read(auditor(), YEAR).response.delivered == 1
    assert scene.job(number).delivered_at == MONDAY + HOUR


def test_an_answer_is_in_the_page_before_the_worker_has_run_again(scene):
    number = scene.closed()
    with scene.work():
        jobs.run_sums()
    scene.rate(number, 4)
    with scene.work():
        assert figures.read(auditor(), YEAR).response.answered == 1
