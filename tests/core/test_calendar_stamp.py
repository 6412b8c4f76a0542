"""Deadlines of a page in working time: the calendar's stamp is a column, and what is left comes without a statement."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core import calendar, clock, numbers
from app.core.db import db
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from tests.core.floor_app import floor_app

TUESDAY = datetime(2026, 11, 24, 2, tzinfo=UTC)  # 10:00 in China


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Portal]:
    with floor_app(tmp_path) as app, app.app_context(), clock.frozen(TUESDAY):
        with unit_of_work():
            calendar.seed()
        yield app


def stamp() -> str | None:
    return db.session.scalar(sa.select(calendar.stamp()))


def test_the_stamp_changes_with_days_and_with_office_hours(app: Portal) -> None:
    with unit_of_work():
        before = stamp()
        calendar.import_csv("day,is_working,name\n2026-11-25,0,test", "test")
        imported = stamp()
        numbers.change("office_closes", "17:00", None)
        assert len({before, imported, stamp()}) == 3


def test_a_stamp_is_read_once_and_follows_the_tables(app: Portal) -> None:
    with unit_of_work(write=False):
        first = calendar.stamped(stamp())
        assert calendar.stamped(stamp()) is first
        assert first.is_working(date(2026, 11, 25))
    with unit_of_work():
        calendar.import_csv("day,is_working,name\n2026-11-25,0,test", "test")
    with unit_of_work(write=False):
        assert not calendar.stamped(stamp()).is_working(date(2026, 11, 25))


def test_what_is_left(app: Portal) -> None:
    with unit_of_work(write=False):
        now = calendar.stamped(stamp())
        due = calendar.add_working_hours(TUESDAY, 8)
        evening = TUESDAY.replace(hour=12)
        assert calendar.left(now, TUESDAY, due, TUESDAY) == (8 * 3600, 1.0)
        assert calendar.left(now, TUESDAY, due, evening) == (1.5 * 3600, 1.5 / 8)  # the night counts nothing
        late = calendar.left(now, TUESDAY, datetime(2026, 11, 24, 10, tzinfo=UTC), evening)
        assert (late.seconds, late.share) == (-1, 0.0)  # over since 18:00, and no office hour since
        assert calendar.left(now, TUESDAY, datetime(2031, 1, 1, tzinfo=UTC), TUESDAY) is None
    assert calendar.left(None, TUESDAY, due, TUESDAY) is None


def test_nothing_loaded_has_no_calendar(tmp_path: Path) -> None:
    with floor_app(tmp_path) as app, app.app_context(), unit_of_work(write=False):
        assert calendar.stamped(stamp()) is None
