"""/settings: who sees, who changes, what is refused, what is recorded."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import date, timedelta
from html import unescape

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core import audit, calendar, clock, numbers
from app.core.db import db
from app.core.policy import Permission
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from tests.core.floor_app import staff
from tests.inspector import Inspector

Post = Callable[..., TestResponse]


def in_force(key: str) -> int:
    with unit_of_work(write=False):
        return numbers.get(key)


def events() -> list[tuple[str, str]]:
    with unit_of_work(write=False):
        return [tuple(row) for row in db.session.execute(sa.select(audit.AuditEvent.event, audit.AuditEvent.object_id))]


def test_every_number_stands_there_with_its_bounds(client: Inspector) -> None:
    page = client.get("/settings").text
    assert page.count("/settings/numbers/") == len(numbers.specs)
    for words in ("09:00", "新注册须在多少工作小时内审完", "待负责人确认", "1 – 40", "只剩 27 个工作日"):
        assert words in page


def test_a_change_is_in_force_shown_and_recorded(client: Inspector, post: Post) -> None:
    assert post("/settings/numbers/review_due_hours", value=" 6 ").status_code == 303
    assert in_force("review_due_hours") == 6
    assert "已改" in client.get("/settings").text
    assert events() == [("business_number.changed", "review_due_hours")]
    assert post("/settings/numbers/review_due_hours", value="6").status_code == 303
    assert len(events()) == 1  # nothing changed, nothing recorded


@pytest.mark.parametrize("typed", ["0", "41", "-3", "abc", "", "6.5", "<script>1</script>", "1; DROP TABLE x"])
def test_a_bad_value_is_refused_and_kept_in_the_field(post: Post, typed: str) -> None:
    answer = post("/settings/numbers/review_due_hours", value=typed)
    assert answer.status_code == 422
    assert "1 到 40" in answer.text
    assert "<script>1" not in answer.text
    if typed and "<" not in typed:
        assert f'value="{typed}"' in answer.text
    assert in_force("review_due_hours") == 8
    assert events() == []


def test_office_hours_keep_their_order(post: Post) -> None:
    assert post("/settings/numbers/office_opens", value="08:30").status_code == 303
    answer = post("/settings/numbers/office_closes", value="11:00")
    assert answer.status_code == 422
    assert "先后" in answer.text
    with unit_of_work(write=False):
        assert numbers.office_hours().opens == 510


def test_changing_the_mailbox_is_recorded(client: Inspector, post: Post) -> None:
    assert post("/settings/numbers/contact_mailbox", value="privacy@demo.invalid").status_code == 303
    assert events() == [("business_number.changed", "contact_mailbox")]
    assert post("/settings/numbers/contact_mailbox", value="nobody").status_code == 422
    assert "privacy@demo.invalid" in client.get("/settings").text


def test_unknown_numbers_are_not_found(client: Inspector, post: Post) -> None:
    assert client.get("/settings/numbers/unheard_of").status_code == 404
    assert post("/settings/numbers/unheard_of", value="1").status_code == 404


def test_readers_read_and_others_do_not(app: Portal, client: Inspector, post: Post) -> None:
    app.extensions["acting"] = staff(Permission.SETTINGS_READ)
    page = client.get("/settings").text
    assert "/settings/numbers/" not in page
    assert client.get("/settings/calendar").status_code == 200
    assert client.get("/settings/numbers/open_leases").status_code == 403
    assert client.post("/settings/numbers/open_leases", data={"value": "1"}).status_code in (400, 403)
    app.extensions["acting"] = staff(Permission.HOSPITALS_READ)
    assert client.get("/settings").status_code == 403


def test_no_token_no_change(client: Inspector) -> None:
    assert client.post("/settings/numbers/open_leases", data={"value": "1"}).status_code == 400
    assert in_force("open_leases") == 3


# calendar


def test_months_show_holidays_and_makeup_days(client: Inspector) -> None:
    page = client.get("/settings/calendar?year=2026").text
    assert "已载入到 2026-12-31" in page
    assert "9（劳动节调休上班）" in page
    assert "15–23（春节）" in page
    assert client.get("/settings/calendar?year=1").status_code == 200
    assert client.get("/settings/calendar?year=abc").status_code == 200


def test_the_template_comes_back_as_a_year(client: Inspector, post: Post) -> None:
    csv = client.get("/settings/calendar/2027.csv")
    assert csv.mimetype == "text/csv"
    answer = post("/settings/calendar", file=(io.BytesIO(csv.data), "2027.csv"))
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"]).text
    assert "2027-01-01 – 2027-12-31" in page and "没有截止时间会移动" in page
    assert "只剩" in client.get("/settings").text, "a draft counts for nothing"
    edition = re.search(r'name="edition" value="([^"]+)"', page)
    answer = post("/settings/calendar/draft/publish", edition=unescape(edition[1] if edition else ""))
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"]).text
    assert "已载入到 2027-12-31" in page and "来源：2027.csv" in page and "第 2 版" in page
    assert "只剩" not in client.get("/settings").text
    assert events() == [("calendar.drafted", "2027-12-31"), ("calendar.imported", "2027-12-31")]


def test_a_draft_is_published_once_and_only_as_it_was_seen(client: Inspector, post: Post) -> None:
    """Two people at once, a draft replaced meanwhile, a calendar changed meanwhile, a draft given up."""
    day = b"day,is_working,name\n2026-12-01,%d,\xe5\x81\x9c\xe7\x94\xb5\n"
    send = lambda n: post("/settings/calendar", file=(io.BytesIO(day % n), "a.csv"))
    publish = lambda edition: post("/settings/calendar/draft/publish", edition=edition).status_code
    read = lambda: unescape(
        re.search(r'name="edition" value="([^"]+)"', client.get("/settings/calendar/draft").text)[1]
    )  # type: ignore[index]
    assert send(0).status_code == 303
    seen = read()
    with unit_of_work():
        calendar.import_csv("day,is_working,name\n2026-12-02,0,x\n", "command")
    assert publish(seen) == 409 and "预览已不准确" in client.get("/settings/calendar/draft").text
    with clock.frozen(clock.now() + timedelta(minutes=1)):
        assert send(0).status_code == 303
        assert publish(seen) == 409, "another upload stands there now"
        assert publish(read()) == 303
        assert publish(seen) == 409 and "没有等待发布的日历" in client.get("/settings/calendar/draft").text
        assert "没有可发布的改动" in send(0).text
        assert send(1).status_code == 303 and post("/settings/calendar/draft/drop").status_code == 303
    assert client.get("/settings/calendar/draft/export").status_code == 404
    with unit_of_work(write=False):
        assert not calendar.is_working(date(2026, 12, 1))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"day,is_working,name\n2027-01-01,1,\n2027-02-30,1,\n", "第 3 行"),
        (b"day,is_working,name\n2027-03-01,1,\n", "缺少 2027-01-01"),
        (b"\xff\xfe", "UTF-8"),
        (b"", "第 1 行"),
        (b"x" * 200_001, "文件过大"),
        (b"<html><script>alert(1)</script>", "第 1 行"),
        (b"PK\x03\x04", "第 1 行"),
    ],
)
def test_a_bad_file_says_why_and_changes_nothing(post: Post, data: bytes, words: str) -> None:
    answer = post("/settings/calendar", file=(io.BytesIO(data), "<b>.csv"))
    assert answer.status_code == 422
    assert words in answer.text
    with unit_of_work(write=False):
        assert calendar.current().last.year == 2026
        assert calendar.add_working_hours(clock.now(), 8)
    assert events() == []


def test_no_file_is_a_field_error(post: Post) -> None:
    assert "请选择文件" in post("/settings/calendar").text


def test_only_loaded_years_and_the_next_are_given_out(client: Inspector) -> None:
    assert client.get("/settings/calendar/2028.csv").status_code == 404
    assert client.get("/settings/calendar/0.csv").status_code == 404
