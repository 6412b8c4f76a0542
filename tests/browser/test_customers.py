"""A lost phone: the triager finds its owner by keyboard, reads the number with a reason, ends the sign-in."""

from __future__ import annotations

import re

import pytest
import requests

from tests.browser.live import Live
from tests.browser.test_story import code_for, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PHONE, OTHER = "13800009002", "13800009003"
AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) MicroMessenger/8.0.50 MiniProgramEnv/iOS"


def token_of(live: Live, phone: str = PHONE) -> dict[str, str]:
    """A sign-in of the mini program; the header of its calls."""
    answer = requests.post(
        f"{live.url}/api/v1/sessions",
        json={"phone": phone, "code": code_for(live, phone)},
        headers={"User-Agent": AGENT},
        timeout=10,
    )
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def test_a_lost_phone_is_signed_out_by_keyboard(live, page):
    headers = token_of(live)
    me = f"{live.url}/api/v1/me"
    assert requests.get(me, headers=headers, timeout=10).status_code == 200

    sign_in(page, live, "triager@demo.invalid")
    page.keyboard.press("Control+k")
    page.keyboard.type(PHONE[-4:])
    page.locator("#palette-list a, #palette-list [role=option]").filter(has_text="138****9002").first.wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/customers/[0-9a-f-]{36}$"))
    assert PHONE not in page.content()

    reveal(page)
    shown = page.locator("[data-vanish]")
    assert shown.inner_text() == "138 0000 9002"
    page.keyboard.press("Escape")
    page.locator("#sheet").wait_for(state="hidden")
    assert "138 0000 9002" not in page.content()  # closing the dialog takes the number away

    row = page.locator("#sessions li").filter(has_text="WeChat · iPhone")
    row.locator("a").focus()
    page.keyboard.press("Enter")
    choose(page, "device_lost")
    page.wait_for_load_state()
    page.locator(".toast").filter(has_text="登录已结束").wait_for()
    assert requests.get(me, headers=headers, timeout=10).status_code == 401
    assert page.locator("#sessions li").count() == 0
    assert "显示了完整信息：手机号" in page.locator("#timeline").inner_text()
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [1366, 1366]
    refused = [text for text in page.problems if "422" in text]  # the reveal without a reason
    assert page.problems == refused[:1]


def reveal(page) -> None:
    page.locator("a.reveal").first.focus()
    page.keyboard.press("Enter")
    page.locator("#sheet select[name=reason]").wait_for()
    page.keyboard.press("Tab")  # past the reason: nothing is chosen, so nothing is shown
    page.locator("#sheet button.btn--go").focus()
    page.keyboard.press("Enter")
    page.locator("#sheet .error").first.wait_for()
    choose(page, "call_back")
    page.locator("[data-vanish]").wait_for()


def choose(page, reason: str) -> None:
    """A reason of the open question, and its button, by keys."""
    box = page.locator("#sheet select[name=reason]")
    box.wait_for()
    box.focus()
    words = box.locator(f"option[value={reason}]").inner_text()
    page.keyboard.type(words)
    if box.input_value() != reason:
        box.select_option(reason)  # an input method that types no Chinese into a list
    page.locator("#sheet button.btn--go").focus()
    page.keyboard.press("Enter")


def test_the_number_goes_by_itself_after_its_minute(live, page):
    token_of(live, OTHER)
    sign_in(page, live, "triager2@demo.invalid")
    page.clock.install()
    page.goto(f"{live.url}/customers?tab=unverified&phone={OTHER[-4:]}")
    page.locator("tr[data-row] a").first.click()
    reveal(page)
    page.clock.run_for(61_000)
    assert page.locator("#sheet .revealed").inner_text() == "138****9003"
    assert "138 0000 9003" not in page.content()
