"""The ticket's page: what is read in a glance, what goes out, what stays with us, and what a reveal leaves behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.outbox import Message, MessageState
from app.core.web import Portal
from app.tickets import service
from app.tickets.models import TicketContact, TicketMessage
from app.tickets.panels import TicketPanel, ticket_panels
from app.tickets.queries import readable
from app.tickets.workflow import Status
from tests.features.tickets.pages import Office, Ref, office
from tests.features.tickets.people import MONDAY

PHONE = "+8613900008642"


@pytest.fixture
def o(app: Portal) -> Iterator[Office]:
    with clock.frozen(MONDAY):
        yield office(app)


@pytest.fixture
def ref(o: Office) -> Ref:
    return o.report("插入部漏水 <script>alert(1)</script> =1+1", serial="1234567", device_model="GIF-H290")


def contact(o: Office, ref: Ref) -> None:
    with o.work():
        row = db.session.scalars(sa.select(TicketContact).where(TicketContact.ticket_id == ref.id)).one_or_none()
        row = row or TicketContact(ticket_id=ref.id, subject_id=o.read_subject(ref), is_reporter=False)
        db.session.add(row)
        db.session.flush()
        row.is_reporter, row.name, row.phone = False, "冯虚构", PHONE


def test_who_what_where_deadline_and_next_action_come_first(o: Office, ref: Ref) -> None:
    page = o.get(ref.url)
    strip = page.split("tk-strip")[1].split("</section>")[0]
    for words in ("GIF-H290", "SN 1234567", "华东第一示范医院", "首次受理", "剩余", "等人接手分诊"):
        assert words in strip, words
    assert "<script>alert" not in page


def test_a_note_for_us_never_reaches_the_customer(o: Office, ref: Ref) -> None:
    assert o.post(f"{ref.url}/say", {"to": "note", "text": "内部：科室很急"}).status_code == 303
    assert o.post(f"{ref.url}/say", {"to": "", "text": "没有选给谁看"}).status_code == 303
    page = o.get(ref.url)
    assert page.count("tk-item--note") == 2
    with o.work():
        assert db.session.scalars(sa.select(Message.template)).all() == []
        row, steps = readable.one(readable.reader(o.customer), ref.number)
        assert "科室很急" not in repr((row, steps))


def test_18_a_message_to_the_customer_shows_its_way_and_a_refusal_falls_back_to_a_call(o: Office, ref: Ref) -> None:
    assert o.post(f"{ref.url}/say", {"to": "customer", "text": "请问能否重现？"}).status_code == 303
    page = o.get(ref.url)
    assert "请问能否重现？" in page
    assert "短信" in page.split("tk-said")[1]
    with o.work():
        sent = db.session.scalars(sa.select(Message)).one()
        assert (sent.template, sent.purpose) == ("ticket_message", "ticket_progress")
        sent.state, sent.error_code = MessageState.FAILED.value, "wechat_43101"
        key = sent.dedupe_key
    page = o.get(ref.url)
    assert "没有送达，打电话" in page
    assert key in o.get(f"{ref.url}/act/called", query_string={"about": key})
    assert o.post(f"{ref.url}/act/called", {"about": key, "text": "已告知冯老师"}).status_code == 303
    page = o.get(ref.url)
    assert "没有送达，打电话" not in page
    assert "已打电话" in page


@pytest.mark.parametrize("text", ["", "   ", "字" * 1001])
def test_an_empty_or_too_long_message_is_refused_and_kept(o: Office, ref: Ref, text: str) -> None:
    answer = o.post(f"{ref.url}/say", {"to": "customer", "text": text})
    assert answer.status_code == 422
    assert text.strip() in answer.get_data(as_text=True)
    with o.work():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(TicketMessage)) == 0


def test_a_caller_without_an_account_is_told_by_phone(o: Office) -> None:
    with o.work():
        made = service.record_ticket(o.customer, service.Intake(o.story.hospital_id, "漏水"))
        made.customer_id = None
        number = made.number
    page = o.get(f"/tickets/{number}")
    assert "没有小程序账号" in page
    refused = o.post(f"/tickets/{number}/say", {"to": "customer", "text": "您好"})
    assert refused.status_code == 409
    assert "您好" in refused.get_data(as_text=True)


def test_the_message_budget_of_one_time_subscriptions_is_shown(o: Office, ref: Ref) -> None:
    assert "小程序一次性消息还剩 0 条" in o.get(ref.url)


def test_a_contact_is_masked_and_opened_with_a_reason_only(o: Office, ref: Ref) -> None:
    contact(o, ref)
    page = o.get(ref.url)
    assert "139****8642" in page
    assert "13900008642" not in page
    assert "冯虚构" not in page
    assert o.post(f"{ref.url}/contact", {"reason": ""}).status_code == 422
    answer = o.post(f"{ref.url}/contact", {"reason": "repair_contact", "note": ""})
    assert answer.status_code == 200
    assert "139 0000 8642" in answer.get_data(as_text=True)
    assert answer.headers["Cache-Control"] == "no-store"
    with o.work():
        found = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.event == "ticket.contact_revealed")).all()
        assert [one.reason_code for one in found] == ["repair_contact"]
    assert o.client("shanghai").post(f"{ref.url}/contact", data={"reason": "call_back"}).status_code == 404


def test_acts_stand_by_right_and_status_and_ask_first(o: Office, ref: Ref) -> None:
    assert "代用户撤销" not in o.get(ref.url)
    assert "代用户撤销" in o.get(ref.url, who="lead")
    assert o.post(f"{ref.url}/act/cancel", {"reason": "customer_wish"}).status_code == 403
    assert o.post(f"{ref.url}/act/cancel", {"reason": ""}, "lead").status_code == 422
    assert o.post(f"{ref.url}/act/cancel", {"reason": "nonsense"}, "lead").status_code == 422
    assert o.post(f"{ref.url}/act/cancel", {"reason": "customer_wish"}, "lead").status_code == 303
    assert o.read(ref).status == Status.CANCELLED
    assert o.post(f"{ref.url}/act/cancel", {"reason": "customer_wish"}, "lead").status_code == 409


def test_a_panel_of_a_colleague_is_drawn_by_right(o: Office, ref: Ref) -> None:
    from app.core.policy import Permission

    panel = TicketPanel("t", "试", 1, Permission.SAFETY_WORK, "tickets/none.html", lambda _a, _t: {})
    ticket_panels.add("t", panel)
    try:
        o.get(ref.url)  # no right: the template is not even asked for
    finally:
        ticket_panels._entries.pop("t")


def test_the_page_costs_a_fixed_number_of_statements(o: Office, ref: Ref) -> None:
    o.get(ref.url)
    with o.statements() as few:
        o.get(ref.url)
    for n in range(8):
        o.post(f"{ref.url}/say", {"to": "note", "text": f"备注 {n}"})
    with o.statements() as many:
        o.get(ref.url)
    assert len(many) == len(few)
    assert len(many) <= 16, many


def test_the_palette_finds_numbers_and_serials(o: Office, ref: Ref) -> None:
    for words in (ref.number, "1234567", "12345"):
        assert ref.number in o.post("/ui/palette", {"q": words}).get_data(as_text=True), words
    assert ref.number not in o.post("/ui/palette", {"q": "123"}).get_data(as_text=True)


def test_today_names_the_oldest_report(o: Office, ref: Ref) -> None:
    assert ref.number in o.get("/")
