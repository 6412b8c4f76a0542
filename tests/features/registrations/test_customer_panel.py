"""A person's page with the floors above: cases, what was verified and how, a change under review, messages, timeline."""

from __future__ import annotations

import re
from datetime import date, timedelta
from types import MappingProxyType

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from app.core import clock, keys
from app.core.db import db, new_id
from app.core.policy import Actor, Permission
from app.customers import service as customers
from app.customers.models import Customer, Gender
from app.customers.panels import customer_panels
from app.registrations import service
from app.registrations.checks import How, Way
from app.registrations.service import Entered
from tests.features.registrations.story import ALL_SEEN, MONDAY, reviewer, take

P = Permission
OTHERWISE = {**ALL_SEEN, "position": "seen_otherwise", "title": "claimed_only"}
RIGHTS = (P.CUSTOMERS_READ, P.CUSTOMERS_NAME, P.CUSTOMERS_REVEAL, P.CUSTOMERS_SESSIONS, P.CUSTOMERS_FREEZE)
ABOVE = ("grants/", "tickets/")
LATER = MONDAY + timedelta(hours=2)


@pytest.fixture(autouse=True)
def floors_up_to_here(monkeypatch):
    """Another test of this process may have made the whole portal, whose upper floors have panels here too."""
    ours = {name: panel for name, panel in customer_panels._entries.items() if not panel.template.startswith(ABOVE)}
    monkeypatch.setattr(customer_panels, "_entries", ours)


@pytest.fixture
def sit(portal):
    """The page of a person, opened by staff with these rights two hours after the decision."""

    def open_page(customer_id, *rights: Permission, lang: str = "zh") -> str:
        held = MappingProxyType(dict.fromkeys((*RIGHTS, *rights)))
        portal.extensions["acting"] = Actor("staff", id=new_id(), name="样例受理", rights=held)
        with clock.frozen(LATER):
            page = portal.test_client().get(f"/customers/{customer_id}?lang={lang}")
        assert page.status_code == 200
        return page.get_data(as_text=True)

    return open_page


@pytest.fixture
def approved(step, story):
    """A nurse whose position was asked for by phone and whose title is only claimed."""
    me = reviewer("沈若拟")
    with step():
        row = story.case()
        told = Entered(
            checks=OTHERWISE, ways={"position": Way(How.PHONE_CALL, "总机")}, badge_valid_until=date(2027, 6, 30)
        )
        service.approve(me, row.id, take(me, row), told)
        customers.set_gender(Actor("customer", id=row.customer_id), Gender.FEMALE)
        return row.customer_id, row.number


def section(page: str, name: str) -> str:
    return page.split(f'id="{name}"', 1)[1].split("</section>", 1)[0]


def test_what_was_verified_stands_beside_each_field(approved, sit):
    page = sit(approved[0])
    card = page.split('class="panel person"', 1)[1].split("</section>", 1)[0]
    words = [" ".join(re.sub("<[^>]+>", " ", found).split()) for found in re.findall("<dd>.*?</dd>", card, re.S)]
    assert any(text.startswith("华东第一示范医院") and text.endswith("证件已见") for text in words), words
    assert "护士长 致电医院核实" in words
    assert "主管护师 仅申报" in words
    assert "2027-06-30" in words


def test_c10_the_form_of_address_is_what_gender_is_collected_for(approved, sit, step):
    page = sit(approved[0])
    assert "冯女士" in page
    assert "female" not in page
    with step():
        customers.set_gender(Actor("customer", id=approved[0]), Gender.UNDISCLOSED)
    assert "冯老师" in sit(approved[0])


def test_cases_are_listed_and_linked_only_for_who_may_read_them(approved, sit):
    customer_id, number = approved
    panel = section(sit(customer_id), "registrations")
    assert number in panel
    assert "证件已见：姓名、医院、科室" in panel
    assert "另行核实：职务" in panel
    assert f"/registrations/{number}" not in panel
    assert f"/registrations/{number}" in section(sit(customer_id, P.REGISTRATIONS_READ), "registrations")


def test_a_change_of_hospital_or_position_runs_through_a_review(approved, sit, step, story):
    customer_id, _number = approved
    assert "正在审核一次变更" not in sit(customer_id)
    with step(LATER):
        changed = service.submit(Actor("customer", id=customer_id), story.claim(position="科主任"))
        number = changed.number
    page = sit(customer_id)
    assert "正在审核一次变更" in section(page, "registrations")
    assert number in section(page, "registrations")
    assert "护士长" in page.split('id="registrations"')[0]  # in force until the change is approved
    assert "<input" not in page.split('class="panel person"', 1)[1].split("</section>", 1)[0]


def test_a_first_registration_is_no_change(step, story, sit):
    with step():
        customer_id = story.case().customer_id
    assert "正在审核一次变更" not in sit(customer_id)


def test_messages_show_their_delivery_and_neither_address_nor_text(approved, sit, step):
    with step(LATER):
        service.settle_due()
    page = section(sit(approved[0]), "messages")
    assert "注册审核：通过" in page
    assert "等待发送" in page
    assert not re.search(r"1[3-9]\d{9}", page)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_timeline_speaks_in_words_and_holds_no_personal_data(approved, sit, lang):
    page = section(sit(approved[0], lang=lang), "timeline")
    assert ("通过注册" if lang == "zh" else "Approve") in page
    assert "沈若拟" in page
    assert not re.search(r"\b[a-z_]+\.[a-z_]+\b", re.sub("<[^>]+>", " ", page)), page
    assert "冯" not in page


def test_c16_no_openid_on_the_page(approved, sit, step):
    from app.customers.models import WechatIdentity

    with step():
        person = db.session.get_one(Customer, approved[0])
        now = clock.now()
        db.session.add(
            WechatIdentity(
                customer_id=person.id, subject_id=person.subject_id, appid="wx-sample", openid="o-secret-openid",
                created_at=now, last_used_at=now,
            )
        )  # fmt: skip
    page = sit(approved[0])
    assert "o-secret" not in page
    assert "wx-sample" not in page


def test_the_page_costs_as_many_statements_for_five_cases_as_for_one(portal, approved, sit, step, story):
    seen: list[str] = []
    with portal.app_context():
        engines = (db.engine, keys.keystore.store().engine)
    note = lambda _c, _cur, statement, *_r: seen.append(statement)

    def cost() -> int:
        sit(approved[0])
        seen.clear()
        for engine in engines:
            event.listen(engine, "before_cursor_execute", note)
        sit(approved[0])
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
        return len([text for text in seen if text.split()[0] not in ("BEGIN", "PRAGMA")])

    one = cost()
    me = Actor("customer", id=approved[0])
    for n in range(4):
        with step(MONDAY + timedelta(hours=1, minutes=n)):
            service.submit(me, story.claim())
        with step(MONDAY + timedelta(hours=1, minutes=n, seconds=30)):
            service.withdraw(me)
    with portal.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Customer)) == 1
    assert cost() == one <= 16
