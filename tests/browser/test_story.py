"""The house's main job, from the login code to the approved status, the reviewer's part by keyboard alone."""

from __future__ import annotations

import re

import pytest
import requests

from tests.browser.live import PASSWORD, Live

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PHONE = "13800009001"


def code_for(live: Live, phone: str) -> str:
    assert (
        requests.post(
            f"{live.url}/api/v1/login-codes", json={"phone": phone, "audience": "service"}, timeout=10
        ).status_code
        == 202
    )
    sent = live.wait_for(
        lambda: [m for m in live.messages() if m["to"] == f"+86{phone}" and m["template"] == "login_code"],
        "the login code",
    )
    return sent[-1]["params"]["code"]


def sign_in(page, live: Live, email: str) -> None:
    page.goto(f"{live.url}/login")
    # The field takes the focus in the first frame that is drawn, which may come after the page has loaded.
    page.locator("input[name=email]:focus").wait_for()
    page.keyboard.type(email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)


def register(live: Live, badge: bytes) -> dict[str, str]:
    """A customer's part up to the registration; returns the headers of his calls."""
    api = f"{live.url}/api/v1"
    answer = requests.post(f"{api}/sessions", json={"phone": PHONE, "code": code_for(live, PHONE)}, timeout=10)
    assert answer.status_code == 201
    headers = {"Authorization": f"Bearer {answer.json()['token']}"}
    agreed = {"purpose": "service", "policy_version": 1, "given": True}
    assert requests.post(f"{api}/consents", json=agreed, headers=headers, timeout=10).status_code in (200, 201)
    hospital = requests.get(f"{api}/hospitals", params={"q": "示范"}, headers=headers, timeout=10).json()["items"][0]
    departments = requests.get(f"{api}/hospitals/{hospital['id']}/departments", headers=headers, timeout=10).json()[
        "items"
    ]
    sent = requests.post(
        f"{api}/registrations",
        headers={**headers, "Idempotency-Key": "story-1"},
        data={
            "name": "冯虚构", "hospital_id": hospital["id"], "department_id": departments[0]["id"], "position": "护士长",
            "title": "主管护师", "is_adult": "true", "policy_version": "1", "badge_consent": "true",
        },
        files={"badges": ("badge.jpg", badge, "image/jpeg")},
        timeout=30,
    )  # fmt: skip
    assert sent.status_code == 201, sent.text
    assert sent.json()["status"] == "pending"
    return headers


def test_from_a_badge_photo_to_a_decision_that_the_customer_sees(live, page, badge):
    headers = register(live, badge)
    current = f"{live.url}/api/v1/registrations/current"
    number = requests.get(current, headers=headers, timeout=10).json()["number"]

    sign_in(page, live, "reviewer@demo.invalid")
    page.goto(f"{live.url}/registrations")
    page.keyboard.press("n")
    page.wait_for_url(re.compile(r"/registrations/REG-"))
    while number not in page.url:  # oldest due first: ours comes when the others were decided
        decide_by_keyboard(page)
    assert number in page.url
    image = page.locator("[data-viewer-stage] img").first
    image.wait_for()
    assert page.evaluate("e => e.complete && e.naturalWidth > 100", image.element_handle())
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [1366, 1366]
    decide_by_keyboard(page)

    assert requests.get(current, headers=headers, timeout=10).json()["status"] == "pending"  # the undo window runs
    live.wait_for(
        lambda: requests.get(current, headers=headers, timeout=10).json()["status"] == "approved",
        "the approval",
        seconds=40,
    )
    told = live.wait_for(
        lambda: [m for m in live.messages() if m["template"] == "registration_approved" and m["to"] == f"+86{PHONE}"],
        "the notice",
    )
    assert len(told) == 1
    assert "冯虚构" in str(requests.get(f"{live.url}/api/v1/me", headers=headers, timeout=10).json())
    assert page.problems == []


def decide_by_keyboard(page) -> None:
    """V: all fields seen on the badge; A: approve; the page after the decision is another one."""
    before = page.url
    loaded = "() => [...document.querySelectorAll('[data-viewer-stage] img')].every(e => e.complete && e.naturalWidth)"
    page.wait_for_function(loaded)  # a reviewer looks first; after a decision the photo is rightly refused
    page.keyboard.press("v")
    page.keyboard.press("a")
    page.wait_for_url(lambda url: url != before)


def test_keys_rest_while_somebody_types(live, page):
    sign_in(page, live, "reviewer2@demo.invalid")
    page.goto(f"{live.url}/registrations")
    page.locator("input[name=number], input[name=q], .filters input[type=text], .filters input").first.focus()
    page.keyboard.type("nnn")
    assert page.url.endswith("/registrations")


def test_sign_out_ends_the_session(live, page):
    sign_in(page, live, "auditor@demo.invalid")
    cookies = page.context.cookies()
    page.goto(f"{live.url}/account")
    page.evaluate("document.querySelector('form[action$=\"/logout\"]').requestSubmit()")
    page.wait_for_url(re.compile("/login"))
    page.context.add_cookies(cookies)
    page.goto(f"{live.url}/account")
    assert "/login" in page.url
