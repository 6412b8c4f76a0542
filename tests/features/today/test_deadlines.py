"""今日 tells deadlines in working time, as the lists do, and says when the calendar ends to whoever can act on it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from app.core import calendar, clock
from app.core.unit_of_work import unit_of_work
from app.tickets import service
from app.tickets.service import Intake
from tests.factories.staff import signed_in
from tests.features.registrations.story import begin

FRIDAY = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)  # 16:00 in China; two working hours, then a weekend
HOUR = timedelta(hours=1)


@pytest.fixture
def reported(app):
    """A report of Friday 16:00, to be taken up within two working hours."""
    with app.app_context(), clock.frozen(FRIDAY), unit_of_work():
        story = begin()
        return service.record_ticket(story.applicant(), Intake(story.hospital_id, "插入部漏水")).number


def left(text: str) -> list[str]:
    return re.findall(r"(?:剩余|超时) [^<]+", text)


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (FRIDAY + HOUR, "剩余 1 小时"),
        (FRIDAY + 3 * HOUR, "超时 1 分"),  # the office has closed; the wall clock would say an hour
        (FRIDAY + 50 * HOUR, "超时 1 分"),  # Sunday evening; the wall clock would say two days
        (FRIDAY + 66 * HOUR, "超时 1 小时"),  # Monday, 10:00
    ],
)
def test_today_and_the_list_tell_the_same_working_time(app, reported, at, words):
    with clock.frozen(at):
        client = signed_in(app, "triager")
        today, queue = (client.get(path).get_data(as_text=True) for path in ("/", "/tickets"))
    assert words in left(today), left(today)
    assert words in left(queue.split("<tbody")[1]), left(queue)


def test_what_is_promised_for_every_hour_is_told_by_the_wall_clock(app, reported):
    with app.app_context(), clock.frozen(FRIDAY), unit_of_work():
        from app.core.db import db
        from app.tickets.models import Ticket

        db.session.query(Ticket).update({"priority": "p1"})
    with clock.frozen(FRIDAY + 5 * HOUR):
        client = signed_in(app, "triager")
        pages = [client.get(path).get_data(as_text=True) for path in ("/", "/tickets")]
    assert all(any(words.startswith("超时 3 小时") for words in left(page)) for page in pages), [*map(left, pages)]


ENDS = "工作日历即将用完"


@pytest.mark.parametrize(
    ("at", "days", "shown"),
    [
        (datetime(2026, 11, 25, 1, tzinfo=UTC), 26, True),
        (datetime(2026, 10, 10, 1, tzinfo=UTC), 59, True),
        (datetime(2026, 10, 9, 1, tzinfo=UTC), 60, False),
        (datetime(2027, 1, 4, 1, tzinfo=UTC), 0, True),
    ],
)
def test_below_sixty_loaded_working_days_whoever_can_act_is_told(app, seeded, work, at, days, shown):
    """Red for admins and leads, with the page that mends it for those who may; nobody else can do anything about it."""
    with clock.frozen(at):
        with work(write=False):
            assert calendar.days_left() == days
        pages = {
            who: signed_in(app, (role, None, lead)).get("/").get_data(as_text=True)
            for who, role, lead in (
                ("admin", "admin", False), ("triage lead", "triager", True), ("review lead", "reviewer", True),
                ("triager", "triager", False), ("auditor", "auditor", False),
            )
        }  # fmt: skip
        settings = signed_in(app, "admin").get("/settings").get_data(as_text=True)
    told = {who for who, text in pages.items() if ENDS in text}
    assert told == ({"admin", "triage lead", "review lead"} if shown else set())
    assert (ENDS in settings) == shown
    if shown:
        assert f"只剩 {days} 个工作日" in pages["admin"]
        assert 'href="/settings/calendar"' in pages["admin"].split(ENDS)[1]
        assert "请通知系统管理员" in pages["triage lead"]
