"""The pages: queue, case, decisions by plain form posts, and the badge image behind its task."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from app.core import calendar, clock, keys
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.files import StoredFile
from app.core.outbox import Message, MessageState
from app.core.unit_of_work import unit_of_work
from app.customers.models import Customer, Gender
from app.registrations import service
from app.registrations.models import Registration
from app.registrations.service import FIELDS
from tests.features.registrations.story import MONDAY, NOTE, RETRY, reviewer, take

SEEN = {f"check_{name}": "seen" for name in FIELDS}


@pytest.fixture
def desk(portal, step, story):
    """One case, a reviewer at the browser, tokens of forms not asked for; the clock stands on Monday 10:00."""
    portal.config["WTF_CSRF_ENABLED"] = False
    with step():
        row = story.case()
        number, row_id = row.number, row.id
        image_id = service_image(row)
    me = reviewer("沈若拟")
    portal.extensions["acting"] = me
    with clock.frozen(MONDAY):
        yield Desk(portal, portal.test_client(), me, number, row_id, image_id)


def service_image(row: Registration) -> uuid.UUID:
    from app.registrations.models import SubmissionImage

    return db.session.scalars(sa.select(SubmissionImage.id).where(SubmissionImage.registration_id == row.id)).one()


class Desk:
    def __init__(self, portal, client, me, number, row_id, image_id):
        self.portal, self.client, self.me = portal, client, me
        self.number, self.row_id, self.image_id = number, row_id, image_id
        self.url = f"/registrations/{number}"

    def sit(self, actor):
        self.portal.extensions["acting"] = actor

    def next(self) -> str:
        return self.client.post("/registrations/next").headers["Location"]

    def fields(self) -> dict[str, str]:
        """The hidden fields of the page, as a browser without scripts would send them."""
        html = self.client.get(self.url).get_data(as_text=True)
        found = dict(re.findall(r'<input[^>]*name="(lease_token|evidence_version|task)"[^>]*value="([^"]*)"', html))
        assert set(found) == {"lease_token", "evidence_version", "task"}
        return found

    def image(self, **kw):
        return self.client.get(f"{self.url}/images/{self.image_id}", **kw)

    def status(self) -> str:
        with self.portal.app_context():
            return db.session.scalar(sa.select(Registration.status).where(Registration.id == self.row_id))

    def events(self, name: str) -> int:
        with self.portal.app_context():
            return db.session.scalar(sa.select(sa.func.count()).where(AuditEvent.event == name))


def test_the_queue_costs_four_statements_at_most(desk):
    seen: list[str] = []
    with desk.portal.app_context():
        engines = (db.engine, keys.keystore.store().engine)
    note = lambda _c, _cur, statement, *_r: seen.append(statement)
    desk.client.get("/registrations")
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    page = desk.client.get("/registrations")
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)
    assert page.status_code == 200
    assert desk.number in page.get_data(as_text=True)
    asked = [statement for statement in seen if statement.split()[0] not in ("BEGIN", "PRAGMA")]
    assert len(asked) <= 4, asked


def test_the_queue_and_the_case_tell_the_same_working_time(desk):
    """Friday 17:00, 8 working hours due: on Saturday 7 are left on both pages, whatever the wall clock says."""
    friday = datetime(2026, 11, 20, 9, tzinfo=UTC)
    with desk.portal.app_context(), unit_of_work():
        row = db.session.get(Registration, desk.row_id)
        row.submitted_at, row.due_at = friday, calendar.add_working_hours(friday, 8)
    with clock.frozen(friday + timedelta(hours=16)):
        html = desk.client.get("/registrations?tab=open").get_data(as_text=True)
        case = desk.client.get(desk.url).get_data(as_text=True)
    assert re.search(
        r'class="left is-calm">剩余 7 小时<svg class="fuse is-calm"[^>]*>.*?class="v" width="42.0"', html
    ), html
    assert "剩余 7 小时" in case


def test_the_case_costs_eight_statements_at_most(desk):
    """Session, case, keys, photos, history, reasons, numbers with the calendar's version, counts."""
    desk.next()
    seen: list[str] = []
    with desk.portal.app_context():
        engines = (db.engine, keys.keystore.store().engine)
    note = lambda _c, _cur, statement, *_r: seen.append(statement)
    desk.client.get(desk.url)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    page = desk.client.get(desk.url)
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)
    assert "由您处理" in page.get_data(as_text=True)
    asked = [statement for statement in seen if statement.split()[0] not in ("BEGIN", "PRAGMA")]
    assert len(asked) <= 8, asked


@pytest.mark.parametrize("tab", ["todo", "mine", "late", "second", "hold", "retake", "appeal", "open", "done"])
def test_every_tab_opens(desk, tab):
    assert desk.client.get(f"/registrations?tab={tab}").status_code == 200


@pytest.mark.parametrize(
    "query, found",
    [
        ("q=REG-2026", True), ("q=冯虚构", True), ("q=冯", False), ("hospital=示范", True), ("province=31", True),
        ("province=44", False), ("round=1", True), ("round=2", False), ("phone=0000", False),
        ("q=%3Cscript%3E", False), ("phone='%20OR%201=1", False), ("sort=--;drop", True), ("after=AAAA", True),
    ],
)  # fmt: skip
def test_filters(desk, query, found):
    page = desk.client.get(f"/registrations?{query}")
    assert page.status_code == 200
    assert (desk.number in page.get_data(as_text=True)) is found


def test_the_phone_filter_takes_the_whole_number_or_its_end(desk, step):
    with step():
        phone = db.session.scalars(sa.select(Customer)).one().phone
    for value in (phone, phone.removeprefix("+86"), phone[-4:]):
        assert desk.number in desk.client.get("/registrations", query_string={"phone": value}).get_data(as_text=True)


def test_next_claims_and_opens_the_case(desk):
    assert desk.next() == desk.url
    page = desk.client.get(desk.url).get_data(as_text=True)
    assert "冯虚构" in page
    assert f"/images/{desk.image_id}" in page


def test_the_case_page_shows_no_gender_and_a_masked_phone(desk, step):
    with step():
        person = db.session.scalars(sa.select(Customer)).one()
        person.gender, phone = Gender.FEMALE, person.phone
    desk.next()
    html = desk.client.get(desk.url).get_data(as_text=True)
    assert "138****" in html
    assert phone.removeprefix("+86") not in html
    assert not re.search(r"gender|性别|女士|female", html)


def test_an_approval_by_plain_post_opens_the_next_case(desk, step, story):
    with step(MONDAY + timedelta(minutes=1)):
        following = story.case().number
    desk.next()
    answer = desk.client.post(f"{desk.url}/approve", data={**desk.fields(), **SEEN})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/registrations/{following}")
    assert desk.status() == "approved"
    page = desk.client.get(answer.headers["Location"]).get_data(as_text=True)
    assert f"{desk.url}/undo" in page
    assert desk.client.post(f"{desk.url}/undo").headers["Location"] == desk.url
    assert desk.status() == "pending"


def test_all_seen_by_plain_post(desk):
    desk.next()
    page = desk.client.post(f"{desk.url}/checks", data={**desk.fields(), "public_text": "先存着"})
    html = page.get_data(as_text=True)
    assert page.status_code == 200
    assert len(re.findall(r'value="seen"\s+checked', html)) == len(FIELDS)
    assert "先存着" in html


def test_a_refusal_keeps_what_was_typed(desk):
    desk.next()
    answer = desk.client.post(
        f"{desk.url}/reject", data={**desk.fields(), **SEEN, "private_note": "这段话不能丢", "reasons": ["photo_glare"]}
    )
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "这段话不能丢" in html
    assert "不予通过须选一项最终原因" in html
    assert desk.status() == "pending"


def test_a_lost_race_says_who_and_keeps_what_was_typed(desk, step):
    other = reviewer("陈样审")
    desk.next()
    old = desk.fields()
    later = MONDAY + timedelta(minutes=20)
    with step(later):
        row, token = service.claim_next(other)
        service.approve(other, row.id, service.Seen(token, 1), service.Entered(checks=dict.fromkeys(FIELDS, "seen")))
    with clock.frozen(later):
        answer = desk.client.post(f"{desk.url}/reject", data={**old, "private_note": "我的备注"})
    html = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "陈样审" in html
    assert desk.status() == "approved"


@pytest.mark.parametrize("code", ["wechat_43101", "wechat_47003"])
def test_4_a_send_error_leaves_the_case_visibly_undelivered(desk, step, code):
    """43101 (not subscribed) on the last channel, 47003 (refused by WeChat): "未送达" on the case and on its standing."""
    with step():
        row = db.session.get_one(Registration, desk.row_id)
        service.ask_again(desk.me, row.id, take(desk.me, row), RETRY)
    pages = lambda: [desk.client.get(desk.url).get_data(as_text=True),
                     desk.client.get(f"{desk.url}/standing").get_data(as_text=True)]  # fmt: skip
    desk.sit(reviewer("组长", lead=True))
    assert not any("未送达" in page for page in pages()), "it may still arrive"
    state = MessageState.FAILED if code.endswith("43101") else MessageState.DEAD
    with step():
        db.session.execute(sa.update(Message).values(state=state.value, error_code=code))
    for page in pages():
        assert "未送达" in page and "结果未送达申请人" in page
        assert f"（{code[7:]}）" in page, "and why"
    with step():
        db.session.execute(sa.update(Message).values(state=MessageState.SENT.value, error_code=None))
    assert not any("未送达" in page for page in pages())


def test_asking_again_without_own_words_sends_the_reasons_words(desk):
    desk.next()
    desk.client.post(f"{desk.url}/ask-again", data={**desk.fields(), "reasons": ["photo_glare", "name_not_visible"]})
    assert desk.status() == "needs_resubmission"


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "<b>粗</b>", "=1+1", "'; DROP TABLE registration;--", "\u202e右到左"]
)
def test_hostile_text_is_refused_or_shown_as_text(desk, text):
    desk.next()
    data = {**desk.fields(), "reasons": ["photo_glare"], "public_text": text, "private_note": text}
    answer = desk.client.post(f"{desk.url}/ask-again", data=data)
    assert answer.status_code in (302, 422)
    html = desk.client.get(desk.url).get_data(as_text=True)
    assert "<script>alert" not in html
    assert "\u202e" not in html


@pytest.mark.parametrize(
    "act",
    ["approve", "ask-again", "reject", "hold", "ask-second", "return", "undo", "release", "suspend", "claim",
     "lease", "hand-back", "checks", "skip", "recuse-now", "refresh", "ahead", "reopen"],
)  # fmt: skip
def test_a_get_decides_nothing(desk, act):
    desk.next()
    assert desk.client.get(f"{desk.url}/{act}").status_code in (404, 405)
    assert desk.client.get("/registrations/next").status_code in (404, 405)
    assert desk.status() == "pending"


def test_a_post_without_token_is_refused(desk):
    desk.next()
    fields = desk.fields()
    desk.portal.config["WTF_CSRF_ENABLED"] = True
    assert desk.client.post(f"{desk.url}/approve", data={**fields, **SEEN}).status_code == 400
    assert desk.status() == "pending"


def test_handing_back_and_taking_another(desk, step, story):
    with step(MONDAY + timedelta(minutes=1)):
        other = story.case().number
    desk.next()
    answer = desk.client.post(f"{desk.url}/skip", data={**desk.fields(), "private_note": "留言"})
    assert answer.headers["Location"] == f"/registrations/{other}"


def test_renewing_by_the_page(desk):
    desk.next()
    fields = desk.fields()
    with clock.frozen(MONDAY + timedelta(minutes=10)):
        assert "10:25" in desk.client.post(f"{desk.url}/lease", data=fields).get_json()["words"]
    assert desk.client.post(f"{desk.url}/lease", data={"lease_token": "x"}).status_code == 409


def test_the_second_person_decides_on_the_same_page(desk, step):
    proposer = reviewer("陈样审")
    with step():
        row = db.session.get(Registration, desk.row_id)
        service.ask_second(proposer, row.id, take(proposer, row), NOTE)
    html = desk.client.get(desk.url).get_data(as_text=True)
    assert "陈样审 提议通过" in html
    desk.client.post(f"{desk.url}/claim")
    answer = desk.client.post(f"{desk.url}/approve", data={**desk.fields(), **SEEN})
    assert answer.status_code == 302
    assert desk.status() == "approved"


def test_a_lead_suspends_and_another_revokes(desk, step):
    desk.next()
    desk.client.post(f"{desk.url}/approve", data={**desk.fields(), **SEEN})
    with clock.frozen(MONDAY + timedelta(minutes=5)):
        desk.sit(reviewer("组长甲", lead=True))
        assert desk.client.get(desk.url).status_code == 200
        desk.client.post(f"{desk.url}/suspend", data={"private_note": "换了医院"})
        assert desk.status() == "suspended"
        assert desk.client.post(f"{desk.url}/revoke", data={"private_note": "同上"}).status_code == 403
        desk.sit(reviewer("组长乙", lead=True))
        desk.client.post(f"{desk.url}/revoke", data={"private_note": "已离职"})
    assert desk.status() == "revoked"


# the image


def test_the_image_opens_for_the_lease_holder_and_is_an_event_first(desk):
    desk.next()
    answer = desk.image(headers={"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "image"})
    assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
    assert answer.data.startswith(b"\xff\xd8")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert desk.events("badge.opened") == 1


def test_every_copy_carries_the_viewers_mark(desk):
    from app.core.files import vault

    desk.next()
    with desk.portal.app_context():
        kept = vault.open_sealed(db.session.scalars(sa.select(StoredFile).where(StoredFile.kind == "badge")).one())
    assert desk.image().data != kept


def test_without_a_task_the_image_stays_closed(desk):
    answer = desk.image()
    assert answer.status_code == 403
    desk.next()
    desk.sit(reviewer("陈样审"))
    assert desk.image().status_code == 403
    desk.sit(reviewer("组长", lead=True))
    assert desk.image().status_code == 403
    assert desk.events("badge.opened") == 0


def test_the_task_ends_with_the_lease_and_with_the_decision(desk):
    desk.next()
    with clock.frozen(MONDAY + timedelta(minutes=15)):
        assert desk.image().status_code == 403
    desk.client.post(f"{desk.url}/approve", data={**desk.fields(), **SEEN})
    assert desk.image().status_code == 403


def test_out_of_scope_is_not_there(desk):
    desk.sit(reviewer("外省", provinces=frozenset({"44"})))
    assert desk.image().status_code == 404
    assert desk.client.get(desk.url).status_code == 404
    assert desk.client.get(f"{desk.url}/drawer").status_code == 404


def test_an_image_of_another_case_is_not_there(desk, step, story):
    with step():
        other = service_image(story.case())
    desk.next()
    assert desk.client.get(f"{desk.url}/images/{other}").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "document"},
     {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "iframe"}],
)  # fmt: skip
def test_foreign_fetches_get_nothing(desk, headers):
    desk.next()
    assert desk.image(headers=headers).status_code == 403
    assert desk.events("badge.opened") == 0


def test_an_image_without_its_event_is_not_sent(desk, monkeypatch):
    from sqlalchemy.exc import OperationalError

    def broken(*_args, **_kw):
        raise OperationalError("INSERT INTO audit_event", {}, Exception("disk full"))

    desk.next()
    monkeypatch.setattr("app.core.unit_of_work._last_words", [broken])
    answer = desk.image()
    assert answer.status_code == 503
    assert not answer.data.startswith(b"\xff\xd8")


def test_an_erased_image_is_gone(desk, step):
    desk.next()
    with step():
        for stored in db.session.scalars(sa.select(StoredFile)):
            stored.erase_at = MONDAY
    assert desk.image().status_code == 410
    html = desk.client.get(desk.url).get_data(as_text=True)
    assert "照片已按期删除" in html


def test_the_applicant_on_staff_sees_no_badge_and_no_button(desk, step):
    with step():
        index = db.session.scalars(sa.select(Customer.phone_index)).one()
    desk.sit(reviewer("本人", phone_index=index))
    html = desk.client.get(desk.url).get_data(as_text=True)
    assert "这是您本人的注册" in html
    assert "data-viewer" not in html
    assert desk.image().status_code == 403
