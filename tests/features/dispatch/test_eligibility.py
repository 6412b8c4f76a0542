"""The rule engine as pure functions: every rule, every part, and what holds for all inputs."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.dealers.lines import ProductLine, line_of
from app.dispatch.eligibility import FIRST_WEIGHTS, Plan, Rule, Span, judge, rank
from app.dispatch.eligibility.facts import Candidate, Certificate, Contract, Job
from app.dispatch.models import AssigneeKind, Half

pytestmark = pytest.mark.pure
NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)  # Tuesday 10:00 in China
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def plan(day: date = date(2026, 12, 5), *, hours: tuple[int, int] = (9, 12), working: bool = True) -> Plan:
    since = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hours[0] - 8)
    return Plan(Span(since, since + HOUR * (hours[1] - hours[0])), frozenset({Half.MORNING}), working)


THURSDAY = plan(date(2026, 12, 3))
JOB = Job(
    uuid.uuid4(), "TKT-20261201-0001", 4, 1, "to_dispatch", "31", uuid.uuid4(), "示范医院", 31.2, 121.4, "GIF-H290",
    ProductLine.GASTRO, "leak", "on_site", "p3", NOW + 3 * DAY,
)  # fmt: skip
ALWAYS = Certificate("scope", "C-1", date(2026, 1, 1), date(2027, 1, 1))
FIT = Candidate(
    uuid.uuid4(), AssigneeKind.ENGINEER, "工程甲", True, frozenset({"31"}), frozenset({"gastro"}), 1, 31.3, 121.5,
    (ALWAYS,),
)  # fmt: skip
IN_FORCE = Contract("HT-1", Span(NOW - 30 * DAY, NOW + 30 * DAY), True, True, True)
DEALER = replace(
    FIT, id=uuid.uuid4(), kind=AssigneeKind.DEALER, name="示范经销商", certificates=(), contracts=(IN_FORCE,)
)


def failed(candidate: Candidate, job: Job = JOB, when: Plan = THURSDAY, **kw: object) -> set[Rule]:
    return {one.rule for one in judge(job, candidate, when, NOW, **kw).failed}


def test_who_meets_every_rule_is_admitted():
    assert failed(FIT) == failed(DEALER) == set()


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"active": False}, Rule.ACTIVE),
        ({"provinces": frozenset({"11"})}, Rule.TERRITORY),
        ({"lines": frozenset({"urology"})}, Rule.LINE),
        ({"certificates": ()}, Rule.SKILL),
        ({"has_shifts": True, "shifts": frozenset({Half.AFTERNOON})}, Rule.SHIFT),
        ({"absences": (Span(THURSDAY.span.since + HOUR, THURSDAY.span.since + DAY),)}, Rule.ABSENCE),
        ({"busy": (THURSDAY.span,)}, Rule.CAPACITY),
        ({"declined": "too_far"}, Rule.DECLINED),
    ],
)
def test_each_rule_excludes_alone_and_says_how_to_mend_it(change, rule):
    standing = judge(JOB, replace(FIT, **change), THURSDAY, NOW)
    assert [one.rule for one in standing.failed] == [rule]
    assert standing.failed[0].fix.endpoint and standing.failed[0].fix.values


def test_dispatching_to_a_dealer_whose_data_security_contract_ends_one_day_before_the_planned_visit_is_refused_with_the_date_shown():  # fmt: skip
    """Feature 2 of the reference. The last day is 2026-12-04, the visit on the 5th."""
    ending = replace(IN_FORCE, span=Span(NOW - DAY, datetime(2026, 12, 4, 16, tzinfo=UTC)))
    standing = judge(JOB, replace(DEALER, contracts=(ending,)), plan(date(2026, 12, 5)), NOW)
    (only,) = standing.failed
    assert only.rule is Rule.CONTRACT
    assert "2026-12-04" in str(only.text) and "2026-12-05" in str(only.text)
    assert only.fix.endpoint == "dealers.new_contract" and only.fix.values["until"] == "2026-12-05"
    assert failed(replace(DEALER, contracts=(ending,)), when=plan(date(2026, 12, 4))) == set()


def test_legal_gate_with_time_travel_contract_and_certificate_are_judged_now_and_at_the_planned_visit():
    """Section 4 item 2 of the reference."""
    later = replace(IN_FORCE, span=Span(NOW + DAY, NOW + 90 * DAY))  # not yet
    assert failed(replace(DEALER, contracts=(later,))) == {Rule.CONTRACT}
    lapsed = replace(IN_FORCE, span=Span(NOW - 90 * DAY, NOW))  # ended this very instant
    assert failed(replace(DEALER, contracts=(lapsed,))) == {Rule.CONTRACT}
    until_now = replace(IN_FORCE, span=Span(NOW - DAY, THURSDAY.span.until))
    assert failed(replace(DEALER, contracts=(until_now,))) == set()
    tomorrow = Certificate("scope", "C-2", date(2026, 12, 2), date(2027, 1, 1))
    assert failed(replace(FIT, certificates=(tomorrow,))) == {Rule.SKILL}
    renewed = (Certificate("scope", "C-1", date(2026, 1, 1), date(2026, 12, 1)), tomorrow)
    assert failed(replace(FIT, certificates=renewed)) == set()  # one holds today, the other at the visit
    assert failed(replace(DEALER, contracts=(replace(IN_FORCE, confirmed=False),))) == {Rule.CONTRACT}


def test_a_certificate_that_expires_at_midnight_of_the_visit_serves_the_day_and_not_the_next():
    until = replace(ALWAYS, until=date(2026, 12, 3))
    assert failed(replace(FIT, certificates=(until,))) == set()
    assert failed(replace(FIT, certificates=(until,)), when=plan(date(2026, 12, 4))) == {Rule.SKILL}
    over = plan(date(2026, 12, 3), hours=(22, 25))  # begins on the last day, ends after midnight
    assert Rule.SKILL in failed(replace(FIT, certificates=(until,)), when=over)


def test_counterfactual_why_not_for_each_excluded_the_smallest_change_that_would_admit_him():
    """Section 4 item 6 of the reference: what is named admits him when it is done."""
    away = replace(FIT, provinces=frozenset({"11"}), absences=(Span(THURSDAY.span.since, THURSDAY.span.until),))
    next_days = (plan(date(2026, 12, 4)),)
    standing = judge(JOB, away, THURSDAY, NOW, later=next_days)
    by_rule = {one.rule: one.fix for one in standing.failed}
    assert by_rule[Rule.TERRITORY].values["add_province"] == "31"
    assert by_rule[Rule.ABSENCE].values["day"] == "2026-12-04"
    mended = replace(away, provinces=away.provinces | {by_rule[Rule.TERRITORY].values["add_province"]})
    assert failed(mended, when=next_days[0]) == set()


def test_each_candidate_shows_score_parts_that_add_up_to_the_total_each_rejected_one_shows_all_failed_hard_rules():
    """Feature 6 of the reference."""
    wrong = replace(FIT, id=uuid.uuid4(), provinces=frozenset(), lines=frozenset(), certificates=(), declined="too_far")
    found = rank(JOB, [FIT, DEALER, wrong], THURSDAY, NOW)
    assert [s.rank for s in found.admitted] == [1, 2]
    for standing in found.admitted:
        assert sum(part.points for part in standing.parts) == standing.total
        assert {part.key for part in standing.parts} == set(FIRST_WEIGHTS)
    (out,) = found.excluded
    assert {one.rule for one in out.failed} == {Rule.TERRITORY, Rule.LINE, Rule.SKILL, Rule.DECLINED}


def test_nobody_eligible_says_so():
    found = rank(JOB, [replace(FIT, active=False)], THURSDAY, NOW)
    assert found.nobody and found.best is None and len(found.excluded) == 1
    assert rank(JOB, [], THURSDAY, NOW).nobody


def test_missing_coordinates_are_stated_and_earn_nothing():
    for lost in (judge(replace(JOB, lat=None), FIT, THURSDAY, NOW), judge(JOB, replace(FIT, lon=None), THURSDAY, NOW)):
        part = next(part for part in lost.parts if part.key == "travel")
        assert not part.known and part.points == 0 and lost.admitted


def test_two_fixed_hours_clash_and_half_days_share_up_to_the_capacity():
    two = replace(FIT, capacity=2, busy=(Span(THURSDAY.span.since, THURSDAY.span.since + HOUR),))
    fixed = replace(THURSDAY, span=Span(THURSDAY.span.since, THURSDAY.span.since + 2 * HOUR))
    assert failed(two) == set()  # the whole morning is planned
    assert failed(two, when=fixed) == {Rule.CONFLICT}
    assert failed(replace(two, busy=two.busy * 2)) == {Rule.CAPACITY}


def test_a_dealer_fetches_only_where_the_contract_allows_it_and_fetching_needs_no_certificate():
    fetch = replace(JOB, mode="collect")
    only_check = replace(DEALER, contracts=(replace(IN_FORCE, may_collect=False),))
    assert failed(only_check, fetch) == {Rule.MODE}
    assert failed(only_check) == set()
    assert failed(replace(FIT, certificates=()), fetch) == set()


def test_a_model_without_a_line_is_not_guessed():
    assert line_of("GIF-H290") is ProductLine.GASTRO and line_of("cv-290") is ProductLine.SYSTEMS
    assert line_of("X-1") is None and line_of(None) is None and line_of("内镜") is None
    assert failed(replace(FIT, lines=frozenset()), replace(JOB, line=None)) == set()


def test_weekends_and_make_up_days():
    saturday = plan(date(2026, 12, 5), working=False)
    assert failed(FIT, when=saturday) == {Rule.SHIFT}
    on_call = replace(FIT, has_shifts=True, shifts=frozenset({Half.MORNING}))
    assert failed(on_call, when=saturday) == set()
    assert failed(replace(on_call, shifts=frozenset()), when=plan(date(2026, 12, 5), working=True)) == set()


instants = st.integers(-400, 400).map(lambda hours: NOW + hours * HOUR)
spans = st.tuples(instants, st.integers(1, 100)).map(lambda pair: Span(pair[0], pair[0] + pair[1] * HOUR))
days = st.integers(-60, 60).map(lambda n: date(2026, 12, 1) + n * DAY)
certificates = st.tuples(days, st.integers(0, 60)).map(
    lambda pair: Certificate("scope", "C", pair[0], pair[0] + pair[1] * DAY)
)
contracts = st.tuples(spans, st.booleans(), st.booleans()).map(lambda c: Contract("HT", c[0], c[1], True, c[2]))
people = st.builds(
    Candidate,
    id=st.uuids(), kind=st.sampled_from(AssigneeKind), name=st.text(min_size=1, max_size=3), active=st.booleans(),
    provinces=st.sampled_from([frozenset(), frozenset({"31"})]), lines=st.sampled_from([frozenset(), frozenset({"gastro"})]),
    capacity=st.integers(0, 3), lat=st.none() | st.floats(-90, 90), lon=st.none() | st.floats(-180, 180),
    certificates=st.lists(certificates, max_size=3).map(tuple), has_shifts=st.booleans(),
    shifts=st.frozensets(st.sampled_from(Half)), absences=st.lists(spans, max_size=3).map(tuple),
    contracts=st.lists(contracts, max_size=3).map(tuple), busy=st.lists(spans, max_size=4).map(tuple),
    visits_done=st.integers(0, 500), visits_fixed=st.integers(0, 500), visits_here=st.integers(0, 5),
    declined=st.sampled_from(["", "too_far"]),
)  # fmt: skip
weights = st.fixed_dictionaries({key: st.integers(0, 60) for key in FIRST_WEIGHTS})


@settings(max_examples=300, deadline=None)
@given(everybody=st.lists(people, max_size=6), when=spans, chosen=weights, lost=st.booleans())
def test_whatever_the_input_parts_add_up_nobody_is_lost_and_order_does_not_matter(everybody, when, chosen, lost):
    job, where = replace(JOB, lat=None) if lost else JOB, Plan(when, frozenset({Half.MORNING}), True)
    found = rank(job, everybody, where, NOW, weights=chosen)
    assert len(found.admitted) + len(found.excluded) == len(everybody)
    for standing in (*found.admitted, *found.excluded):
        assert all(0 <= part.points <= part.most for part in standing.parts)
        assert standing.total == sum(part.points for part in standing.parts) <= 10 * sum(chosen.values())
    totals = [standing.total for standing in found.admitted]
    assert totals == sorted(totals, reverse=True)
    again = rank(job, everybody[::-1], where, NOW, weights=chosen)
    assert {s.candidate.id for s in again.admitted} == {s.candidate.id for s in found.admitted}


@settings(max_examples=300, deadline=None)
@given(person=people, when=spans)
def test_no_dealer_is_admitted_without_a_contract_in_force_now_and_through_the_whole_visit(person, when):
    standing = judge(JOB, person, Plan(when, frozenset({Half.MORNING}), True), NOW)
    if standing.admitted and person.kind is AssigneeKind.DEALER:
        assert any(one.holds(NOW) for one in person.contracts)
        inside = (
            one.confirmed and one.span.since <= when.since and when.until <= one.span.until for one in person.contracts
        )
        assert any(inside)
    if standing.admitted and person.kind is AssigneeKind.ENGINEER:
        today = date(2026, 12, 1)
        assert any(one.since <= today <= one.until for one in person.certificates)
