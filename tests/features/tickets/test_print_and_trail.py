"""The sheet of paper, the audit log on the ticket's page, how to speak to the contact, and files of an ended ticket."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.web import Portal
from app.customers.models import Customer, Gender
from app.tickets import service
from app.tickets.models import TicketFile
from app.tickets.triage import QUESTIONS
from app.tickets.workflow import Status
from tests.features.registrations.story import photo
from tests.features.tickets.pages import Office, Ref, office
from tests.features.tickets.people import DAY, HOUR, MONDAY
from tests.features.tickets.test_ticket_page import contact


@pytest.fixture
def o(app: Portal) -> Iterator[Office]:
    with clock.frozen(MONDAY):
        yield office(app)


@pytest.fixture
def ref(o: Office) -> Ref:
    return o.report("插入部漏水 <script>alert(1)</script>", serial="1234567", device_model="GIF-H290", photos=[photo()])


def events(o: Office, *names: str) -> list[tuple[str, str | None]]:
    with o.work():
        query = sa.select(AuditEvent.event, AuditEvent.reason_code).where(AuditEvent.event.in_(names))
        return [row._tuple() for row in db.session.execute(query.order_by(AuditEvent.seq))]


def test_the_sheet_says_who_what_where_until_when_and_what_happened_and_its_opening_is_recorded(
    o: Office, ref: Ref
) -> None:
    o.post(f"{ref.url}/say", {"to": "customer", "text": "请问能否重现？"})
    page = o.get(f"{ref.url}/print")
    for words in (ref.number, "GIF-H290", "1234567", "华东第一示范医院", "插入部漏水", "等人接手分诊", "请问能否重现？",
                  "首次受理", "科室签名、日期", "沈若拟 打印于"):  # fmt: skip
        assert words in page, words
    assert "<script>alert" not in page
    assert events(o, "ticket.printed") == [("ticket.printed", None)]


def test_the_sheet_holds_no_note_of_ours_and_no_number_in_full(o: Office, ref: Ref) -> None:
    contact(o, ref)
    o.post(f"{ref.url}/say", {"to": "note", "text": "内部：科室很急"})
    with o.work():
        row = service.locked(ref.id)
        service.claim(o.people["triager"], row.id, service.Seen(1))
        service.ask(o.people["triager"], row.id, service.Seen(2), tuple(QUESTIONS)[:1], "请补一张照片")
        service.record_answer(o.people["triager"], row.id, "电话里说按钮卡住")
    page = o.get(f"{ref.url}/print")
    assert "科室很急" not in page and "按钮卡住" not in page
    assert "139****8642" in page and "13900008642" not in page and "冯虚构" not in page
    assert "请补一张照片" in page


def test_the_sheet_is_for_whoever_sees_the_ticket(o: Office, ref: Ref) -> None:
    assert o.client("reader").get(f"{ref.url}/print").status_code == 200
    assert o.client("shanghai").get(f"{ref.url}/print").status_code == 404
    assert o.client().get("/tickets/TKT-19990101-0001/print").status_code == 404


def test_a_long_history_prints_its_latest_lines_and_says_how_many_are_missing(o: Office, ref: Ref) -> None:
    for n in range(16):
        o.post(f"{ref.url}/say", {"to": "customer", "text": f"第 {n} 封"})
    page = o.get(f"{ref.url}/print")
    assert "更早的 3 条没有印出" in page
    assert "第 15 封" in page and "第 1 封" not in page


def test_the_lead_reads_the_chain_of_this_ticket_on_its_page_and_nobody_else_does(o: Office, ref: Ref) -> None:
    o.post(f"{ref.url}/say", {"to": "note", "text": "x"})
    other = o.report("另一处")
    o.get(f"{other.url}/print")
    page = o.get(ref.url, "lead")
    trail = page.split('id="trail"')[1]
    assert "记内部备注" in trail and "沈若拟" in trail and "报修" in trail
    assert "打开打印页" not in trail  # that was of the other ticket
    assert 'id="trail"' not in o.get(ref.url) and 'id="trail"' not in o.get(ref.url, "reader")


def test_the_trail_costs_one_statement_however_long_it_is(o: Office, ref: Ref) -> None:
    o.get(ref.url, "lead")
    with o.statements() as few:
        o.get(ref.url, "lead")
    for n in range(5):
        o.post(f"{ref.url}/say", {"to": "note", "text": f"{n}"})
    with o.statements() as many:
        o.get(ref.url, "lead")
    assert len(many) == len(few) <= 17, many


@pytest.mark.parametrize(
    ("gender", "said"), [(Gender.FEMALE, "冯女士"), (Gender.MALE, "冯先生"), (Gender.UNDISCLOSED, "冯老师")]
)
def test_the_contact_card_says_how_to_speak_to_the_reporter(o: Office, ref: Ref, gender: Gender, said: str) -> None:
    with o.work():
        row = db.session.get_one(Customer, o.customer.id)
        row.name, row.gender = "冯虚构", gender
    assert said in o.get(ref.url) and said in o.get(f"{ref.url}/print")
    for page in (o.get(ref.url, "reader"), o.get(f"{ref.url}/print", "reader")):
        assert said not in page and "冯虚构" not in page  # who plans visits sees no names


def test_somebody_elses_gender_was_never_asked(o: Office, ref: Ref) -> None:
    contact(o, ref)
    assert "冯老师" in o.get(ref.url)


def ended(o: Office, ref: Ref) -> None:
    with o.work():
        service.cancel_own(o.customer, ref.number)


def photo_url(o: Office, ref: Ref) -> str:
    with o.work():
        return f"{ref.url}/photos/{db.session.scalars(sa.select(TicketFile.id)).one()}"


OWN = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "image"}


def test_files_of_an_ended_ticket_open_for_a_lead_with_a_reason_for_an_hour(o: Office, ref: Ref) -> None:
    ended(o, ref)
    url = photo_url(o, ref)
    for who in ("triager", "lead"):
        assert o.client(who).get(url, headers=OWN).status_code == 403
    assert "说明原因后查看" in o.get(f"{ref.url}/files", "lead")
    assert "说明原因后查看" not in o.get(f"{ref.url}/files")
    assert o.post(f"{ref.url}/files/look", {"reason": "objection_check"}).status_code == 403
    assert o.post(f"{ref.url}/files/look", {"reason": ""}, "lead").status_code == 422
    assert o.post(f"{ref.url}/files/look", {"reason": "nosy"}, "lead").status_code == 422
    assert o.post(f"{ref.url}/files/look", {"reason": "objection_check"}, "lead").status_code == 303
    assert o.client("lead").get(url, headers=OWN).status_code == 200
    assert o.client("triager").get(url, headers=OWN).status_code == 403  # the task is one person's
    assert events(o, "ticket.files_asked", "ticket.photo_opened") == [
        ("ticket.files_asked", "objection_check"), ("ticket.photo_opened", "objection_check"),
    ]  # fmt: skip
    with clock.frozen(MONDAY + HOUR):
        o.clients.clear()
        assert o.client("lead").get(url, headers=OWN).status_code == 403


def test_after_the_time_to_reopen_nobody_opens_them_and_a_look_ends_with_it(o: Office, ref: Ref) -> None:
    ended(o, ref)
    with clock.frozen(MONDAY + 30 * DAY - timedelta(minutes=10)):
        o.clients.clear()
        assert o.post(f"{ref.url}/files/look", {"reason": "reopen_check"}, "lead").status_code == 303
        assert o.client("lead").get(photo_url(o, ref), headers=OWN).status_code == 200
    with clock.frozen(MONDAY + 30 * DAY + timedelta(minutes=10)):
        assert o.client("lead").get(photo_url(o, ref), headers=OWN).status_code == 403
        answer = o.post(f"{ref.url}/files/look", {"reason": "reopen_check"}, "lead")
        assert answer.status_code == 409 and "已超过可以重新打开的期限" in answer.get_data(as_text=True)


def test_an_open_ticket_needs_no_such_reason_and_another_region_finds_nothing(o: Office, ref: Ref) -> None:
    assert o.post(f"{ref.url}/files/look", {"reason": "reopen_check"}, "lead").status_code == 409
    ended(o, ref)
    assert o.read(ref).status == Status.CANCELLED
    assert o.post("/tickets/TKT-19990101-0001/files/look", {"reason": "reopen_check"}, "lead").status_code == 404
