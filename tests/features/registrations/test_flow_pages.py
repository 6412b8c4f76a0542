"""The pages of the flow by plain form posts: pass on, recusal, merge, rounds, standing, reviewers, reasons, pulse."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from app.core import clock, keys
from app.core.db import db
from app.core.policy import Permission
from app.registrations import service
from app.registrations.models import Registration, ReviewReason
from app.registrations.service import FIELDS
from app.staff import queries as staff_queries
from tests.factories import staff
from tests.features.registrations.story import FINAL, MONDAY, RETRY, take
from tests.features.registrations.test_pages import Desk, service_image

SEEN = {f"check_{name}": "seen" for name in FIELDS}
LATER = MONDAY + timedelta(minutes=5)


@pytest.fixture
def desk(portal, step, story):
    """One case and reviewers with accounts; the clock stands on Monday 10:00."""
    portal.config["WTF_CSRF_ENABLED"] = False
    with step():
        row = story.case()
        number, row_id, image_id = row.number, row.id, service_image(row)
        me, other, lead = (
            staff_queries.actor_of(staff.account(("reviewer", None, is_lead), name=name).id)
            for name, is_lead in (("沈若拟", False), ("陈样审", False), ("周组长", True))
        )
    portal.extensions["acting"] = me
    with clock.frozen(MONDAY):
        found = Desk(portal, portal.test_client(), me, number, row_id, image_id)
        found.other, found.lead = other, lead
        yield found


def html(answer) -> str:
    return answer.get_data(as_text=True)


def test_passing_on_by_the_page_keeps_the_draft_and_tells_the_receiver(desk, step):
    desk.next()
    answer = desk.client.post(f"{desk.url}/aside/pass", data={**desk.fields(), "check_name": "seen"})
    assert answer.headers["Location"] == f"{desk.url}/pass"
    page = html(desk.client.get(f"{desk.url}/pass"))
    assert "陈样审" in page
    assert "同组任何人" in page
    token = desk.fields()["lease_token"]
    refused = desk.client.post(f"{desk.url}/pass", data={"lease_token": token, "to": str(desk.other.id)})
    assert refused.status_code == 422
    nobody = desk.client.post(f"{desk.url}/pass", data={"lease_token": token, "to": "<x>", "private_note": "看章"})
    assert nobody.status_code == 422
    assert "看章" in html(nobody)
    data = {"lease_token": token, "to": str(desk.other.id), "private_note": "看章"}
    assert desk.client.post(f"{desk.url}/pass", data=data).headers["Location"] == "/registrations"
    assert desk.client.post(f"{desk.url}/pass", data=data).status_code == 409
    desk.sit(desk.other)
    page = html(desk.client.get(desk.url))
    assert "沈若拟 转给您" in page
    assert "看章" in page
    desk.client.post(f"{desk.url}/claim")
    assert 'value="seen" checked' not in html(desk.client.get(desk.url)), "the draft stays with the giver"


def test_recusal_by_the_page(desk):
    desk.next()
    assert desk.client.post(f"{desk.url}/aside/recuse", data=desk.fields()).headers["Location"] == f"{desk.url}/recuse"
    assert "我认识申请人" in html(desk.client.get(f"{desk.url}/recuse"))
    desk.client.post(f"{desk.url}/recuse")
    page = html(desk.client.get(desk.url))
    assert "您已声明认识申请人" in page
    assert "data-viewer" not in page
    assert desk.image().status_code == 403


def test_merging_by_the_page_shows_both_and_wants_a_confirmation(desk, step, story):
    with step():
        twin, stranger = story.case().number, story.case(name="王虚构").number
    desk.next()
    desk.client.post(f"{desk.url}/aside/merge", data=desk.fields())
    page = html(desk.client.get(f"{desk.url}/merge"))
    assert twin in page
    assert stranger not in page
    assert desk.client.get(f"{desk.url}/merge?target=REG-1").status_code == 404
    page = html(desk.client.get(f"{desk.url}/merge?target={twin.lower()}"))
    assert "我确认两件是同一个人" in page
    assert "<img" not in page
    data = {**desk.fields(), "target": twin}
    refused = desk.client.post(f"{desk.url}/merge", data={**data, "private_note": "同一个人"})
    assert refused.status_code == 422
    assert "请确认两件是同一个人" in html(refused)
    desk.client.post(f"{desk.url}/merge", data={**data, "same_person": "1"})
    assert desk.status() == "merged"


def test_rounds_beside_each_other_on_the_case_and_on_their_page(desk, step, story):
    with step():
        service.ask_again(desk.other, desk.row_id, take(desk.other, db.session.get(Registration, desk.row_id)), RETRY)
    with step(LATER):
        service.resubmit(story.people[0], story.claim(title="副主任护师"))
    with clock.frozen(LATER):
        desk.next()
        page = html(desk.client.get(desk.url))
        assert "与上一轮对照" in page
        page = html(desk.client.get(f"{desk.url}/rounds"))
    for words in ("主管护师", "副主任护师", "反光遮挡", "第 1 版", "已改", "陈样审"):
        assert words in page


def test_standing_suspend_reinstate_revoke_by_two_leads_and_reopen(desk, step, story):
    desk.next()
    desk.client.post(f"{desk.url}/approve", data={**desk.fields(), **SEEN})
    desk.sit(desk.lead)
    standing = f"{desk.url}/standing"
    assert "决定还在可撤销的时间内" in html(desk.client.get(standing))
    with clock.frozen(LATER):
        assert "证件上已见" in html(desk.client.get(standing))
        refused = desk.client.post(f"{desk.url}/suspend", data={"private_note": ""})
        assert refused.status_code == 422
        desk.client.post(f"{desk.url}/suspend", data={"private_note": "换了医院"})
        assert desk.status() == "suspended"
        assert "撤销须另一位组长" in html(desk.client.get(standing))
        refused = desk.client.post(f"{desk.url}/revoke", data={"private_note": "离职已核实"})
        assert refused.status_code == 403
        assert "离职已核实" in html(refused)
        desk.client.post(f"{desk.url}/reinstate", data={"private_note": "仍在职"})
        assert desk.status() == "approved"
    desk.sit(desk.me)
    assert desk.client.get(standing).status_code == 403


def test_an_appeal_stands_above_the_fields_with_the_first_decision(desk, step, story):
    with step():
        service.reject(desk.other, desk.row_id, take(desk.other, db.session.get(Registration, desk.row_id)), FINAL)
    with step(LATER):
        service.appeal(story.people[0], "我是内镜中心护士长")
    with clock.frozen(LATER):
        desk.client.post(f"{desk.url}/claim")
        page = html(desk.client.get(desk.url))
        for words in ("我是内镜中心护士长", "原决定：陈样审", "给申请人的答复", "申诉成立，通过"):
            assert words in page


def test_the_reviewers_page_sets_caps_and_days_away(desk):
    desk.next()
    desk.sit(desk.lead)
    page = html(desk.client.get("/registrations/team"))
    assert "沈若拟" in page
    url = f"/registrations/team/{desk.me.id}"
    assert desk.client.post(f"{url}/limit", data={"open_cases": "0"}).status_code == 422
    assert desk.client.post(f"{url}/limit", data={"open_cases": "x"}).status_code == 422
    assert desk.client.post(f"{url}/limit", data={"open_cases": "1"}).status_code == 302
    bad = desk.client.post(f"{url}/absence", data={"first_day": "2026-11-24", "last_day": "2026-11-23"})
    assert bad.status_code == 422
    assert "2026-11-24" in html(bad), "what was typed is still there"
    days = {"first_day": "2026-11-23", "last_day": "2026-11-24"}
    assert desk.client.post(f"{url}/absence", data=days).status_code == 302
    assert desk.client.post(f"{url}/absence", data=days).status_code == 409
    with desk.portal.app_context():
        assert db.session.get(Registration, desk.row_id).lease_staff_id is None
    desk.sit(desk.me)
    assert desk.client.post("/registrations/next").status_code == 409
    assert desk.client.get("/registrations/team").status_code == 403


def test_the_reviewers_page_costs_five_statements_at_most(desk):
    desk.sit(desk.lead)
    asked: list[str] = []
    note = lambda _c, _cur, statement, *_r: asked.append(statement)
    desk.client.get("/registrations/team")
    with desk.portal.app_context():
        engines = (db.engine, keys.keystore.store().engine)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    desk.client.get("/registrations/team")
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)
    asked = [statement for statement in asked if statement.split()[0] not in ("BEGIN", "PRAGMA")]
    assert len(asked) <= 5, asked


def keeper(desk):
    return replace(desk.lead, rights=MappingProxyType({**desk.lead.rights, Permission.REASONS_MANAGE: None}))


WORDS = {
    "code": "copy_of_badge", "kind": "RETRY", "section": "photo", "private_text": "像是复印件",
    "public_long": "照片像是复印件，请拍原件。", "public_short": "请拍证件原件",
}  # fmt: skip


def test_reasons_are_added_changed_moved_and_retired_by_the_page(desk):
    desk.sit(desk.me)
    assert "反光遮挡" in html(desk.client.get("/registrations/reasons"))
    assert desk.client.get("/registrations/reasons/new").status_code == 403
    desk.sit(keeper(desk))
    long = desk.client.post("/registrations/reasons/new", data={**WORDS, "public_short": "字" * 21})
    assert long.status_code == 422
    assert "像是复印件" in html(long), "what was typed is still there"
    assert desk.client.post("/registrations/reasons/new", data=WORDS).status_code == 302
    assert desk.client.post("/registrations/reasons/new", data=WORDS).status_code == 409
    url = "/registrations/reasons/copy_of_badge"
    assert desk.client.get(url).status_code == 200
    changed = {**WORDS, "version": "1", "public_short": "请拍原件"}
    assert desk.client.post(url, data=changed).status_code == 302
    assert desk.client.post(url, data={**changed, "public_short": "原件"}).status_code == 409
    assert desk.client.post(f"{url}/up").status_code == 302
    assert desk.client.post(f"{url}/retire").status_code == 302
    assert "已停用" in html(desk.client.get("/registrations/reasons"))
    assert desk.client.get("/registrations/reasons/no_such").status_code == 404
    with desk.portal.app_context():
        versions = db.session.scalars(sa.select(ReviewReason.version).where(ReviewReason.code == "copy_of_badge")).all()
    assert sorted(versions) == [1, 2, 3]


def test_the_pulse_says_who_what_and_when_and_a_refresh_keeps_typed_text(desk, step, story):
    desk.next()
    fields = desk.fields()
    assert desk.client.get(f"{desk.url}/pulse?version=1&mine=1").status_code == 204
    with step(LATER):
        service.resubmit(story.people[0], story.claim())
    with clock.frozen(LATER):
        told = desk.client.get(f"{desk.url}/pulse?version=1&mine=1").get_json()
        assert told == {"what": "换了照片或内容", "who": "申请人", "at": "11-23 10:05"}
        page = html(desk.client.post(f"{desk.url}/refresh", data={**fields, "private_note": "还在这里"}))
    assert "还在这里" in page
    assert re.search(r'<input[^>]*name="evidence_version"[^>]*value="2"', page)


def test_the_pulse_says_when_the_case_is_no_longer_mine(desk, step):
    desk.next()
    with clock.frozen(MONDAY + timedelta(minutes=16)):
        assert desk.client.get(f"{desk.url}/pulse?version=1&mine=1").get_json()["what"] == "这一件不再由您处理"


def test_a_decision_answers_with_the_next_case_itself(desk, step, story):
    """One round trip: the page of the next case is the answer, its address beside it; the rest is as by redirect."""
    with step(MONDAY + timedelta(minutes=1)):
        following = story.case().number
    desk.next()
    ahead = desk.client.post(f"{desk.url}/ahead").get_json()
    assert ahead["number"] == following
    assert desk.client.get(ahead["images"][0]).status_code == 200
    answer = desk.client.post(f"{desk.url}/approve", data={**desk.fields(), **SEEN}, headers={"X-Onward": "1"})
    assert (answer.status_code, answer.headers["Content-Location"]) == (200, f"/registrations/{following}")
    assert following in html(answer)
    assert f"{desk.url}/undo" in html(answer)
    assert desk.events("badge.opened") == 1


def test_at_the_end_of_the_queue_the_answer_is_an_address(desk):
    desk.next()
    assert desk.client.post(f"{desk.url}/ahead").status_code == 204
    answer = desk.client.post(f"{desk.url}/approve", data={**desk.fields(), **SEEN}, headers={"X-Onward": "1"})
    assert answer.get_json() == {"go": "/registrations"}


def test_what_was_claimed_ahead_is_given_back_on_leaving(desk, step, story):
    with step(MONDAY + timedelta(minutes=1)):
        following = story.case().id
    desk.next()
    desk.client.post(f"{desk.url}/ahead")
    assert desk.client.post("/registrations/ahead/release").status_code == 204
    with desk.portal.app_context():
        assert db.session.get(Registration, following).lease_staff_id is None
        assert db.session.get(Registration, desk.row_id).lease_staff_id == desk.me.id


def test_an_approval_against_a_rule_says_that_it_became_a_proposal(desk):
    desk.next()
    desk.client.post(f"{desk.url}/approve", data={**desk.fields(), **SEEN, "badge_valid_until": "2026-11-01"})
    assert desk.status() == "awaiting_second"
    page = html(desk.client.get(desk.url))
    assert "按规则须第二人：例外：证件已过有效期" in page
