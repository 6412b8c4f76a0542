"""A report from the mini program to dispatch, with a round of questions between; and a call, by keyboard."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
import requests

from tests import sounds
from tests.browser.live import ROOT, Live
from tests.browser.test_story import code_for, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]
APPROVED = """
import json
import sqlalchemy as sa
from app import create_app
from app.core import clock
from app.core.db import db
from app.customers.models import Customer, CustomerProfile as P
app = create_app()
with app.app_context():
    query = sa.select(P).where(P.ended_at.is_(None), P.suspended_at.is_(None), P.effective_at <= clock.now(),
                               P.hospital_id.is_not(None), P.department_id.is_not(None)).order_by(P.id)
    row = db.session.scalars(query.limit(1)).one()
    phone = db.session.get_one(Customer, row.customer_id).phone
    print(json.dumps([phone, str(row.hospital_id), str(row.department_id)]))
"""


class Caller:
    """An approved person of the demo, signed in to the mini program."""

    def __init__(self, live: Live) -> None:
        environ = {**os.environ, "PORTAL_ENV": "development", "PORTAL_INSTANCE": str(live.folder)}
        environ.pop("PORTAL_DATABASE_URL", None)
        found = subprocess.run(
            [sys.executable, "-c", APPROVED], cwd=ROOT, env=environ, check=True, capture_output=True, text=True
        )
        self.live = live
        self.phone, self.hospital, self.department = json.loads(found.stdout.splitlines()[-1])
        body = {"phone": self.phone, "code": code_for(live, self.phone.removeprefix("+86"))}
        answer = requests.post(f"{live.url}/api/v1/sessions", json=body, timeout=10)
        assert answer.status_code == 201, answer.text
        self.headers = {"Authorization": f"Bearer {answer.json()['token']}"}
        agreed = {"purpose": "service", "policy_version": 1, "given": True}
        assert self.post("/consents", json=agreed).status_code in (200, 201)

    def get(self, path: str) -> Any:
        answer = requests.get(f"{self.live.url}/api/v1{path}", headers=self.headers, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, **kw: Any) -> requests.Response:
        return requests.post(f"{self.live.url}/api/v1{path}", headers=self.headers, timeout=30, **kw)

    def told(self, template: str) -> list[dict[str, Any]]:
        return [m for m in self.live.messages() if m["template"] == template and m["to"] == self.phone]


@pytest.fixture(scope="module")
def caller(live) -> Caller:
    return Caller(live)


def test_a_report_goes_from_the_api_through_a_round_of_questions_to_dispatch(live, page, caller, badge):
    sent = caller.post(
        "/tickets",
        data={"contact_is_me": "true", "hospital_id": caller.hospital, "department_id": caller.department,
              "device_model": "GIF-H290", "fault_description": "插入部漏水，测漏不通过"},
        files=[("photos", ("a.jpg", badge, "image/jpeg")), ("photos", ("b.jpg", badge, "image/jpeg")),
               ("voice", ("v.m4a", sounds.m4a(4), "audio/mp4"))],
    )  # fmt: skip
    assert sent.status_code == 201, sent.text
    number = sent.json()["number"]

    sign_in(page, live, "triager@demo.invalid")
    page.goto(f"{live.url}/tickets")
    page.keyboard.press("n")
    page.wait_for_url(re.compile(f"/tickets/{number}/triage$"))
    assert_pictures(page, 2)
    assert page.locator("audio").count() == 1
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [1366, 1366]
    page.locator("textarea[name=voice_text]").fill("洗消后发现，按下去有气泡")
    page.keyboard.press("Tab")
    page.locator("#tk-saved").filter(has_text="已保存").wait_for()

    page.keyboard.press("i")
    page.locator("input[name=questions][value=photo_of_plate]").check()
    page.locator("input[name=questions][value=serial_number]").check()
    page.locator("textarea[name=ask_text]").fill("请补拍铭牌")
    page.locator("button[formaction$='/triage/ask']").click()
    page.wait_for_url(lambda url: number not in url)
    assert caller.get(f"/tickets/{number}")["status"] == "need_info"
    live.wait_for(lambda: caller.told("ticket_need_info"), "the notice of the question")
    talk = caller.get(f"/tickets/{number}/messages")
    assert [q["code"] for q in talk["open_questions"]] == ["photo_of_plate", "serial_number"]

    answered = caller.post(
        f"/tickets/{number}/answers", data={"text": "序列号 2345678"}, files={"photos": ("c.jpg", badge, "image/jpeg")}
    )
    assert (answered.status_code, answered.json()["status"]) == (200, "triaging")

    page.goto(f"{live.url}/tickets")
    page.keyboard.press("n")  # what is in hands comes first
    page.wait_for_url(re.compile(f"/tickets/{number}/triage$"))
    assert_pictures(page, 3)
    assert "序列号 2345678" in page.locator(".tk-look").inner_text()
    assert page.locator("textarea[name=voice_text]").input_value() == "洗消后发现，按下去有气泡"
    decide(page)
    page.wait_for_url(lambda url: number not in url)
    assert caller.get(f"/tickets/{number}")["status"] == "to_dispatch"
    steps = [step["status"] for step in caller.get(f"/tickets/{number}")["timeline"]]
    assert steps == ["submitted", "triaging", "need_info", "triaging", "to_dispatch"]
    assert page.problems == []


def assert_pictures(page, count: int) -> None:
    images = page.locator("[data-viewer-stage] img")
    images.first.wait_for()
    assert images.count() == count
    page.wait_for_function("e => e.complete && e.naturalWidth > 100", arg=images.first.element_handle())


def decide(page) -> None:
    """The sheet by its keys and lists, then Ctrl Enter."""
    for key in ("h", "y", "d", "3"):
        page.keyboard.press(key)
    page.locator("input[name=serial_number]").fill("2345678")
    page.locator("select[name=fault_class]").select_option("leak")
    page.locator("select[name=warranty_basis]").select_option("paid")
    page.locator("label:has(input[name=service_mode][value=on_site])").click()
    page.locator("#tk-saved").filter(has_text="已填完").wait_for()
    page.keyboard.press("Control+Enter")


def test_a_call_is_taken_down_by_keyboard_alone(live, page, caller):
    sign_in(page, live, "triager2@demo.invalid")
    page.goto(f"{live.url}/tickets/new")
    keys = page.keyboard
    keys.type(caller.phone)
    keys.press("Tab")
    page.locator("#in-account").filter(has_text="记到这个账号").wait_for()
    page.locator("#in-place select[name=device_department_id]").wait_for()
    page.locator("#serial_number").focus()
    keys.type("7654321")
    keys.press("Tab")
    page.locator("#in-device").filter(has_text="没有这个序列号").wait_for()
    assert page.locator("#serial_number").input_value() == "7654321"
    keys.press("Control+Enter")  # too early: the fault is missing
    page.locator(".caserefusal").filter(has_text="请写下来电人说的故障").wait_for()
    assert page.locator("#serial_number").input_value() == "7654321"
    page.locator("#fault").focus()
    keys.type("图像偏红，白平衡无效")
    keys.press("Control+Enter")
    page.wait_for_url(re.compile(r"/tickets/TKT-[0-9-]+/triage$"))
    number = page.url.split("/")[-2]
    assert caller.get(f"/tickets/{number}")["status"] == "triaging"
    live.wait_for(lambda: caller.told("ticket_received"), "the receipt")
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [1366, 1366]
    assert [text for text in page.problems if "422" not in text] == []
