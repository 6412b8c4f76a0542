"""The page of the receipt and the form of a pause, over HTTP."""

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


def test_the_receipt_opens_as_a_page_and_in_the_sheet(o: Office) -> None:
    url = o.report().url + "/clocks"
    page = o.get(url)
    assert "重算一致" in page and "时限规则第 1 版" in page and "首次受理" in page
    assert "80 小时" in page and "3 天" not in page, "working time is said in hours"
    sheet = o.get(url, headers={"HX-Request": "true"})
    assert "重算一致" in sheet and "<html" not in sheet
    assert "The log gives the same" in o.get(url + "?lang=en")


def test_a_pause_is_set_and_ended_on_the_page_and_a_wrong_one_keeps_what_was_typed(o: Office) -> None:
    url = o.report().url + "/clocks"
    wrong = {"reason": "site_closed", "until": "2020-01-01T10:00", "note": "科室今天停诊"}
    refused = o.client().post(url + "/pause", data=wrong)
    assert refused.status_code == 422 and "科室今天停诊" in refused.get_data(as_text=True)
    assert "结束时间要在现在之后" in refused.get_data(as_text=True)
    done = o.client().post(url + "/pause", data=wrong | {"until": "2026-11-24T10:00"})
    assert done.status_code == 303
    page = o.get(url)
    assert "科室今天停诊" in page and "提前结束" in page
    assert o.client().post(url + "/resume", data={"pause": "site_closed-1"}).status_code == 303
    again = o.client().post(url + "/resume", data={"pause": "site_closed-1"})
    assert again.status_code == 409 and "这个暂停已经结束" in again.get_data(as_text=True)
