"""A report by telephone: one page, nothing typed is lost, nothing is saved beside what is already known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from app.consents.models import ConsentEntry, PolicyVersion
from app.core import clock
from app.core.db import db
from app.core.policy import Actor
from app.core.web import Portal
from app.customers.models import Customer
from app.tickets.facts import Harm
from app.tickets.models import Device, Ticket, TicketContact, TicketEvent
from app.tickets.service.harm import on_harm
from tests.features.grants import world
from tests.features.tickets.pages import Office, office
from tests.features.tickets.people import MONDAY
from tests.features.tickets.test_triage_page import HTMX

NEW, LOOK = "/tickets/new", "/tickets/new/look"


@pytest.fixture
def o(app: Portal) -> Iterator[Office]:
    with clock.frozen(MONDAY):
        yield office(app)


@pytest.fixture
def at(o: Office) -> world.Place:
    """A hospital, and a policy that was published before the day on which the clock stands."""
    with o.work():
        day = MONDAY.date()
        db.session.add(
            PolicyVersion(
                no=9, updated_on=day, effective_on=day, text="政策", text_hash="0" * 64, material=False,
                change_note="", published_at=MONDAY,
            )
        )  # fmt: skip
        return world.place("虹桥示范医院", "31")


def call(at: world.Place, **kw: Any) -> dict[str, Any]:
    typed = {
        "caller_phone": "138 0000 7777", "contact_who": "caller", "contact_name": "严示范", "hospital_id": str(at.id),
        "device_department_id": str(at.wards["内镜中心"]), "fault": "插入部漏水", "then": "page", **kw,
    }  # fmt: skip
    return {name: value for name, value in typed.items() if value is not None}


def parts(o: Office, path: str, data: dict[str, Any], who: str = "triager") -> str:
    answer = o.post(path, data, who, headers=HTMX)
    assert answer.status_code == 200
    return str(answer.get_data(as_text=True))


def tickets(o: Office) -> list[Ticket]:
    with o.work():
        rows = db.session.scalars(sa.select(Ticket).order_by(Ticket.number)).all()
        for row in rows:
            db.session.expunge(row)
        return list(rows)


def device(o: Office, serial: str, hospital: Any, **kw: Any) -> None:
    with o.work():
        db.session.add(Device(serial_number=serial, model="GIF-H290", hospital_id=hospital, created_at=MONDAY, **kw))


def test_a_call_becomes_a_ticket_with_contact_department_and_a_first_event_of_staff(o: Office, at: world.Place) -> None:
    page = o.get(NEW)
    for words in ("来电号码", "请读给来电人听", "该联系人已同意", "有没有患者或使用者受到伤害"):
        assert words in page, words
    answer = o.post(NEW, call(at, serial_number=" 23 45x ", device_model="GIF-H290", harm="no"))
    row = tickets(o)[0]
    assert answer.headers["Location"] == f"/tickets/{row.number}"
    assert (row.source, row.customer_id, row.serial_number, row.harm) == ("phone", None, "2345X", "no")
    assert row.reporter_department_id == row.device_department_id == at.wards["内镜中心"]
    with o.work():
        contact = db.session.scalars(sa.select(TicketContact)).one()
        assert (contact.is_reporter, contact.name, contact.phone) == (True, "严示范", "+8613800007777")
        event = db.session.scalars(sa.select(TicketEvent)).one()
        assert (event.action, event.by_name) == ("record_call", "沈若拟")


def test_saved_and_taken_in_hand_at_once(o: Office, at: world.Place) -> None:
    answer = o.post(NEW, call(at, then="triage"))
    row = tickets(o)[0]
    assert answer.headers["Location"] == f"/tickets/{row.number}/triage"
    assert (row.status, row.triager_id) == ("triaging", o.people["triager"].id)


def test_c13_somebody_else_is_contact_only_after_the_wording_was_read_out(o: Office, at: world.Place) -> None:
    typed = call(at, contact_who="other", contact_phone="13900000009", fault="漏水 <b>严重</b>")
    refused = o.post(NEW, typed)
    page = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert "须先征得其同意" in page
    assert tickets(o) == []
    for kept in ("漏水 &lt;b&gt;严重&lt;/b&gt;", 'value="严示范"', 'value="13900000009"', 'value="138 0000 7777"',
                 str(at.id), "虹桥示范医院"):  # fmt: skip
        assert kept in page, kept
    assert o.post(NEW, {**typed, "contact_consent": "1"}).status_code == 303
    with o.work():
        contact = db.session.scalars(sa.select(TicketContact)).one()
        assert (contact.is_reporter, contact.wording, contact.phone) == (False, "1", "+8613900000009")
        assert contact.attested_at == MONDAY
        entry = db.session.scalars(sa.select(ConsentEntry).where(ConsentEntry.purpose == "contact_third_party")).one()
        assert (entry.subject_id, entry.channel) == (contact.subject_id, "phone")


def test_a_number_with_an_account_fills_the_place_and_the_report_goes_to_it(o: Office, at: world.Place) -> None:
    with o.work():
        person = world.person(at, "消化内科", phone="13800007788")
    seen = parts(o, LOOK, {"caller_phone": "13800007788"})
    assert "虹桥示范医院" in seen
    assert f'<option lang="zh-CN" selected value="{at.wards["消化内科"]}"' in seen
    saved = call(at, caller_phone="13800007788", contact_name="", device_department_id=str(at.wards["内镜中心"]))
    o.post(NEW, saved)
    o.post(NEW, {**saved, "account": "no", "contact_name": "严示范", "fault": "图像偏红"})
    first, second = tickets(o)
    assert (first.customer_id, second.customer_id) == (person.id, None)
    assert first.reporter_department_id == at.wards["消化内科"]
    with o.work():
        owner = db.session.get_one(Customer, person.id)
        contact = db.session.scalars(sa.select(TicketContact).where(TicketContact.ticket_id == first.id)).one()
        assert (contact.subject_id, contact.phone) == (owner.subject_id, "+8613800007788")


def test_accounts_and_hospitals_of_other_provinces_stay_unseen(o: Office, at: world.Place) -> None:
    with o.work():
        world.person(at, "消化内科", phone="13800007788")
    seen = parts(o, LOOK, {"caller_phone": "13800007788", "hospital_q": "虹桥"}, "shanghai")
    assert "虹桥示范医院" not in seen
    assert "没有账号" in seen
    assert o.post(NEW, call(at), "shanghai").status_code == 422
    assert o.client("reader").get(NEW).status_code == 403
    assert o.post(NEW, call(at), "reader").status_code == 403
    assert tickets(o) == []


def test_the_only_hospital_found_is_taken_and_its_departments_stand_ready(o: Office, at: world.Place) -> None:
    seen = parts(o, LOOK, {"hospital_q": "虹桥"})
    assert f'value="{at.id}" checked' in seen
    assert str(at.wards["妇科"]) in seen
    assert "没有找到" in parts(o, LOOK, {"hospital_q": "不存在的名字"})
    assert tickets(o) == []


def test_a_serial_of_another_hospital_is_a_warning_with_candidates_one_of_which_is_picked(
    o: Office, at: world.Place
) -> None:
    device(o, "2345678", o.story.hospital_id)
    device(o, "2345687", at.id)
    seen = parts(o, LOOK, call(at, serial_number="2345678"))
    assert "属于另一家医院" in seen
    assert 'name="pick" value="2345687"' in seen
    assert 'hx-swap-oob="true" id="in-serial"' not in seen  # what is being typed is not replaced
    picked = parts(o, LOOK, call(at, serial_number="2345678", pick="2345687"))
    assert 'value="2345687"' in picked
    assert "没有保修期" in picked
    assert o.post(NEW, call(at, serial_number="2345687", fault="漏水")).status_code == 303
    assert tickets(o)[0].device_id is not None


def test_an_open_ticket_of_the_same_device_is_shown_before_anything_is_saved(o: Office, at: world.Place) -> None:
    o.post(NEW, call(at, serial_number="2345678", fault="图像偏红"))
    first = tickets(o)[0].number
    assert first in parts(o, LOOK, call(at, serial_number="2345678"))
    refused = o.post(NEW, call(at, serial_number="2345678"))
    page = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert first in page
    assert "插入部漏水" in page
    assert len(tickets(o)) == 1
    assert o.post(NEW, call(at, serial_number="2345678", duplicates_seen="1")).status_code == 303
    assert len(tickets(o)) == 2


def test_pressed_twice_makes_one_ticket_and_leads_to_it(o: Office, at: world.Place) -> None:
    o.post(NEW, call(at))
    again = o.post(NEW, call(at))
    assert again.status_code == 409
    assert f'href="/tickets/{tickets(o)[0].number}"' in again.get_data(as_text=True)
    assert len(tickets(o)) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fault": ""}, "请写下来电人说的故障"), ({"fault": "长" * 1001}, "最多 1000 个字"),
        ({"contact_name": ""}, "请填写"), ({"contact_name": "长" * 61}, "最多 60 个字"),
        ({"caller_phone": "12"}, "能打通的电话号码"), ({"caller_phone": ""}, "能打通的电话号码"),
        ({"hospital_id": "x"}, "请先查找并选择医院"), ({"hospital_id": None}, "请先查找并选择医院"),
        ({"device_department_id": "x"}, "请选择设备所在的科室"), ({"serial_number": "1" * 41}, "最多 40 个字"),
        ({"device_model": "长" * 61}, "最多 60 个字"),
    ],
)  # fmt: skip
def test_wrong_input_is_named_and_nothing_typed_is_lost(o: Office, at: world.Place, change: Any, words: str) -> None:
    refused = o.post(NEW, call(at, contact_who="caller", **{"device_model": "保留的型号", **change}))
    page = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert words in page
    assert "保留的型号" in page or "device_model" in change
    assert tickets(o) == []


def test_html_and_formulas_are_text(o: Office, at: world.Place) -> None:
    for odd in ("<script>alert(1)</script>", '=HYPERLINK("http://demo.invalid")'):
        answer = o.post(NEW, call(at, fault=odd))
        page = o.get(answer.headers["Location"])
        assert "<script>alert" not in page
        assert [row for row in tickets(o) if row.number in answer.headers["Location"]]


def test_a_harm_told_on_the_telephone_is_heard_at_once(o: Office, at: world.Place) -> None:
    heard: list[Harm] = []
    before = dict(on_harm._entries)

    def listener(_actor: Actor, _row: Ticket, harm: Harm) -> None:
        heard.append(harm)

    on_harm.add("test", listener)
    try:
        o.post(NEW, call(at, harm="yes"))
        o.post(NEW, call(at, harm="no", fault="别的"))
    finally:
        on_harm._entries.clear()
        on_harm._entries.update(before)
    assert heard == [Harm.YES]


def test_a_look_keeps_nothing_and_without_scripts_is_the_whole_page(o: Office, at: world.Place) -> None:
    answer = o.post(LOOK, call(at))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "<h1>" in page
    assert "插入部漏水" in page
    assert "<h1>" not in parts(o, LOOK, call(at))
    assert tickets(o) == []
