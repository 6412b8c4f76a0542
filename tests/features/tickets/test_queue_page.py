"""The worklist: its views, its filters, what it costs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.core import clock
from app.core.web import Portal
from tests.features.tickets.pages import Office, office
from tests.features.tickets.people import MONDAY


@pytest.fixture
def o(app: Portal) -> Iterator[Office]:
    with clock.frozen(MONDAY):
        yield office(app)


def test_a_report_stands_in_the_list_and_opens_its_page_and_drawer(o: Office) -> None:
    row = o.report(serial="1234567", device_model="GIF-H290")
    page = o.get("/tickets")
    assert row.number in page
    assert "GIF-H290 · 1234567" in page
    assert "待受理" in page
    opened = o.get(f"/tickets/{row.number}")
    assert "插入部漏水" in opened
    assert "等人接手分诊" in opened
    drawer = o.get(f"/tickets/{row.number}/drawer", headers={"HX-Request": "true"})
    assert "插入部漏水" in drawer
