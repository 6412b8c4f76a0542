"""Signs of manipulation: each kind found where it was planted, with n and p; and hardly ever where there is nothing."""

from __future__ import annotations

import random
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core.db import db, new_id
from app.satisfaction.looks import Asked, Found, Seen, all_of, told
from app.satisfaction.models import Look, LookRun, RatedJob, RatingFlag
from app.satisfaction.queries import hints
from app.satisfaction.service import looks
from app.satisfaction.tone import complains
from app.staff.roles import Role
from tests.features.satisfaction.scene import DAY, HOUR, OK
from tests.features.satisfaction.test_report import rated
from tests.features.tickets.people import MONDAY, staff

ENGINEERS = [uuid.UUID(int=n) for n in range(1, 13)]
HOSPITALS = [uuid.UUID(int=n) for n in range(100, 140)]
BEGIN = MONDAY - 90 * DAY
MINUTE = timedelta(minutes=1)


def quarter(rng: random.Random, each: int = 40) -> list[Seen]:
    """Three months of twelve engineers to whom nothing is done: days, speed, parts and raters as they fall."""
    found = []
    for engineer in ENGINEERS:
        for n in range(each):
            rater = rng.randrange(120)
            closed = BEGIN + rng.randrange(90) * DAY + rng.randrange(8) * HOUR
            later = timedelta(minutes=rng.randrange(2, 10) if rng.random() < 0.1 else rng.randrange(10, 3_000))
            score = rng.choices((5, 4, 3, 2, 1), (55, 25, 10, 6, 4))[0]
            same = rng.random() < 0.3
            parts = (score,) * 4 if same else (5, 4, *rng.choices((3, 4, 5), k=2))
            found.append(Seen(
                new_id(), f"TKT-{engineer.int}-{n}", "31", engineer, f"样例{engineer.int}", str(rater),
                HOSPITALS[rater % 40] if rng.random() < 0.95 else rng.choice(HOSPITALS), closed, closed + later, score,
                parts, score >= 4 and rng.random() < 0.02, rng.random() < 0.04,
            ))  # fmt: skip
    return found


def planted(kind: str, **values: object) -> Found:
    """One engineer's ratings changed; the look that is told."""
    seen = quarter(random.Random(7))
    own = [n for n, one in enumerate(seen) if one.engineer == ENGINEERS[0]]
    for n in own[:20]:
        seen[n] = replace(seen[n], **values)
    found = [look for look in told(all_of(seen)) if look.kind == kind]
    assert [look.who for look in found] == [ENGINEERS[0]]
    assert found[0].p <= found[0].q <= 0.05
    assert found[0].hits > found[0].expected and found[0].n >= found[0].hits
    assert {one.engineer for one in found[0].behind} == {ENGINEERS[0]}
    return found[0]


@pytest.mark.pure
def test_many_ratings_within_ten_minutes_of_the_closing_are_told():
    seen = quarter(random.Random(7))
    quick = [
        replace(one, answered_at=one.closed_at + 2 * MINUTE) if one.engineer == ENGINEERS[0] and n % 2 else one
        for n, one in enumerate(seen)
    ]
    found = [look for look in told(all_of(quick)) if look.kind == "quick"]
    assert [look.who for look in found] == [ENGINEERS[0]] and all(one.quick for one in found[0].behind)
    assert found[0].n == 40 and found[0].hits >= 20


@pytest.mark.pure
def test_straight_lining_of_the_parts_is_told():
    assert planted("straight", parts=(5, 5, 5, 5)).hits >= 20


@pytest.mark.pure
def test_five_stars_with_negative_words_are_told():
    assert planted("negative", score=5, praise_negative=True).hits == 20


@pytest.mark.pure
def test_scores_raised_afterwards_are_told():
    assert planted("raised", raised=True).hits >= 20


@pytest.mark.pure
def test_a_burst_on_one_day_is_told():
    day = BEGIN + 30 * DAY
    found = planted("burst", closed_at=day - DAY, answered_at=day)
    assert found.hits >= 20 and found.expected < 12


@pytest.mark.pure
def test_one_account_that_rates_for_many_hospitals_is_told():
    seen = quarter(random.Random(7))
    seen = [replace(one, rater="fake") if n % 40 == 0 else one for n, one in enumerate(seen)]
    found = [look for look in told(all_of(seen)) if look.kind == "rater"]
    assert len(found) == 1 and found[0].who is None
    assert {one.rater for one in found[0].behind} == {"fake"} and found[0].hits >= 8


@pytest.mark.pure
def test_an_engineer_whose_jobs_are_asked_about_less_is_told():
    asked = [Asked("gap", who, "样例", 38, 40, 418, 440) for who in ENGINEERS[1:]]
    asked.append(Asked("gap", ENGINEERS[0], "样例", 15, 40, 430, 440))
    asked.append(Asked("gap_long", None, "depot", 10, 50, 60, 60))
    found = told(all_of(quarter(random.Random(7)), asked))
    assert {(look.kind, look.who) for look in found} == {("gap", ENGINEERS[0]), ("gap_long", None)}
    assert {(look.hits, look.n) for look in found} == {(25, 40), (40, 50)}


@pytest.mark.pure
def test_fewer_than_usual_is_no_sign():
    seen = [replace(one, raised=one.engineer != ENGINEERS[0]) for one in quarter(random.Random(7))]
    assert not [look for look in told(all_of(seen)) if look.kind == "raised" and look.who == ENGINEERS[0]]


@pytest.mark.slow
@pytest.mark.pure
def test_false_discovery_among_quarters_in_which_nothing_was_done():
    """Benjamini-Hochberg across all looks: anything at all is told in at most one quarter of twenty."""
    rng, quarters = random.Random(20261125), 200
    wrong = raw = 0
    for _n in range(quarters):
        found = all_of(quarter(rng, 25))
        wrong += bool(told(found))
        raw += any(look.p <= 0.05 for look in found)
    assert wrong / quarters <= 0.05
    assert raw / quarters > 0.5  # without the correction somebody is accused in most


@pytest.mark.pure
@pytest.mark.parametrize("seen", [[], quarter(random.Random(1), 1), quarter(random.Random(1), 9)])
def test_nothing_is_said_of_few_ratings(seen):
    assert told(all_of(seen)) == []


@pytest.mark.pure
@pytest.mark.parametrize(
    "text, said",
    [("修了三次还是坏的，很失望", True), ("没有修好", True), ("没有不满意的地方", False), ("很好", False), ("", False),
     ("工程师说让我打五星", True), ("Still NOT  fixed", True)],
)  # fmt: skip
def test_words_that_complain(text, said):
    assert complains(text) is said


@pytest.fixture
def filled(scene):
    scene.closed()
    scene.count_of_jobs = 0
    for day in range(12):
        for n in range(1, 7):
            at = MONDAY - (day + 2) * DAY
            rated(scene, [5], engineer=f"样例{n}", engineer_id=ENGINEERS[n], closed_at=at - 3 * HOUR, answered_at=at)
    for n in range(12):
        rated(scene, [5], engineer="甲示例", engineer_id=ENGINEERS[0], closed_at=MONDAY - 9 * DAY,
              answered_at=MONDAY - 9 * DAY + MINUTE, ticket_number=f"TKT-20261123-{n + 10:04}")  # fmt: skip
    return scene


def looked(scene, at=MONDAY):
    with scene.work(at):
        looks.run()


def test_what_is_told_goes_into_the_queue_once(filled):
    looked(filled)
    run = filled.read(lambda: db.session.scalars(sa.select(LookRun)).one())
    assert (run.ratings, run.looks > 10) == (84, True)
    quick = filled.read(lambda: db.session.scalars(sa.select(Look).where(Look.kind == "quick")).one())
    assert (quick.hits, quick.n, quick.staff_id, quick.provinces) == (12, 12, ENGINEERS[0], ["31"])
    behind = sa.select(RatedJob.status, RatedJob.alarm).where(RatedJob.engineer_id == ENGINEERS[0])
    assert set(filled.read(lambda: [tuple(row) for row in db.session.execute(behind)])) == {("flagged", "signal")}
    before = filled.count(RatingFlag)
    looked(filled, MONDAY + DAY)
    assert filled.count(RatingFlag) == before and filled.count(LookRun) == 2


def test_an_auditor_sees_hints_with_n_and_p_and_the_ratings_behind_them(filled):
    looked(filled)
    text = filled.client().get("/satisfaction/signals").get_data(as_text=True)
    assert "关闭后十分钟内评价的特别多" in text and "甲示例" in text and "TKT-20261123-0010" in text
    assert "Benjamini-Hochberg" in text and "84 条评价" in text


def test_before_the_first_run_the_page_says_so(scene):
    assert "还没有看过" in scene.client().get("/satisfaction/signals").get_data(as_text=True)


def test_another_region_and_oneself_see_no_hint(filled):
    looked(filled)
    with filled.work():
        elsewhere = staff(Role.SATISFACTION_AUDITOR, provinces=frozenset({"44"}))
        assert hints.looks(elsewhere)[1] == []
        me = replace(staff(Role.SATISFACTION_AUDITOR), id=ENGINEERS[0])
        assert ENGINEERS[0] not in {look.staff_id for look in hints.looks(me)[1]}
        assert hints.looks(staff(Role.SATISFACTION_AUDITOR))[1]


def test_void_ratings_are_no_evidence(filled):
    with filled.work():
        void = sa.update(RatedJob).where(RatedJob.engineer_id == ENGINEERS[0]).values(outcome="void")
        db.session.execute(void)
    looked(filled)
    assert filled.count(LookRun) == 1 and filled.count(Look) == 0


def test_runs_are_forgotten_after_their_time(filled):
    looked(filled)
    looked(filled, MONDAY + 401 * DAY)
    assert filled.count(LookRun) == 1 and filled.count(Look) == 0


def test_a_high_score_with_words_of_complaint_waits_for_an_audit(scene):
    """Flagged, but no decision on a complaint is asked for: nothing low, nothing of harm."""
    number = scene.closed()
    scene.rate(number, 5, comment="等了很久，还是坏的")
    assert scene.flags(number) == {("signal", "praise_negative")}
    job = scene.job(number)
    assert (job.status, job.alarm) == ("flagged", "signal")
    assert scene.post(number, "audit", **OK).status_code == 303
    assert scene.job(number).status == "audited"
