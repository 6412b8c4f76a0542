"""Hints in Chromium, by keyboard alone: a word and a piece of the badge beside each claim, boxes, two photos side by side.

What a recogniser would have read and measured is written down by the story; the figures of the real one are in
docs/recognition.md, its process in tests/features/registrations/test_hints_real.py.
"""

from __future__ import annotations

import json

import pytest

from tests.browser.live import Live
from tests.browser.test_keyboard import run, wait
from tests.browser.test_story import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MAKE = """
import io, json, random
from datetime import timedelta
import sqlalchemy as sa
from PIL import Image
from app import create_app
from app.cli.demo import badges
from app.core import clock, keys
from app.core.db import db
from app.core.files import images
from app.core.policy import Actor
from app.core.unit_of_work import unit_of_work
from app.customers.models import Customer
from app.hospitals.models import Department, Hospital
from app.registrations import service
from app.registrations.hints import service as hints
from app.registrations.hints.matching import Box, Line
from app.registrations.hints.models import PhotoMatch
from app.registrations.models import SubmissionImage
app = create_app()
with app.app_context():
    with unit_of_work():
        department = db.session.scalars(sa.select(Department).limit(1)).one()
        hospital = db.session.get(Hospital, department.hospital_id)
        def send(n, name, data, due):
            photo = images.intake(io.BytesIO(data), "badge.jpg")
            person = Customer(subject_id=keys.new_subject(), phone=f"+86137{n:08d}", created_at=clock.now(), last_used_at=clock.now())
            db.session.add(person)
            db.session.flush()
            claim = service.Claim(name=name, position="护士长", title="主管护师", policy_version="1", badge_consent=True,
                is_adult=True, photos=[photo], hospital_id=hospital.id, department_id=department.id)
            row = service.submit(Actor("customer", id=person.id), claim)
            row.due_at = clock.now() + due
            image = db.session.scalars(sa.select(SubmissionImage.id).where(SubmissionImage.registration_id == row.id)).one()
            return row.number, image
        card = badges.Badge(hospital.name, "冯虚构", department.name, "主管护师", "护士长", "YB-000123")
        data = badges.draw(card, random.Random(5), "plain")
        again = badges.again(data)
        other = badges.draw(badges.Badge(hospital.name, "陈示例", department.name, "主管护师", "护士长", "YB-9"), random.Random(6), "plain")
        earlier, first = send(1, "冯虚构", data, timedelta(days=90))
        mine, second = send(2, "冯虚构", again, timedelta(days=-400))
        unread, third = send(3, "陈示例", other, timedelta(days=-399))
    for image in (first, second):
        with unit_of_work():
            assert hints.fingerprint(image)
    with unit_of_work():
        hints.compare(second)
        lines = [Line(hospital.name, Box(0.10, 0.105, 0.445, 0.18), 0.99)]
        rows = [("姓名", "冯虚构"), ("科室", department.name[:-1] + "室"), ("职称", "医师")]
        for n, (label, value) in enumerate(rows):
            top = 0.28 + n * 0.085
            lines.append(Line(label, Box(0.10, top, 0.16, top + 0.055), 0.99))
            lines.append(Line(value, Box(0.185, top, 0.32, top + 0.055), 0.99))
        assert hints.keep_reading(second, lines, engine="told", millis=900)
        match = db.session.scalars(sa.select(PhotoMatch).where(PhotoMatch.image_id == second)).one()
        hints.keep_alignment(match.id, 0.99)
    print(json.dumps({"earlier": earlier, "mine": mine, "unread": unread}))
"""
SAID = """
import json
import sqlalchemy as sa
from app import create_app
from app.core.db import db
from app.registrations.hints.models import PhotoVerdict
app = create_app()
with app.app_context():
    rows = db.session.scalars(sa.select(PhotoVerdict)).all()
    print(json.dumps([[row.verdict, row.threshold, row.alike] for row in rows]))
"""
WORDS = "list => list.map(e => e.querySelector(':scope > span').textContent.trim())"
DRAWN = """list => list.map(c => { const p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  return c.width > 10 && new Set(p).size > 20; })"""


def test_hints_are_read_compared_and_answered_by_keyboard_alone(live: Live, page):
    """20 and 21: a word per field with the piece it was found in; two photos side by side; the verdict is kept."""
    made = json.loads(run(live, MAKE).splitlines()[-1])
    sign_in(page, live, "reviewer@demo.invalid")
    page.goto(f"{live.url}/registrations")
    page.keyboard.press("n")
    page.wait_for_url(f"**/registrations/{made['mine']}")
    page.locator("canvas.crop").first.wait_for()
    words = page.locator("[data-claim] .read").evaluate_all(WORDS)
    assert words[0] == words[1] == "一致", words
    assert words[2].startswith("相近"), words
    assert words[3:] == ["未找到", "证件无此栏"], words
    drawn = page.locator("canvas.crop").evaluate_all(DRAWN)
    assert drawn == [True] * len(drawn), "each piece shows something of the badge"
    assert len(drawn) >= 3
    assert page.locator("[data-claim] input:checked").count() == 0, "a hint gives no verdict"

    boxes = page.locator(".spots").first
    assert boxes.is_visible()
    page.keyboard.press("b")
    assert not boxes.is_visible()
    page.keyboard.press("b")
    assert boxes.is_visible()

    note = page.locator("#private_note")
    note.focus()
    page.keyboard.type("工牌像是见过")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("c")
    dialog = page.locator("dialog#sheet:modal")
    dialog.wait_for()
    assert made["earlier"] in dialog.inner_text()
    assert "画面相同，99% 的区域一致" in dialog.inner_text()
    both = dialog.locator(".twin img")
    wait(
        page,
        lambda: both.evaluate_all("list => list.length === 2 && list.every(i => i.complete && i.naturalWidth > 100)"),
    )
    left, right = (both.nth(n).bounding_box() for n in (0, 1))
    assert left["x"] + left["width"] <= right["x"], "side by side"
    for key in ("v", "a"):
        page.keyboard.press(key)
    assert page.locator("[data-claim] input:checked").count() == 0, "keys rest in a dialog"
    for _ in range(12):
        if page.evaluate("document.activeElement.value") == "same_photo":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    dialog.get_by_text("已看过；可以再记一次。").wait_for()
    page.keyboard.press("Escape")
    assert "同一张照片" in page.locator("#reuse").inner_text()
    assert note.input_value() == "工牌像是见过", "what was typed is still there"
    assert json.loads(run(live, SAID).splitlines()[-1]) == [["same_photo", 90, 0.99]]

    page.keyboard.press("v")
    page.keyboard.press("a")
    page.wait_for_url(f"**/registrations/{made['unread']}")
    words = page.locator("[data-claim] .read").evaluate_all(WORDS)
    assert words == ["未识别"] * 5, "nobody has read this one, and work goes on"
    assert page.locator("#reuse").count() == 0
    assert page.problems == []
    page.keyboard.press("Escape")
    page.wait_for_url("**/registrations")
