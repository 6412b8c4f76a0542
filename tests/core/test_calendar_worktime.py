"""Working time as pure functions: the published vectors, the make-up weekend, and what must hold for all inputs."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import chinese_calendar
import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.calendar import CalendarMissing, WorkCalendar
from app.core.clock import SHANGHAI
from app.core.numbers import OfficeHours

pytestmark = pytest.mark.pure

HOURS = OfficeHours(540, 720, 810, 1080)
FIRST, LAST = date(2024, 1, 1), date(2026, 12, 31)
DAYS = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
CHINA = WorkCalendar(FIRST, LAST, tuple(d for d in DAYS if chinese_calendar.is_workday(d)), HOURS)


def at(text: str) -> datetime:
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI)


VECTORS = [
    ("02-13 16:30", 4, "02-14 11:30"),
    ("02-14 10:00", 8, "02-24 10:30"),
    ("01-03 20:00", 2, "01-04 11:00"),
    ("09-30 17:00", 8, "10-08 17:30"),
    ("10-09 17:30", 4, "10-10 14:00"),
    ("05-08 17:00", 4, "05-09 12:00"),
    ("03-02 11:30", 1, "03-02 14:00"),
    ("03-06 17:59", 0.5, "03-09 09:29"),
    ("04-03 15:00", 24, "04-09 16:30"),
]


@pytest.mark.parametrize("start, hours, end", VECTORS)
def test_published_vectors(start: str, hours: float, end: str) -> None:
    assert CHINA.add_working_hours(at(start), hours) == at(end)


def test_friday_evening_plus_eight_hours_across_a_makeup_weekend() -> None:
    """Friday 8 May 17:00: one hour that day, seven on Saturday, which the notice made a workday."""
    assert CHINA.add_working_hours(at("05-08 17:00"), 8) == at("05-09 17:30")
    plain_week = WorkCalendar(FIRST, LAST, tuple(d for d in DAYS if d.weekday() < 5), HOURS)
    assert plain_week.add_working_hours(at("05-08 17:00"), 8) == at("05-11 17:30")


def test_an_end_of_day_is_not_the_next_morning() -> None:
    assert CHINA.add_working_hours(at("03-02 17:00"), 1) == at("03-02 18:00")


instants = st.datetimes(datetime(2024, 1, 1), datetime(2026, 10, 1)).map(lambda d: d.replace(tzinfo=SHANGHAI))  # noqa: DTZ001
spans = st.timedeltas(timedelta(microseconds=1), timedelta(hours=200))


@given(instants, spans)
def test_adding_then_measuring_gives_the_span_back(start: datetime, span: timedelta) -> None:
    assert CHINA.working_time_between(start, CHINA.add_working_time(start, span)) == span


@given(instants, spans, spans)
def test_more_time_ends_later_and_steps_add_up(start: datetime, one: timedelta, two: timedelta) -> None:
    middle = CHINA.add_working_time(start, one)
    end = CHINA.add_working_time(start, one + two)
    assert middle < end
    assert CHINA.add_working_time(middle, two) == end


@given(instants, instants, spans)
def test_a_later_start_never_ends_earlier(one: datetime, two: datetime, span: timedelta) -> None:
    early, late = sorted((one, two))
    assert CHINA.add_working_time(early, span) <= CHINA.add_working_time(late, span)


@given(instants, instants)
def test_between_agrees_with_a_minute_by_minute_count(one: datetime, two: datetime) -> None:
    start, end = sorted(m.replace(second=0, microsecond=0) for m in (one, min(two, one + timedelta(days=4))))
    end = min(end, start + timedelta(days=4))
    counted = 0
    here = start
    while here < end:
        minute = here.hour * 60 + here.minute
        counted += CHINA.is_working(here.date()) and (540 <= minute < 720 or 810 <= minute < 1080)
        here += timedelta(minutes=1)
    assert CHINA.working_seconds_between(start, end) == counted * 60
    assert CHINA.working_seconds_between(end, start) == -counted * 60


@given(st.dates(FIRST, date(2026, 6, 30)), st.integers(1, 100))
def test_working_days_there_and_back(day: date, n: int) -> None:
    later = CHINA.add_working_days(day, n)
    assert CHINA.is_working(later)
    assert sum(CHINA.is_working(d) for d in DAYS if day < d <= later) == n
    if CHINA.is_working(day):
        assert CHINA.add_working_days(later, -n) == day


def test_beyond_the_loaded_range_is_refused() -> None:
    with pytest.raises(CalendarMissing) as caught:
        CHINA.add_working_hours(at("12-31 16:00"), 8)
    assert (caught.value.status, caught.value.code) == (503, "calendar_missing")
    for refused in (
        lambda: CHINA.is_working(date(2027, 1, 4)),
        lambda: CHINA.add_working_days(date(2026, 12, 30), 5),
        lambda: CHINA.working_seconds_between(at("12-31 10:00"), at("12-31 10:00") + timedelta(days=1)),
        lambda: CHINA.is_working(date(2023, 12, 31)),
    ):
        with pytest.raises(CalendarMissing):
            refused()
    assert CHINA.add_working_hours(at("12-31 16:00"), 2) == at("12-31 18:00")  # the last loaded moment still counts


def test_days_left_counts_after_today_and_never_raises() -> None:
    assert CHINA.days_left(date(2026, 12, 30)) == 1
    assert CHINA.days_left(date(2027, 5, 1)) == 0


def test_naive_instants_are_refused() -> None:
    with pytest.raises(ValueError, match="timezone-aware"):
        CHINA.add_working_hours(datetime(2026, 3, 2, 9), 1)  # noqa: DTZ001


def test_two_packages_agree_on_every_loaded_day() -> None:
    """Measured: no differences from 2024 to 2026. The next year is not asked: one of them would guess."""
    other = holidays.country_holidays("CN", years=range(2024, 2027))
    assert [d for d in DAYS if other.is_working_day(d) != CHINA.is_working(d)] == []
