"""The pages of second readings: blind in source, URL, redirects, fragments and JSON; bad input; cost; agreement page."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from app.core import clock, keys
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.errors import Forbidden
from app.registrations import service
from app.registrations.models import SubmissionImage
from app.registrations.readings import service as readings
from app.registrations.service import FIELDS
from tests.features.registrations.story import APPROVE, FINAL, MONDAY, RETRY, reviewer, seen, take

LATER = MONDAY + timedelta(minutes=5)
SEEN = {f"check_{name}": "seen" for name in FIELDS}
FIRST = {
    "approve": (service.approve, APPROVE, ("已通过", "approved")),
    "ask_again": (service.ask_again, RETRY, ("待补拍", "needs_resubmission", "反光，请避开灯光")),
    "reject": (service.reject, FINAL, ("未通过", "rejected", "本服务只面向医护人员")),
}


class Room:
    """A drawn reading, its reader at the browser."""

    def __init__(self, portal, step, story, verdict="approve"):
        self.portal, self.client = portal, portal.test_client()
        self.first, self.reader = reviewer("审核甲首位"), reviewer("审核乙")
        self.lead = reviewer("组长丙", lead=True)
        verb, entered, self.words = FIRST[verdict]
        with step():
            row = story.case()
            self.number, self.row_id = row.number, row.id
            verb(self.first, row.id, take(self.first, row), entered)
            self.image_id = db.session.scalar(
                sa.select(SubmissionImage.id).where(SubmissionImage.registration_id == row.id)
            )
        with step(LATER):
            readings.draw()
        self.sit(self.reader)

    def sit(self, actor):
        self.portal.extensions["acting"] = actor

    def start(self) -> str:
        answer = self.client.post("/registrations/readings/next")
        assert answer.status_code == 302
        return answer.headers["Location"]

    def get(self, url: str, **kw):
        return self.client.get(url, **kw)


@pytest.fixture
def room(portal, step, story):
    portal.config["WTF_CSRF_ENABLED"] = False
    with clock.frozen(LATER):
        yield lambda verdict="approve": Room(portal, step, story, verdict)


@pytest.mark.parametrize("verdict", list(FIRST))
def test_the_second_reader_cannot_see_the_first_decision_in_page_source_or_url(room, verdict):
    """Feature 22. Every page, redirect, fragment and JSON that the reader can fetch while the reading is open."""
    here = room(verdict)
    url = here.start()
    page = here.get(url)
    secret = (*here.words, here.number, here.first.name, str(here.first.id), str(here.row_id), here.row_id.hex)
    searched = {
        url: page,
        "queue": here.get("/registrations?tab=done"),
        "open": here.get("/registrations?tab=open"),
        "by name": here.get("/registrations", query_string={"tab": "done", "q": "冯虚构"}),
        "by number": here.get("/registrations", query_string={"tab": "done", "q": here.number[:8]}),
        "palette": here.client.post("/ui/palette", data={"q": "REG-2026"}, headers={"HX-Request": "true"}),
        "readings": here.get("/registrations/readings"),
        "mine": here.get("/registrations/readings?tab=mine"),
        "report": here.get("/registrations/report"),
        "renewal": here.client.post(f"{url}/renew"),
        "refused": here.client.post(f"{url}/judgement/reject"),
    }
    known = (
        "未通过",
        "待补拍",
        "已通过",
    )  # words of the queue's own tabs and of the report are no decision on this case
    for name, answer in searched.items():
        text = answer.get_data(as_text=True) + str(dict(answer.headers))
        own = secret if name in (url, "renewal", "refused") else [w for w in secret if w not in known]
        leaks = [word for word in own if word and word in text]
        assert not leaks, (name, leaks)
    assert "冯虚构" in page.get_data(as_text=True), "the claims are there"
    for path in ("", "/drawer", f"/images/{here.image_id}", "/views", "/proof"):
        answer = here.get(f"/registrations/{here.number}{path}")
        assert answer.status_code in (403, 404), path
        assert not [word for word in here.words if word in answer.get_data(as_text=True)]
    assert here.client.post(f"/registrations/{here.number}/claim").status_code == 404


def test_the_blindness_test_can_fail(room, monkeypatch):
    """Without the clause of scope the case lies open."""
    from app.registrations.queries import scope

    here = room()
    here.start()
    assert here.number not in here.get("/registrations?tab=done&q=REG-2026").get_data(as_text=True)
    monkeypatch.setattr(scope, "not_being_read_by", lambda *_a: [])
    assert here.number in here.get("/registrations?tab=done&q=REG-2026").get_data(as_text=True)


def test_the_case_is_open_again_after_the_judgement_and_after_a_hand_back(room):
    here = room()
    url = here.start()
    assert here.get(f"/registrations/{here.number}").status_code == 404
    here.client.post(f"{url}/hand-back")
    assert here.get(f"/registrations/{here.number}").status_code == 200
    here.sit(here.lead)
    url = here.start()
    assert here.get(f"/registrations/{here.number}").status_code == 404, "leads are as blind"
    assert here.client.post(f"{url}/judgement/approve", data=SEEN).status_code == 302
    page = here.get(url).get_data(as_text=True)
    assert here.number in page and "两次判断一致" in page
    assert here.get(f"/registrations/{here.number}").status_code == 200


def test_blind_beyond_the_fifteen_minutes(room):
    here = room()
    here.start()
    with clock.frozen(LATER + timedelta(minutes=40)):
        assert here.get(f"/registrations/{here.number}").status_code == 404


def test_the_photo_opens_as_task_second_reading_and_only_for_the_reader(room):
    here = room()
    url = here.start()
    image = f"{url}/images/{here.image_id}"
    shown = here.get(image)
    assert (shown.status_code, shown.mimetype) == (200, "image/jpeg")
    with here.portal.app_context():
        found = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.event == "badge.opened")).all()
        assert [e.reason_code for e in found] == ["second_reading"]
    assert here.get(f"{url}/images/{here.row_id}").status_code == 404
    here.sit(here.lead)
    assert here.get(image).status_code == 403


def test_a_refused_judgement_keeps_what_was_ticked(room):
    here = room()
    url = here.start()
    answer = here.client.post(f"{url}/judgement/approve", data={"check_name": "claimed_only", "reasons": "photo_glare"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "还有内容没有核对" in text
    assert re.search(r'name="check_name" value="claimed_only" checked', text)
    assert re.search(r'value="photo_glare" checked', text)


def test_judging_twice_or_somebody_elses_reading_is_a_conflict(room):
    here = room()
    url = here.start()
    here.client.post(f"{url}/judgement/approve", data=SEEN)
    assert here.client.post(f"{url}/judgement/approve", data=SEEN).status_code == 409
    here.sit(reviewer("审核丁"))
    assert here.client.post(f"{url}/judgement/approve", data=SEEN).status_code == 409
    assert here.client.post("/registrations/readings/RDG-X/judgement/approve").status_code == 404
    assert here.client.post(f"{url}/judgement/perhaps").status_code == 404


def test_leads_see_differences_after_both_are_done(room):
    here = room("reject")
    url = here.start()
    here.sit(here.lead)
    assert here.number not in here.get("/registrations/readings/differences").get_data(as_text=True)
    assert "第一判断" not in here.get(url).get_data(as_text=True)
    here.sit(here.reader)
    here.client.post(f"{url}/judgement/approve", data=SEEN)
    assert here.get("/registrations/readings/differences").status_code == 403
    here.sit(here.lead)
    assert here.number in here.get("/registrations/readings/differences").get_data(as_text=True)
    assert "上报这处分歧" in here.get(url).get_data(as_text=True)
    here.client.post(f"{url}/escalate")
    assert here.number in here.get("/registrations/readings/differences?tab=escalated").get_data(as_text=True)


def test_a_difference_taken_further_leads_to_a_new_look_by_a_third_person(room, step):
    """Neither who decided, nor who read, nor the lead who reopens: the reversal is a third person's."""
    here = room("reject")
    url = here.start()
    here.client.post(f"{url}/judgement/approve", data=SEEN)
    here.sit(here.lead)
    onward = here.client.post(f"{url}/escalate")
    assert onward.headers["Location"].endswith(f"/registrations/{here.number}/standing")
    page = here.get(onward.headers["Location"]).get_data(as_text=True)
    reading = url.rsplit("/", 1)[1]
    assert f"复读 {reading} 有分歧，已上报：第一判断不予通过，复读判断通过。" in page
    assert f"复读 {reading} 与原决定不同。</textarea>" in page, "the note is begun"
    assert "还没有重新处理" in here.get(url).get_data(as_text=True)
    here.client.post(f"/registrations/{here.number}/reopen", data={"private_note": f"复读 {reading} 与原决定不同。"})
    assert "其后：请第二人重新审理（组长丙" in here.get(url).get_data(as_text=True)
    for barred in (here.first, here.reader, here.lead):
        with step(LATER), pytest.raises(Forbidden):
            service.claim(barred, here.row_id)
    third = reviewer("审核丁")
    with step(LATER):
        page = seen(*service.claim(third, here.row_id))
        assert service.decide_second(third, here.row_id, page, APPROVE, verdict="approve").registration.status == (
            "approved"
        )


def test_an_approval_that_a_reading_doubts_is_suspended_from_there(room):
    here = room("approve")
    url = here.start()
    here.client.post(f"{url}/judgement/reject", data={"reasons": "not_medical_staff"})
    here.sit(here.lead)
    here.client.post(f"{url}/escalate")
    assert "暂停注册" in here.get(f"/registrations/{here.number}/standing").get_data(as_text=True)
    here.client.post(f"/registrations/{here.number}/suspend", data={"private_note": "复读与原决定不同。"})
    assert "其后：暂停（组长丙" in here.get(url).get_data(as_text=True)


def test_the_agreement_page_says_small_numbers_in_words(room):
    here = room()
    here.sit(here.lead)
    assert "没有完成的复读" in here.get("/registrations/readings/agreement").get_data(as_text=True)
    here.sit(here.reader)
    here.client.post(f"{here.start()}/judgement/approve", data=SEEN)
    here.sit(here.lead)
    text = here.get("/registrations/readings/agreement").get_data(as_text=True)
    assert "1 件里 1 件一致" in text and "不计系数" in text and "AC1" not in text.split("</main>")[0].split("<main")[1]


@pytest.mark.parametrize(
    "query, words",
    [
        ("from=2026-11-20&to=2026-11-01", "开始日期晚于结束日期"), ("from=2016-01-01&to=2026-01-01", "最长可看"),
        ("from=yesterday", "日期不对"), ("to=9999-99-99", "日期不对"), ("from=0001-01-01&to=0001-01-02", "超出"),
    ],
)  # fmt: skip
def test_bad_periods_are_refused_and_stay_in_the_form(room, query, words):
    here = room()
    here.sit(here.lead)
    answer = here.get(f"/registrations/readings/agreement?{query}")
    assert answer.status_code == 422 and words in answer.get_data(as_text=True)


def test_the_list_of_readings_costs_four_statements_at_most(room):
    here = room()
    seen: list[str] = []
    with here.portal.app_context():
        engines = (db.engine, keys.keystore.store().engine)
    note = lambda _c, _cur, statement, *_r: seen.append(statement)
    here.get("/registrations/readings")
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    here.get("/registrations/readings")
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)
    assert len([s for s in seen if s.split()[0] not in ("BEGIN", "PRAGMA")]) <= 4, seen
