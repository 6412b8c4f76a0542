"""The triage screen by plain form posts: kept notes, decisions, the next ticket, and who was faster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.policy import Actor
from app.core.web import Portal
from app.tickets import service
from app.tickets.facts import Harm
from app.tickets.models import Ticket, TicketMessage
from app.tickets.service.harm import on_harm
from app.tickets.workflow import Status
from tests.features.tickets.pages import Office, Ref, office
from tests.features.tickets.people import HOUR, MONDAY

WHOLE = {
    "harm": "no", "hospital_matched": "1", "serial_number": "", "no_serial_reason": "in_use", "duplicates_reviewed": "1",
    "fault_class": "leak", "priority": "p3", "warranty_basis": "paid", "service_mode": "on_site",
}  # fmt: skip
HTMX = {"HX-Request": "true"}


@pytest.fixture
def o(app: Portal) -> Iterator[Office]:
    with clock.frozen(MONDAY):
        yield office(app)


@pytest.fixture
def ref(o: Office) -> Ref:
    return o.claimed()


def test_9_photos_transcript_hospital_serial_and_safety_question_stand_on_one_screen(o: Office, ref: Ref) -> None:
    page = o.get(f"{ref.url}/triage")
    for words in ("有没有患者或使用者受到伤害", "插入部漏水", "华东第一示范医院", "序列号", "优先级", "服务方式", "保修依据",
                  "相似的未结工单", "这台设备的历史", "没有照片"):  # fmt: skip
        assert words in page, words


def test_9_a_ticket_cannot_leave_triage_with_the_safety_screen_blank(o: Office, ref: Ref) -> None:
    refused = o.post(f"{ref.url}/triage/finish", {**WHOLE, "harm": "", "version": "2"})
    assert refused.status_code == 422
    page = refused.get_data(as_text=True)
    assert "请回答是否有人受到伤害" in page
    row = o.read(ref)
    assert (row.status, row.fault_class) == (Status.TRIAGING, "leak")  # the rest was kept
    done = o.post(f"{ref.url}/triage/finish", {**WHOLE, "version": "2"})
    assert done.status_code == 303
    assert o.read(ref).status == Status.TO_DISPATCH


def test_7_two_triagers_on_the_same_ticket_one_wins_and_the_other_sees_who_and_keeps_the_text(o: Office) -> None:
    ref = o.report()
    assert o.post(f"{ref.url}/claim", {"version": "1"}).status_code == 303
    lost = o.post(f"{ref.url}/claim", {"version": "1"}, "colleague")
    assert lost.status_code == 409
    assert "沈若拟" in lost.get_data(as_text=True)
    typed = {**WHOLE, "priority": "p1", "version": "1", "ask_text": "请再拍一张铭牌", "questions": "photo_of_plate"}
    late = o.post(f"{ref.url}/triage/ask", typed, "colleague")
    assert late.status_code == 409
    page = late.get_data(as_text=True)
    assert "沈若拟" in page
    assert "11-23 09:00" in page
    assert 'value="p1" checked' in page
    assert o.read(ref).priority is None


def test_a_note_is_kept_on_change_and_says_what_is_still_open(o: Office, ref: Ref) -> None:
    answer = o.post(f"{ref.url}/triage/note", {"harm": "no", "fault_class": "leak", "version": "2"}, headers=HTMX)
    assert answer.status_code == 200
    assert "还缺" in answer.get_data(as_text=True)
    row = o.read(ref)
    assert (row.harm, row.fault_class, row.status) == ("no", "leak", Status.TRIAGING)
    wrong = o.post(f"{ref.url}/triage/note", {"harm": "maybe"}, headers=HTMX)
    assert wrong.status_code == 422
    assert o.read(ref).harm == "no"
    taken = o.post(f"{ref.url}/triage/note", {"harm": "yes"}, "colleague", headers=HTMX)
    assert "沈若拟" in taken.get_data(as_text=True)


def test_notes_survive_the_way_back_to_the_queue_and_an_idle_half_hour(o: Office, ref: Ref) -> None:
    o.post(f"{ref.url}/triage/note", {**WHOLE, "version": "2"})
    with clock.frozen(MONDAY + HOUR):
        page = o.get(f"{ref.url}/triage", "colleague")
        assert "接手分诊" in page
        taken = o.post("/tickets/next", who="colleague")
        assert taken.headers["Location"].endswith("/tickets") or "triage" in taken.headers["Location"]
        assert 'value="p3" checked' in o.get(f"{ref.url}/triage", "colleague")


def test_a_question_goes_out_with_codes_and_text_and_the_next_ticket_comes(o: Office, ref: Ref) -> None:
    other = o.report("图像有横纹")
    data = {**WHOLE, "harm": "", "version": "2", "questions": ["photo_of_plate", "serial_number"], "ask_text": "请补拍"}
    answer = o.post(f"{ref.url}/triage/ask", data)
    assert answer.headers["Location"] == f"{other.url}/triage"
    assert o.read(ref).status == Status.NEED_INFO
    assert o.read(other).triager_id == o.people["triager"].id
    with o.work():
        made = db.session.scalars(sa.select(TicketMessage).where(TicketMessage.ticket_id == ref.id)).one()
        assert (made.questions, made.text) == (["photo_of_plate", "serial_number"], "请补拍")
    page = o.get(ref.url)
    assert "请拍一张设备铭牌的照片" in page
    assert page.count("请补拍") == 1
    recorded = o.post(f"{ref.url}/act/answer", {"text": "护士长说序列号看不清"})
    assert recorded.headers["Location"] == f"{ref.url}/triage"
    assert o.read(ref).status == Status.TRIAGING


def test_a_question_without_codes_is_refused_and_loses_nothing(o: Office, ref: Ref) -> None:
    refused = o.post(f"{ref.url}/triage/ask", {**WHOLE, "version": "2", "ask_text": "请再说说 <b>情况</b>"})
    assert refused.status_code == 422
    page = refused.get_data(as_text=True)
    assert "请至少选一个要问的问题" in page
    assert "请再说说 &lt;b&gt;情况&lt;/b&gt;" in page


def test_reject_needs_a_reason_and_an_alternative_and_p1_a_lead(o: Office, ref: Ref) -> None:
    base = {**WHOLE, "version": "2"}
    assert o.post(f"{ref.url}/triage/reject", base).status_code == 422
    half = o.post(f"{ref.url}/triage/reject", {**base, "reject_reason": "not_our_device"})
    assert "请告诉用户可以怎么办" in half.get_data(as_text=True)
    data = {**base, "priority": "p1", "reject_reason": "not_our_device", "reject_text": "请联系厂家"}
    assert o.post(f"{ref.url}/triage/reject", data).status_code == 403
    assert o.post(f"{ref.url}/triage/reject", {**data, "priority": "p4"}).status_code == 303
    assert o.read(ref).status == Status.REJECTED


def test_15_merging_leads_the_customer_to_the_new_number_and_refuses_a_cycle(o: Office, ref: Ref) -> None:
    other = o.report("同一台又漏水")
    data = {**WHOLE, "version": "2", "merge_reason": "same_fault", "merge_target": other.number.lower()}
    assert o.post(f"{ref.url}/triage/merge", {**data, "merge_target": "TKT-1"}).status_code == 422
    assert o.post(f"{ref.url}/triage/merge", data).status_code == 303
    page = o.get(ref.url)
    assert f"已并入 {other.number}" in page
    back = o.post(f"{other.url}/act/merge", {"target": ref.number, "reason": "same_fault", "version": "2"})
    assert back.status_code == 422
    assert "已经结束" in back.get_data(as_text=True)


def test_a_yes_to_the_safety_question_is_heard_in_the_same_transaction(o: Office, ref: Ref) -> None:
    heard: list[tuple[object, Harm]] = []
    before = dict(on_harm._entries)

    def listener(_actor: Actor, row: Ticket, harm: Harm) -> None:
        heard.append((row.id, harm))
        if len(heard) == 2:
            raise RuntimeError("the safety room fails")

    on_harm.add("test", listener)
    try:
        o.post(f"{ref.url}/triage/note", {"harm": "possible"}, headers=HTMX)
        assert heard == [(ref.id, Harm.POSSIBLE)]
        with pytest.raises(RuntimeError):
            o.post(f"{ref.url}/triage/note", {"harm": "yes"}, headers=HTMX)
        assert o.read(ref).harm == "possible"
    finally:
        on_harm._entries.clear()
        on_harm._entries.update(before)


def test_triage_is_closed_to_readers_and_to_another_region(o: Office, ref: Ref) -> None:
    assert o.client("reader").get(f"{ref.url}/triage").status_code == 403
    assert o.client("shanghai").get(f"{ref.url}/triage").status_code == 404
    assert o.post(f"{ref.url}/triage/finish", WHOLE, "shanghai").status_code == 404


def test_the_triage_screen_costs_a_fixed_number_of_statements(o: Office, ref: Ref) -> None:
    o.get(f"{ref.url}/triage")
    with o.statements() as few:
        o.get(f"{ref.url}/triage")
    for n in range(5):
        o.report(f"漏水 {n}", serial="7654321")
    with o.statements() as many:
        o.get(f"{ref.url}/triage")
    assert len(many) <= len(few) + 1  # the keys of the neighbours' texts
    assert len(many) <= 14, many


def test_two_people_asking_for_the_next_one_get_two(o: Office) -> None:
    first, second = o.report("甲"), o.report("乙")
    a = o.post("/tickets/next").headers["Location"]
    b = o.post("/tickets/next", who="colleague").headers["Location"]
    assert {a, b} == {f"{first.url}/triage", f"{second.url}/triage"}
    assert o.post("/tickets/next").headers["Location"] == a  # what is in hands comes first
    with o.work():
        service.release(o.people["triager"], first.id if first.url in a else second.id, "other_duty")
