"""What the case page keeps between requests (`app/ui/kept.py`): no text of the applicant or the reviewer."""

from __future__ import annotations

import re

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.registrations.hints.models import PhotoReading
from app.registrations.models import Registration, SubmissionImage
from app.registrations.queries import beside
from tests.features.registrations.test_pages import Desk, desk

__all__ = ["Desk", "desk"]
NOTE = "电话核实，值班护士 <b>"


def _typed(desk: Desk) -> str:
    """A refused approval: everything typed stands on the answer."""
    typed = {**desk.fields(), "check_name": "seen_otherwise", "how_name": "phone_call", "how_note_name": NOTE}
    typed |= {"check_hospital": "<i>", "how_hospital": "不在表里", "reasons": ["photo_blurred", "不在目录里"]}
    typed |= {"public_text": "请重拍", "private_note": "仅供内部"}
    return desk.client.post(f"{desk.url}/approve", data=typed).get_data(as_text=True)


def test_what_was_typed_is_on_the_page_and_is_not_kept(desk, monkeypatch):
    monkeypatch.setattr(desk.portal.extensions["assets"], "keep", True)
    desk.next()
    html = _typed(desk)
    assert "电话核实，值班护士 &lt;b&gt;" in html and "<i>" not in html
    assert re.search(r'value="photo_blurred"[^>]* checked', html)
    assert re.search(r'value="phone_call" selected', html)
    kept = desk.portal.extensions["kept"].texts()
    with desk.portal.app_context():
        row = db.session.get(Registration, desk.row_id)
        personal = [
            row.name,
            row.hospital_text,
            row.number,
            NOTE,
            "值班护士",
            "请重拍",
            "仅供内部",
            "不在表里",
            "不在目录里",
        ]
    keys = str(list(desk.portal.extensions["kept"]._parts))
    for text in (*kept, keys):
        assert not [word for word in personal if word and word in text]
        assert desk.me.name not in text


def test_the_next_page_starts_without_the_ticks_of_the_last(desk, monkeypatch):
    monkeypatch.setattr(desk.portal.extensions["assets"], "keep", True)
    desk.next()
    before = desk.client.get(desk.url).get_data(as_text=True)
    _typed(desk)
    after = desk.client.get(desk.url).get_data(as_text=True)
    ticks = lambda html: re.findall(r"(?:checked|selected)", html)
    assert ticks(before) == ticks(after)


def test_the_count_of_late_cases_is_the_same_before_and_after_the_queue(desk, step):
    """The queue has a tab named late with a count of its own: all open ones, not those one can decide."""
    with step():
        second = sa.update(Registration).where(Registration.id == desk.row_id)
        db.session.execute(second.values(status="awaiting_second", due_at=Registration.submitted_at))
    said = lambda: re.search(r"还有 (\S+) 件，(\S+) 件超时", desk.client.get(desk.url).get_data(as_text=True)).groups()
    before = said()
    assert "<b>1</b>" in desk.client.get("/registrations").get_data(as_text=True)
    assert said() == before == ("0", "0")


def test_readings_of_other_cases_cost_this_one_nothing(desk, step, story):
    """Whether something was read off a photo, or looks like one, is asked of the round's own photos."""
    with step():
        row = story.case()
        image = db.session.scalars(sa.select(SubmissionImage.id).where(SubmissionImage.registration_id == row.id)).one()
        db.session.add(PhotoReading(image_id=image, engine="none", outcome="unreadable", at=clock.now()))
        other = row.number
    with step(write=False):
        assert beside.find(desk.me, other).beside.readings
        assert not beside.find(desk.me, desk.number).beside.readings
