"""Clocks against a minute-by-minute oracle, the published vectors, and what a receipt must add up to."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import chinese_calendar
import pytest

from app.core.calendar.worktime import AroundTheClock, CalendarMissing, WorkCalendar
from app.core.clock import SHANGHAI
from app.core.numbers import OfficeHours
from app.tickets.sla.log import Act, Happening, LogRefused, replay
from app.tickets.sla.metrics import PAUSE_REASONS, Metric
from app.tickets.sla.reckoning import Pause, Run, due, gaps, receipt, reckon, used

pytestmark = pytest.mark.pure

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
DAYS = [FIRST + timedelta(days=n) for n in range(365)]
HOURS = OfficeHours(540, 720, 810, 1080)
CHINA = WorkCalendar(FIRST, LAST, tuple(d for d in DAYS if chinese_calendar.is_workday(d)), HOURS)
YEAR = datetime(2026, 1, 1, tzinfo=SHANGHAI)
MINUTE = timedelta(minutes=1)
R = Metric.RESOLUTION


def at(text: str) -> datetime:
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI)


def hours(n: float) -> timedelta:
    return timedelta(hours=n)


WORKDAY = bytes(540 <= minute < 720 or 810 <= minute < 1080 for minute in range(1440))
WORKED = bytearray(b"".join(WORKDAY if chinese_calendar.is_workday(day) else bytes(1440) for day in DAYS))


HORIZON = 60 * 1440  # longer than any budget and its pauses below


def oracle(start: int, budget: int, off: list[tuple[int, int]]) -> int | None:
    """The minute at whose end ``budget`` working minutes outside of ``off`` have passed since ``start``."""
    counted = WORKED[start : start + HORIZON]
    for since, until in off:
        since, until = (min(max(0, n - start), len(counted)) for n in (since, until))
        counted[since:until] = bytes(until - since)
    place = -1
    for _minute in range(budget):
        place = counted.find(1, place + 1)
        if place < 0:
            return None
    return start + place + 1


def test_sla_clocks_on_a_china_calendar_ten_thousand_random_cases_equal_a_minute_by_minute_oracle() -> None:
    """Feature 4 of dispatch.md 3; pauses overlap, begin before the clock, lie at night, outlast the deadline."""
    dice = random.Random(20261124)
    checked = 0
    for _case in range(10_000):
        start, budget = dice.randrange(290 * 1440), dice.choice((1, 30, 60, 240, 480, 1440, 2880))
        off = []
        for _pause in range(dice.randrange(5)):
            since = start + dice.randrange(-600, 12_000)
            off.append((max(0, since), max(0, since + dice.randrange(1, 6_000))))
        run = Run(R, budget * MINUTE, (YEAR + start * MINUTE,))
        pauses = [Pause(YEAR + a * MINUTE, YEAR + b * MINUTE, frozenset({R}), "customer_info") for a, b in off]
        expected = oracle(start, budget, off)
        if expected is None:
            with pytest.raises(CalendarMissing):
                due(run, pauses, CHINA)
            continue
        assert due(run, pauses, CHINA) == YEAR + expected * MINUTE, (start, budget, off)
        checked += 1
    assert checked > 9_900


def test_total_paused_time_is_the_union_of_intervals_in_working_seconds_overlapping_pauses_are_not_double_counted() -> (
    None
):
    """Feature 12 of dispatch.md 3."""
    run = Run(R, hours(8), (at("03-02 09:00"),))
    one = Pause(at("03-02 10:00"), at("03-02 15:00"), frozenset({R}), "customer_info")
    two = Pause(at("03-02 14:00"), at("03-02 16:00"), frozenset({R}), "site_closed")
    other = Pause(at("03-02 09:00"), at("03-02 18:00"), frozenset({Metric.ARRIVAL}), "customer_window")
    assert gaps(run, [two, other, one]) == [(at("03-02 10:00"), at("03-02 16:00"))]
    assert due(run, [two, other, one], CHINA) == at("03-03 15:30")  # 4.5 working hours were lost
    assert used(run, [one, two], CHINA, at("03-02 18:00")) == hours(3)


def test_a_pause_nobody_ended_ends_at_its_planned_end() -> None:
    run = Run(R, hours(4), (at("03-02 09:00"),))
    pause = Pause(at("03-02 10:00"), at("03-03 10:00"), frozenset({R}), "customer_info")
    assert reckon(run, [pause], CHINA, at("03-02 17:00")).standing
    later = reckon(run, [pause], CHINA, at("03-03 11:00"))
    assert (later.standing, later.used, later.due_at) == (False, hours(2), at("03-03 14:30"))


def test_a_reopened_clock_resumes_and_does_not_restart() -> None:
    stopped = Run(R, hours(8), (at("03-02 09:00"), at("03-02 12:00")))
    assert reckon(stopped, [], CHINA, at("03-09 12:00")).used == hours(3)
    again = replace(stopped, marks=(*stopped.marks, at("03-05 09:00")))
    assert due(again, [], CHINA) == at("03-05 15:30")
    assert [p.why for p in receipt(again, [], CHINA, at("03-05 10:00"))] == [(), ("stopped",), ()]


def test_a_stopped_clock_is_late_by_what_it_had_used() -> None:
    late = Run(R, hours(2), (at("03-02 09:00"), at("03-02 14:00")))
    assert reckon(late, [], CHINA, at("03-02 14:00")).late
    in_time = Run(R, hours(4), (at("03-02 09:00"), at("03-02 14:00")))
    assert not reckon(in_time, [], CHINA, at("06-30 14:00")).late


def test_every_hour_counts_around_the_clock() -> None:
    run = Run(Metric.ARRIVAL, hours(24), (at("02-14 17:00"),))  # the evening before the Spring Festival
    assert due(run, [], AroundTheClock()) == at("02-15 17:00")
    assert due(run, [], CHINA) == at("02-27 09:30")


def test_a_missing_year_is_refused_never_guessed() -> None:
    with pytest.raises(CalendarMissing):
        due(Run(R, hours(8), (at("12-31 15:00"),)), [], CHINA)


def test_shares_of_the_budget_come_in_order() -> None:
    run = Run(R, hours(8), (at("03-02 09:00"),))
    pause = Pause(at("03-02 14:00"), at("03-02 15:00"), frozenset({R}))
    shares = [due(run, [pause], CHINA, share=s) for s in (0.5, 0.75, 0.9, 1.0, 1.5)]
    assert shares[0] == at("03-02 15:30") and shares == sorted(shares) and len(set(shares)) == 5


def test_a_receipt_leaves_nothing_out_and_adds_up() -> None:
    dice = random.Random(7)
    for _case in range(300):
        start = YEAR + dice.randrange(200 * 1440) * MINUTE
        marks = [start]
        for _mark in range(dice.randrange(4)):
            marks.append(marks[-1] + dice.randrange(1, 5_000) * MINUTE)
        run = Run(R, hours(8), tuple(marks))
        reasons = dice.choices(list(PAUSE_REASONS), k=dice.randrange(4))
        begins = [start + dice.randrange(-500, 9_000) * MINUTE for _ in reasons]
        pauses = [
            Pause(b, b + dice.randrange(1, 4_000) * MINUTE, frozenset({R}), key)
            for b, key in zip(begins, reasons, strict=True)
        ]
        now = marks[-1] + dice.randrange(1, 9_000) * MINUTE
        pieces = receipt(run, pauses, CHINA, now)
        assert pieces[0].since == start and pieces[-1].until == (run.stopped_at or now)
        assert all(a.until == b.since and a.why != b.why for a, b in itertools.pairwise(pieces))
        assert sum((p.work for p in pieces if p.counted), timedelta()) == used(run, pauses, CHINA, now)


def test_working_spans_add_up_to_working_time() -> None:
    since, until = at("02-12 10:20"), at("02-25 15:00")
    spans = list(CHINA.working_spans(since, until))
    assert sum((b - a for a, b in spans), timedelta()) == CHINA.working_time_between(since, until)
    assert spans[0] == (since.astimezone(UTC), at("02-12 12:00").astimezone(UTC))
    assert list(CHINA.working_spans(at("02-16 10:00"), at("02-20 10:00"))) == []


LOG = [
    Happening(Act.START, at("03-02 09:00"), R),
    Happening(Act.PAUSE, at("03-02 10:00"), pause="p1", reason="customer_info", stops=frozenset({R}), planned_end=at("03-10 10:00")),
    Happening(Act.RESUME, at("03-02 11:00"), pause="p1"),
    Happening(Act.STOP, at("03-02 12:00"), R),
]  # fmt: skip


def test_replay_gives_runs_and_pauses() -> None:
    done = replay(LOG, {R: hours(8)})
    assert done.runs[R].marks == (at("03-02 09:00"), at("03-02 12:00"))
    assert used(done.runs[R], done.pauses, CHINA, at("03-20 09:00")) == hours(2)
    assert replay(LOG, {}).runs == {}


@pytest.mark.parametrize(
    "line",
    [
        Happening(Act.START, at("03-02 08:00"), R),  # backwards
        Happening(Act.STOP, at("03-02 13:00"), R),  # stopped already
        Happening(Act.START, at("03-02 13:00")),  # which clock?
        Happening(Act.RESUME, at("03-02 13:00"), pause="p1"),  # ended already
        Happening(Act.PAUSE, at("03-02 13:00"), pause="p1", planned_end=at("03-03 10:00")),  # twice
        Happening(Act.PAUSE, at("03-02 13:00"), pause="p2"),  # without an end
        Happening(Act.PAUSE, at("03-02 13:00"), pause="p2", planned_end=at("03-02 12:00")),
    ],
)
def test_a_log_that_contradicts_itself_is_refused(line: Happening) -> None:
    with pytest.raises(LogRefused):
        replay([*LOG, line], {R: hours(8)})
