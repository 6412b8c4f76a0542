"""A phone at 390 px: an engineer from the offer to resolved, a dealer's user from the masked card to the minimum."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.live import Live
from tests.browser.test_satisfaction import run
from tests.browser.test_story import sign_in
from tests.walk.test_browser import AXE, LOOK, RUN_AXE, TAGS

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NAME, PHONE_WORDS, FAULT = "严示范", "139 0000 0077", "送水不畅，昨日起"
BEFORE = """
import sqlalchemy as sa
from datetime import timedelta
from app import create_app
from app.core import clock, keys
from app.core.db import db
from app.core.policy import SYSTEM
from app.core.unit_of_work import unit_of_work
from app.customers.models import Customer
from app.core.policy import Actor
from app.dealers import service as dealers
from app.dealers.models import Dealer
from app.dealers.service import ContractData, DealerData
from app.dispatch import service
from app.dispatch.eligibility import half_plans
from app.dispatch.service import Order, people
from app.dispatch.service.people import EngineerData
from app.hospitals.models import Hospital
from app.staff import queries as staff
from app.staff.models import StaffAccount
from app.tickets import service as tickets
from app.tickets.models import TicketContact
from app.tickets.service import Intake, Seen
app = create_app()
ELEMENTS = {"purpose": "上门检查和取件", "term": "合同期内", "method": "在系统内查看", "data_kinds": "联系人与电话",
            "measures": "不得另存", "duties": "双方约定", "supervision": "抽查", "at_the_end": "delete"}
NOTED = {"harm": "no", "hospital_matched": True, "duplicates_reviewed": True, "fault_class": "channel",
         "priority": "p3", "warranty_basis": "paid", "service_mode": "on_site"}
def account(email):
    return db.session.scalars(sa.select(StaffAccount).where(StaffAccount.email == email)).one()
with app.app_context(), unit_of_work():
    today, now = clock.today(), clock.now()
    place = db.session.scalars(sa.select(Hospital).order_by(Hospital.id)).first()
    him, user = account("engineer@demo.invalid"), account("dealer_user@demo.invalid")
    people.keep(SYSTEM, him.id, EngineerData("400-820-1000", "演示服务点", None, None, (place.province,), ("gastro",), 5))
    people.add_skill(SYSTEM, him.id, "scope", "YS-1", today - timedelta(days=9), today + timedelta(days=90))
    firm = db.session.get_one(Dealer, user.dealer_id)
    data = DealerData(firm.name, provinces=(place.province,), product_lines=("gastro",), capacity=5)
    dealers.change_dealer(SYSTEM, firm.id, firm.version, data)
    first, last = today - timedelta(days=9), today + timedelta(days=90)
    contract = ContractData("DS-PHONE", first, last, ELEMENTS, "PIA-1", may_repair=True, may_collect=True)
    dealers.confirm_contract(SYSTEM, dealers.add_contract(SYSTEM, firm.id, contract, b"%PDF-1.4").id)
    triager, dispatcher = (staff.actor_of(account(f"{role}@demo.invalid").id) for role in ("triager", "dispatcher"))
    person = db.session.scalars(sa.select(Customer.id).order_by(Customer.id)).first()
    plan = half_plans(now + timedelta(hours=1), 2)[-1]
    for n, who in enumerate((him.id, firm.id)):
        intake = Intake(place.id, "送水不畅，昨日起" + "再" * n, serial_number=f"765432{n}", device_model="GIF-H290")
        row = tickets.record_ticket(Actor("customer", id=person), intake)
        db.session.execute(sa.delete(TicketContact).where(TicketContact.ticket_id == row.id))
        db.session.add(TicketContact(ticket_id=row.id, subject_id=keys.new_subject(), is_reporter=False,
                                     name="严示范", phone="+8613900000077"))
        tickets.claim(triager, row.id, Seen(row.version))
        tickets.note_down(triager, row.id, NOTED)
        tickets.finish(triager, row.id, Seen(row.version))
        order = Order(row.version, who, plan.span, override_reason="same_trip")
        service.offer(dispatcher, row.number, order)
        print(row.number, end=" ")
"""


@pytest.fixture(scope="module")
def numbers(live) -> list[str]:
    """The engineer's ticket, the dealer's ticket."""
    return run(live, BEFORE).split()


def fits(page) -> None:
    """As every page is looked at (tests/walk/test_browser.py): no sideways scroll, 44 px targets, no axe finding."""
    page.wait_for_load_state()
    assert page.evaluate(LOOK) == []
    page.evaluate(AXE)
    assert page.evaluate(RUN_AXE, TAGS) == []


def open_offer(page, live: Live, number: str) -> None:
    page.goto(f"{live.url}/jobs")
    fits(page)
    page.locator("a.jb-link", has_text=number).click()
    page.wait_for_url(f"{live.url}/jobs/{number}")
    page.locator("button", has_text="按此时间接单").wait_for()


def test_an_engineer_takes_a_ticket_from_the_offer_to_resolved(live, phone, numbers):
    number = numbers[0]
    sign_in(phone, live, "engineer@demo.invalid")
    open_offer(phone, live, number)
    assert phone.locator("a[href^='tel:']").count() == 0
    phone.locator("button", has_text="按此时间接单").click()
    phone.locator("a[href='tel:+8613900000077']").wait_for()
    fits(phone)
    expect(phone.locator(".jb-steps .is-now")).to_contain_text("到达")

    phone.locator("a.btn--go", has_text="扫序列号").click()
    fits(phone)
    phone.locator("#serial").fill("7654320")
    phone.keyboard.press("Enter")
    phone.locator("a.btn--go", has_text="完成维修").wait_for()

    phone.locator("summary", has_text="更多").click()
    phone.locator(".jb-more a", has_text="拍照").click()
    picture = io.BytesIO()
    Image.new("RGB", (320, 240), "white").save(picture, "PNG")
    phone.locator("#photos").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": picture.getvalue()})
    phone.locator("main button.btn--go").click()
    phone.locator("main img").first.wait_for()

    phone.locator("a.btn--go", has_text="完成维修").click()
    phone.locator("#fault").fill("送水管堵塞")
    phone.locator("#action").fill("疏通并更换送水按钮")
    phone.reload()  # the draft is still there
    expect(phone.locator("#action")).to_have_value("疏通并更换送水按钮")
    for test in phone.locator(".jb-test .pick label:first-child").all():
        test.click()
    for tick in phone.locator(".jb-set .tick input").all():
        tick.check()
    pad = phone.locator("canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    phone.mouse.move(box["x"] + 40, box["y"] + 60)
    phone.mouse.down()
    phone.mouse.move(box["x"] + 160, box["y"] + 110, steps=5)
    phone.mouse.up()
    expect(phone.locator("[data-signature-state]")).to_have_text("已签")
    fits(phone)
    phone.locator("main button.btn--go").click()
    phone.wait_for_url(f"{live.url}/jobs/{number}")
    fits(phone)
    expect(phone.locator(".head .chip").first).to_contain_text("待客户确认")
    assert phone.problems == []


def test_a_dealers_user_sees_a_masked_card_then_the_minimum(live, phone, page, numbers):
    number = numbers[1]
    sign_in(phone, live, "dealer_user@demo.invalid")
    open_offer(phone, live, number)
    text = phone.locator("body").inner_text()
    assert not any(secret in text for secret in (NAME, PHONE_WORDS, FAULT, "7654321"))
    phone.locator("button", has_text="按此时间接单").click()
    phone.locator("a[href='tel:+8613900000077']").wait_for()
    text = phone.locator("body").inner_text()
    assert all(shown in text for shown in (NAME, PHONE_WORDS, FAULT, "7654321"))
    assert phone.problems == []

    sign_in(page, live, "privacy_officer@demo.invalid")
    page.goto(f"{live.url}/privacy/disclosures?number={number}")
    page.locator("tr", has_text="联系人电话").first.wait_for()
    page.goto(f"{live.url}/privacy/disclosures/{number}")
    expect(page.locator("main")).to_contain_text(re.compile("仍在办理"))
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [1366, 1366]
    assert page.problems == []
