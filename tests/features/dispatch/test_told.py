"""How staff are told: WeCom when set, else mail, once; and what the dispatcher sees of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

import config
from app.core import clock
from app.core.db import db
from app.core.outbox import Message, delivery
from app.core.unit_of_work import unit_of_work
from app.dispatch import service
from app.dispatch.service import Order
from app.notifications import templates
from app.notifications.channels import build
from app.notifications.http import Outbound
from app.staff.models import StaffAccount
from app.tickets.service.escalate import fire_due, pass_on
from tests.factories import staff
from tests.features.dispatch.people import MONDAY, dealer, dealer_user, engineer, ground, ticket_of
from tests.features.dispatch.test_offers import MORNING, counted
from tests.stubs.smtp import SmtpStub
from tests.stubs.wecom import AGENT, CORP, SECRET, SEND, WeComStub


@pytest.fixture
def wecom() -> Iterator[WeComStub]:
    with WeComStub() as stub:
        yield stub


@pytest.fixture
def mail() -> Iterator[SmtpStub]:
    with SmtpStub() as stub:
        yield stub


@pytest.fixture
def g(app, wecom, mail, monkeypatch):
    """A ground whose messages go out to the stubs."""
    settings = replace(
        app.extensions["settings"],
        console_channel=False,
        wecom=config.WeCom(api_base=wecom.base, corp_id=CORP, agent_id=AGENT, secret=SECRET),
        smtp=config.Smtp(host="127.0.0.1", port=mail.port, sender="portal@demo.invalid"),
    )
    ways = build(settings, app.extensions["wechat_client"], Outbound.from_settings(settings))
    monkeypatch.setattr("app.core.outbox.delivery.channel", {way.name: way for way in ways}.get)
    with app.app_context(), clock.frozen(MONDAY):
        with unit_of_work():
            made = ground()
        yield made


def reachable(person, wecom_id: str | None):
    db.session.get_one(StaffAccount, person.id).wecom_user_id = wecom_id
    db.session.flush()
    return person


def deliver_all() -> None:
    """What the worker does, until nothing waits."""
    for _n in range(4):
        with unit_of_work(write=False):
            waiting = list(db.session.scalars(sa.select(Message.id).where(Message.state == "waiting")))
        for message_id in waiting:
            delivery.deliver({"message": str(message_id)})


def test_an_offer_and_its_recall_go_by_wecom_when_set_else_by_mail(g, wecom, mail):
    wecom.members.add("zhang")
    with unit_of_work():
        one, other = reachable(engineer("工程甲"), "zhang"), engineer("工程乙")
        for person in (one, other):
            row = g.ticket()
            made = service.offer(
                g.dispatcher, row.number, Order(row.version, person.id, MORNING, override_reason="same_trip")
            )
            service.recall(g.dispatcher, row.number, ticket_of(row.id).version, "by_mistake")
            assert made.assignee_id == person.id
    deliver_all()
    assert [card["title"][:3] for _to, card in wecom.delivered] == ["请接单", "已撤回"]
    assert len(mail.messages) == 2
    assert not any("示范" in card["title"] + card["description"] for _to, card in wecom.delivered)


def test_partial_wecom_failure_is_shown_to_the_dispatcher(app, g, wecom, mail):
    """One user of the dealer is reached, WeCom refuses the other: he gets one mail, and the page says so."""
    wecom.members.add("known")
    wecom.mild = True
    with unit_of_work():
        firm = dealer()
        reachable(dealer_user(firm, "经销甲"), "known")
        reachable(dealer_user(firm, "经销乙"), "unknown")
        row = g.ticket()
        service.offer(g.dispatcher, row.number, Order(row.version, firm.id, MORNING))
        number, ticket_id = row.number, row.id
    page = staff.client_of(app, g.dispatcher.id)
    assert page.get(f"/dispatch/{number}/candidates").text.count("等待发送") == 2
    deliver_all()
    assert [to for to, _card in wecom.delivered] == ["known"]
    assert (len(wecom.calls(SEND)), len(mail.messages)) == (2, 1)
    for path in (f"/dispatch/{number}/candidates", f"/tickets/{number}"):
        text = page.get(path).text
        assert text.count("已送达") == 2
        assert text.count("企业微信未送达：企业微信里没有这个成员，或应用对其不可见") == 1
        assert text.index("经销乙") < text.index("企业微信未送达")
    with unit_of_work():
        service.recall(g.dispatcher, number, ticket_of(ticket_id).version, "by_mistake")
    deliver_all()
    text = page.get(f"/tickets/{number}").text
    assert text.count("企业微信未送达") == 1 and "派工：已撤回" in text  # of what was taken back, the trouble alone


def test_somebody_who_was_not_told_of_the_recall_is_named(app, g, wecom, mail):
    mail.refuse["RCPT"] = "550 no such box"
    with unit_of_work():
        row = g.ticket()
        service.offer(g.dispatcher, row.number, Order(row.version, engineer().id, MORNING))
        service.recall(g.dispatcher, row.number, ticket_of(row.id).version, "by_mistake")
        number = row.number
    deliver_all()
    text = staff.client_of(app, g.dispatcher.id).get(f"/tickets/{number}").text
    assert "邮件服务器拒收（550）" in text and "已停止重试" in text


def test_what_became_of_an_offer_costs_two_statements_however_many_users(app, g):
    with unit_of_work():
        firm = dealer()
        dealer_user(firm, "经销甲")
        row = g.ticket()
        service.offer(g.dispatcher, row.number, Order(row.version, firm.id, MORNING))
        number = row.number
    page = staff.client_of(app, g.dispatcher.id)

    def cost() -> int:
        with counted() as sent:
            assert page.get(f"/dispatch/{number}/candidates").status_code == 200
        return len(sent)

    cost()
    few = cost()
    with unit_of_work():
        for n in range(12):
            dealer_user(firm, f"经销{n}")
    assert cost() == few


def test_every_card_leads_to_a_page_and_an_offer_to_the_job_itself(app, g, wecom):
    values = {"number": "WX-20261123-0001"}
    for template in templates.CATALOGUE.values():
        if templates.WECOM in template.channels:
            assert app.url_map.bind("demo.invalid").match(template.path.format_map(values), method="GET"), template.key
    wecom.members.add("zhang")
    with unit_of_work():
        one, row = reachable(engineer(), "zhang"), g.ticket()
        service.offer(g.dispatcher, row.number, Order(row.version, one.id, MORNING))
    deliver_all()
    path = wecom.delivered[0][1]["url"].rpartition(":8000")[2]
    assert staff.client_of(app, one.id).get(path).status_code == 200


def test_an_escalation_goes_by_wecom_and_its_card_leads_to_the_ticket(g, wecom, mail):
    wecom.members.add("lead")
    with unit_of_work():
        number = g.ticket().number
        reachable(g.lead, "lead")
    late = MONDAY + timedelta(days=8)  # a Tuesday morning, long after what was promised
    with clock.frozen(late):
        with unit_of_work():
            assert fire_due(late)
            assert pass_on(late)
        deliver_all()
    assert {to for to, _card in wecom.delivered} == {"lead"}
    title, url = wecom.delivered[0][1]["title"], wecom.delivered[0][1]["url"]
    assert title == f"工单 {number} 时限 {title.split()[-1]}"
    assert url == f"http://127.0.0.1:8000/tickets/{number}"
    with unit_of_work(write=False):
        address = db.session.get_one(StaffAccount, g.lead.id).email.encode()
    assert not any(address in message for message in mail.messages)
