"""The reviewer's day in Chromium: twenty badges by keyboard alone, counted; keys that rest; scripts off; news.

A round trip is a request for HTML or JSON that a decision causes: the POST that decides (its answer is the next case)
and the POST that claims the one after it. Images, scripts and styles are none; nor are the pulse every 20 seconds and
the prolonging of the claim, which come by the clock and not by the decision.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from tests.browser.live import ROOT, Live
from tests.browser.test_story import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]
BADGES = 20
MAKE = """
import json, random, sys
from datetime import timedelta
import sqlalchemy as sa
from app import create_app
from app.cli.demo import badges
from app.core import clock
from app.core.db import db
from app.core.files import images
from app.core.policy import Actor
from app.core.unit_of_work import unit_of_work
from app.core import keys
from app.customers.models import Customer
from app.hospitals.models import Department, Hospital
from app.registrations import service
from app.registrations.models import Registration
import io
count, first = int(sys.argv[1]), int(sys.argv[2])
app = create_app()
with app.app_context():
    with unit_of_work():
        department = db.session.scalars(sa.select(Department).limit(1)).one()
        hospital = db.session.get(Hospital, department.hospital_id)
        made = []
        for n in range(first, first + count):
            card = badges.Badge(hospital.name, "冯虚构", department.name, "主管护师", "护士长", f"YB-{n:06d}")
            photo = images.intake(io.BytesIO(badges.draw(card, random.Random(n), "plain")), "badge.jpg")
            person = Customer(subject_id=keys.new_subject(), phone=f"+86139{n:08d}", created_at=clock.now(), last_used_at=clock.now())
            db.session.add(person)
            db.session.flush()
            claim = service.Claim(name="冯虚构", position="护士长", title="主管护师", policy_version="1", badge_consent=True,
                is_adult=True, photos=[photo], hospital_id=hospital.id, department_id=department.id)
            row = service.submit(Actor("customer", id=person.id), claim)
            row.due_at = clock.now() - timedelta(days=30 + first // 10_000) + timedelta(minutes=n - first)
            made.append({"number": row.number, "customer": str(person.id)})
    print(json.dumps(made))
"""
RESEND = """
import io, random, sys, uuid
from app import create_app
from app.cli.demo import badges
from app.core.files import images
from app.core.policy import Actor
from app.core.unit_of_work import unit_of_work
import sqlalchemy as sa
from app.core.db import db
from app.registrations import service
from app.registrations.models import Registration
app = create_app()
with app.app_context(), unit_of_work():
    row = db.session.scalars(sa.select(Registration).where(Registration.customer_id == uuid.UUID(sys.argv[1]))).one()
    photo = images.intake(io.BytesIO(badges.draw(badges.Badge("乙", "冯虚构", "丙", "丁", "戊", "YB-9"), random.Random(99), "plain")), "b.jpg")
    claim = service.Claim(name="冯虚构", position="护士长", title="副主任护师", policy_version="1", badge_consent=True,
        is_adult=True, photos=[photo], hospital_id=row.hospital_id, department_id=row.department_id)
    service.resubmit(Actor("customer", id=row.customer_id), claim)
"""


def run(live: Live, script: str, *args: object) -> str:
    environ = {**os.environ, "PORTAL_ENV": "development", "PORTAL_INSTANCE": str(live.folder)}
    environ.pop("PORTAL_DATABASE_URL", None)
    command = [sys.executable, "-c", script, *map(str, args)]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout


def make(live: Live, count: int, first: int) -> list[dict[str, str]]:
    """Cases that are due before all others, oldest first; a higher ``first`` is due earlier."""
    return json.loads(run(live, MAKE, count, first).splitlines()[-1])


class Counter:
    """What the page asks for, and what it has got."""

    def __init__(self, page) -> None:
        self.trips: list[str] = []
        self.loaded: set[str] = set()
        self.asked: list[str] = []
        page.on("request", self.request)
        page.on("requestfinished", self.finished)

    def request(self, request) -> None:
        if request.resource_type == "image":
            self.asked.append(request.url)
        elif request.resource_type in ("document", "fetch", "xhr", "ping") and not re.search(
            r"/(pulse|lease)\b", request.url
        ):
            self.trips.append(f"{request.method} {request.url.split('/registrations')[-1]}")

    def finished(self, request) -> None:
        if request.resource_type == "image":
            self.loaded.add(request.url)

    def has_image_of(self, number: str) -> bool:
        return any(f"/{number}/images/" in url for url in self.loaded)


def wait(page, found, seconds: float = 60) -> None:
    """Poll in the page's own time, so that Playwright's events arrive."""
    for _ in range(int(seconds * 10)):
        if found():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it did not come true in time")


def test_twenty_badges_by_keyboard_alone_take_two_keys_and_two_round_trips_each(live, page):
    made = make(live, BADGES + 1, 10_000)
    sign_in(page, live, "reviewer@demo.invalid")
    page.goto(f"{live.url}/registrations")
    count = Counter(page)
    page.keyboard.press("n")
    page.wait_for_url(f"**/registrations/{made[0]['number']}")
    presses, figures = 0, []
    for at in range(BADGES):
        following = made[at + 1]["number"]
        wait(page, lambda n=following: count.has_image_of(n))  # the reviewer looks at the present badge meanwhile
        count.trips.clear()
        count.asked.clear()
        before = presses
        for key in ("v", "a"):
            page.keyboard.press(key)
            presses += 1
        page.wait_for_url(f"**/registrations/{following}")
        image = page.locator("[data-viewer-stage] img").first
        assert image.evaluate("e => e.complete && e.naturalWidth > 100"), "the next badge is already loaded"
        assert not any(following in url for url in count.asked), "and not asked for a second time"
        wait(page, lambda: any(trip.endswith("/ahead") for trip in count.trips))
        figures.append((presses - before, len(count.trips)))
        assert page.locator("[data-toast]").first.is_visible(), "the decision can be undone"
    assert figures == [(2, 2)] * BADGES, figures
    print(f"{BADGES} badges: {presses / BADGES} keys, {sum(t for _k, t in figures) / BADGES} round trips per decision")
    # Leaving hands the case ahead back; its badge, were it still on its way, would rightly be refused from then on.
    wait(page, lambda: count.asked and count.loaded.issuperset(count.asked))
    page.keyboard.press("Escape")
    page.wait_for_url("**/registrations")
    assert page.problems == []


def test_a_decision_page_does_not_scroll(live, page):
    make(live, 1, 20_000)
    sign_in(page, live, "reviewer2@demo.invalid")
    page.goto(f"{live.url}/registrations")
    page.keyboard.press("n")
    page.wait_for_url("**/REG-*")
    size = "[document.documentElement.scrollHeight <= innerHeight, document.documentElement.scrollWidth <= innerWidth]"
    assert page.evaluate(size) == [True, True]
    bar = page.locator("[data-act=approve]").bounding_box()
    assert bar["y"] + bar["height"] <= 768
    page.keyboard.press("Escape")
    page.wait_for_url("**/registrations")


def test_keys_do_nothing_while_typing_in_a_dialog_with_modifiers_or_composing(live, page):
    """24: typing, a modal dialog, Ctrl/Alt/Meta, and an input method at work."""
    make(live, 1, 30_000)
    sign_in(page, live, "reviewer2@demo.invalid")
    page.goto(f"{live.url}/registrations")
    page.keyboard.press("n")
    page.wait_for_url("**/REG-*")
    here = page.url
    page.locator("#private_note").focus()
    page.keyboard.type("vaxrshnjk")
    assert (page.url, page.locator("#private_note").input_value()) == (here, "vaxrshnjk")
    page.evaluate("document.activeElement.blur()")
    for modifier in ("Control", "Alt", "Meta"):
        page.keyboard.press(f"{modifier}+v")
    compose = (
        "init => document.body.dispatchEvent(new KeyboardEvent('keydown', {bubbles: true, cancelable: true, ...init}))"
    )
    page.evaluate(compose, {"key": "v", "isComposing": True})
    page.evaluate(compose, {"key": "v", "keyCode": 229})
    assert page.locator("[data-claim] input:checked").count() == 0
    page.keyboard.press("?")
    assert page.locator("dialog#keys:modal").count() == 1
    page.keyboard.press("v")
    page.keyboard.press("a")
    assert page.locator("[data-claim] input:checked").count() == 0
    page.keyboard.press("Escape")
    assert page.url == here
    page.keyboard.press("v")
    assert page.locator("[data-claim] input:checked").count() == 5
    page.keyboard.press("Escape")
    page.wait_for_url("**/registrations")  # handed back: a window that closes on its way there may never close


def test_everything_works_with_scripts_off(live, chromium):
    """24: claim, check, a refusal that keeps what was typed, ask again, skip: plain form posts."""
    made = make(live, 3, 40_000)
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN", java_script_enabled=False)
    page = context.new_page()
    try:
        sign_in(page, live, "reviewer2@demo.invalid")
        page.goto(f"{live.url}/registrations")
        page.locator("form[action='/registrations/next'] button").first.click()
        page.wait_for_url("**/REG-*")
        number = page.url.rsplit("/", 1)[1]
        assert number in {one["number"] for one in made}
        page.locator("#private_note").fill("这段话不能丢")
        page.locator("[data-act=approve]").click()
        assert page.locator("[role=alert]").first.is_visible()
        assert page.locator("#private_note").input_value() == "这段话不能丢"
        page.locator("[data-all-seen]").click()
        assert page.locator("[data-claim] input:checked").count() == 5
        page.locator("[data-act=approve]").click()
        page.wait_for_url(lambda url: re.search(r"/REG-[^/]+$", url) and number not in url)
        second = page.url
        page.locator("input[name=reasons][value=photo_glare]").check()
        page.locator("[data-act=again]").click()
        page.wait_for_url(lambda url: re.search(r"/REG-[^/]+$", url) and url != second)
        third = page.url
        page.locator("[data-key=n]").click()
        page.wait_for_url(lambda url: url != third)
    finally:
        context.close()


def test_a_new_photo_meanwhile_is_told_and_typed_text_stays(live, page):
    """Who, what, when, while the page is open; the latest page keeps what was typed."""
    made = make(live, 1, 50_000)
    sign_in(page, live, "reviewer2@demo.invalid")
    page.goto(f"{live.url}/registrations")
    page.keyboard.press("n")
    page.wait_for_url(f"**/{made[0]['number']}")
    page.locator("#private_note").fill("左下角的章要问")
    run(live, RESEND, made[0]["customer"])
    page.evaluate("dispatchEvent(new Event('focus'))")
    news = page.locator("[data-news]")
    news.wait_for(state="visible")
    assert re.search(r"申请人 \d\d-\d\d \d\d:\d\d 换了照片或内容", news.inner_text())
    assert page.locator("#private_note").input_value() == "左下角的章要问"
    news.locator("button").click()
    page.locator("text=副主任护师").first.wait_for()
    assert page.locator("#private_note").input_value() == "左下角的章要问"
    assert page.locator("input[name=evidence_version]").input_value() == "2"
    page.keyboard.press("Escape")
    page.wait_for_url("**/registrations")


def test_the_viewer_zooms_and_turns_by_key(live, page):
    make(live, 1, 60_000)
    sign_in(page, live, "reviewer2@demo.invalid")
    page.goto(f"{live.url}/registrations")
    page.keyboard.press("n")
    page.wait_for_url("**/REG-*")
    image = page.locator("[data-viewer-stage] img").first
    image.wait_for()
    for key, words in (("+", "scale(1.25)"), ("t", "rotate(90deg)"), ("0", "rotate(0deg)")):
        page.keyboard.press(key)
        assert words in image.evaluate("e => e.style.transform")
    page.keyboard.press("Escape")
    page.wait_for_url("**/registrations")
