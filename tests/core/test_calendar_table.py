"""The calendar's table: seed, import, export, cache."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core import calendar, clock
from app.core.db import db
from app.core.errors import Invalid, NotFound
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from tests.core.floor_app import floor_app


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Portal]:
    with floor_app(tmp_path) as app, app.app_context(), clock.frozen(datetime(2026, 11, 24, 2, tzinfo=UTC)):
        yield app


@pytest.fixture
def seeded(app: Portal) -> Portal:
    with unit_of_work():
        calendar.seed()
    return app


def test_seed_loads_whole_years_once(app: Portal) -> None:
    with unit_of_work():
        assert calendar.seed() == 366 + 365 + 365
    with unit_of_work():
        assert calendar.seed() == 0
        assert (calendar.current().first, calendar.current().last) == (date(2024, 1, 1), date(2026, 12, 31))
        assert calendar.days_left() == 27 < calendar.DAYS_WARNING
        assert calendar.is_working(date(2026, 5, 9))


def test_nothing_loaded_is_refused_not_guessed(app: Portal) -> None:
    with unit_of_work(write=False):
        assert calendar.days_left() == 0
        with pytest.raises(calendar.CalendarMissing):
            calendar.add_working_hours(clock.now(), 1)


def test_seed_leaves_an_imported_year_alone(app: Portal) -> None:
    with unit_of_work():
        text = calendar.export_csv(2026).replace("2026-11-24,1,", "2026-11-24,0,停电")
        calendar.import_csv(text, "test")
        assert calendar.seed() == 366 + 365
        assert not calendar.is_working(date(2026, 11, 24))


def test_next_year_is_imported_from_its_template(seeded: Portal) -> None:
    with unit_of_work():
        template = calendar.export_csv(2027)
        done = calendar.import_csv(template.replace("2027-01-01,1,", "2027-01-01,0,元旦"), "notice.csv")
        assert (done.first, done.last, done.changed) == (date(2027, 1, 1), date(2027, 12, 31), 365)
        assert calendar.add_working_days(date(2026, 12, 31), 1) == date(2027, 1, 4)


def test_export_then_import_changes_nothing(seeded: Portal) -> None:
    with unit_of_work():
        assert calendar.import_csv(calendar.export_csv(2025), "again").changed == 0


def test_a_correction_reaches_the_cache(seeded: Portal) -> None:
    with unit_of_work():
        assert calendar.is_working(date(2026, 11, 25))
    with unit_of_work():
        assert calendar.import_csv("day,is_working,name\r\n2026-11-25,否,盘点\r\n", "fix").changed == 1
        assert not calendar.is_working(date(2026, 11, 25))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "第 1 行"),
        ("date,work\n2027-01-01,1\n", "第 1 行"),
        ("day,is_working,name\n2027-13-01,1,\n", "第 2 行"),
        ("day,is_working,name\n2027-01-01,1,\n2027-01-02,maybe,\n", "第 3 行"),
        ("day,is_working,name\n2027-01-01,1,\n2027-01-01,0,\n", "第 3 行"),
        ("day,is_working,name\n2027-01-01\n", "第 2 行"),
        ("day,is_working,name\n2027-01-01,1,a\x00b\n", "第 2 行"),
        ("day,is_working,name\n2027-01-02,1,\n", "缺少 2027-01-01"),
        ("day,is_working,name\n", "没有任何日期"),
        ('day,is_working,name\n"2027-01-01,1,\n', "第"),
    ],
)
def test_bad_files_say_where_and_load_nothing(seeded: Portal, text: str, line: str) -> None:
    with unit_of_work(), pytest.raises(Invalid) as caught:
        calendar.import_csv(text, "bad")
    with seeded.test_request_context():
        assert line in str(caught.value.fields["file"][0])
    assert db.session.scalar(sa.select(sa.func.count()).select_from(calendar.WorkingDay)) == 1096


def test_the_commands(seeded: Portal, tmp_path: Path) -> None:
    run = seeded.test_cli_runner().invoke
    db.session.remove()
    file = tmp_path / "2027.csv"
    exported = run(args=["calendar", "export", "2027"])
    assert exported.exit_code == 0, exported.output
    file.write_text(exported.output, encoding="utf-8")
    done = run(args=["calendar", "import", str(file)])
    assert done.exit_code == 0
    assert "2027-01-01 - 2027-12-31: 365 days changed" in done.output
    file.write_text("day,is_working,name\nx,1,\n", encoding="utf-8")
    refused = run(args=["calendar", "import", str(file)])
    assert refused.exit_code == 1
    assert "2" in refused.output
    file.write_bytes(b"\xff\xfe\x00")
    assert run(args=["calendar", "import", str(file)]).exit_code == 1
    assert run(args=["calendar", "seed"]).output == "0 days added\n"


def test_a_frozen_calendar_stays_what_it_was(seeded: Portal) -> None:
    with unit_of_work():
        before, first = calendar.current(), calendar.freeze()
        assert calendar.freeze() == first  # the same content is stored once
        calendar.import_csv("day,is_working,name\n2026-11-28,1,调休上班\n", "notice")
        second = calendar.freeze()
        assert second != first
        assert calendar.frozen(first) == before and not calendar.frozen(first).is_working(date(2026, 11, 28))
        assert calendar.frozen(second).is_working(date(2026, 11, 28))


def test_an_unknown_snapshot_is_not_found(seeded: Portal) -> None:
    with unit_of_work(), pytest.raises(NotFound):
        calendar.frozen(99)
