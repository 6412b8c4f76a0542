"""Messages from the outbox through the channels to the page: delivery, masks, retry, give up, channels on hold."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest
import sqlalchemy as sa
from flask import g

import app as portal_package
import config
from app.core import audit, clock, jobs, outbox
from app.core.db import Base, db
from app.core.outbox import Message, MessageState, Recipient
from app.core.outbox import service as outbox_service
from app.core.policy import Actor, Permission
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.notifications import follow, service
from app.notifications.models import ChannelHold
from tests.inspector import Inspector, problems
from tests.stubs.aliyun import AliyunStub
from tests.stubs.smtp import SmtpStub
from tests.stubs.wechat import MINI, SUBSCRIBE_ID, WeChatStub, sealed_callback
from tests.stubs.wecom import SEND, WeComStub

PHONE = "+8613800000000"
FLOORS = ("app.core", "app.ui", "app.notifications")
READ, RETRY = Permission.NOTIFICATIONS_READ, Permission.NOTIFICATIONS_RETRY


class Desk:
    """A portal of three floors whose actor is set by hand."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.portal.test_client_class = Inspector
        self.rights: tuple[Permission, ...] = (READ, RETRY)
        portal.before_request(self._sign_in)

    def _sign_in(self) -> None:
        rights: Any = MappingProxyType(dict.fromkeys(self.rights))
        g.actor = Actor("staff", uuid.UUID(int=7), "示范管理员", rights=rights) if self.rights else Actor("anonymous")

    def client(self) -> Any:
        client: Any = self.portal.test_client()
        client.inspect = False
        return client

    def page(self, path: str) -> str:
        """A page's HTML, inspected. Forms of the frame that answer a dialog or filter have no action of their own."""
        html: str = self.client().get(path).get_data(as_text=True)
        assert [found for found in problems(html) if found != "form without action"] == []
        return html

    def send(self, key: str = "k1", **to: Any) -> uuid.UUID:
        with self.portal.app_context(), unit_of_work():
            recipient = Recipient(to or {"sms": PHONE})
            message = outbox.send(
                "login_code", to=recipient, params={"code": "246810"}, purpose="login_code", dedupe_key=key
            )
            return message.id

    def work(self) -> None:
        import threading

        jobs.run_worker(self.portal, threading.Event(), once=True)

    def state(self, message_id: uuid.UUID) -> tuple[str, str | None]:
        with self.portal.app_context():
            row = db.session.get(Message, message_id)
            assert row is not None
            return row.state, row.error_code

    def set_state(self, message_id: uuid.UUID, state: MessageState, code: str, provider_id: str = "") -> None:
        with self.portal.app_context(), unit_of_work():
            row = db.session.get(Message, message_id)
            assert row is not None
            row.state, row.error_code, row.provider_id = state.value, code, provider_id

    def events(self) -> list[str]:
        with self.portal.app_context():
            return list(db.session.scalars(sa.select(audit.AuditEvent.event).order_by(audit.AuditEvent.at)))


def _desk(settings: config.Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(portal_package, "FLOORS", FLOORS)
    portal = portal_package.create_app(settings)
    portal.jinja_env.globals.setdefault("csrf_token", lambda: "token-of-this-test")
    with portal.app_context():
        Base.metadata.create_all(db.engine)
    yield Desk(portal)
    with portal.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def desk(settings: config.Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """With the stub servers as the network."""
    yield from _desk(settings, monkeypatch)


@pytest.fixture
def talking_desk(settings: config.Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """With the console, as in development."""
    yield from _desk(replace(settings, console_channel=True), monkeypatch)


def test_a_login_code_reaches_the_console_and_the_page(talking_desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    message_id = talking_desk.send()
    talking_desk.work()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"channel"' in line]
    assert lines == [{"channel": "sms", "to": PHONE, "template": "login_code", "params": {"code": "246810"}}]
    assert talking_desk.state(message_id) == ("sent", None)
    page = talking_desk.page("/notifications?tab=sent")
    assert "138****0000" in page
    assert PHONE[3:] not in page
    assert "246810" not in page  # the list shows no contents
    assert "246810" in talking_desk.page(f"/notifications/{message_id}")


def test_in_production_no_page_shows_a_code(
    desk: Desk, settings: config.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = desk.send()
    desk.portal.extensions["settings"] = replace(settings, env="production")
    monkeypatch.setitem(desk.portal.config, "SESSION_COOKIE_SECURE", True)
    for path in ("/notifications", f"/notifications/{message_id}"):
        page = desk.page(path)
        assert "246810" not in page
        assert PHONE[3:] not in page


def test_an_sms_timeout_is_unknown_on_the_page_and_sent_again_by_a_person_only(
    desk: Desk, aliyun_stub: AliyunStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.notifications.http.READ_SECONDS", 0.2)
    aliyun_stub.delay("/", 0.6)
    message_id = desk.send()
    desk.work()
    desk.work()
    assert desk.state(message_id) == ("unknown", "sms_timeout")
    assert len(aliyun_stub.calls("/")) == 1
    aliyun_stub.delay("/", 0)
    client = desk.client()
    assert "可能已经送达" in desk.page("/notifications?tab=unknown")
    assert client.post(f"/notifications/{message_id}/retry").status_code == 302
    desk.work()
    assert desk.state(message_id)[0] == "sent"
    assert len(aliyun_stub.calls("/")) == 2
    assert "message.retried" in desk.events()


def test_a_dead_message_is_given_up_once(desk: Desk, aliyun_stub: AliyunStub) -> None:
    aliyun_stub.fail("/", "isv.MOBILE_NUMBER_ILLEGAL")
    message_id = desk.send()
    desk.work()
    assert desk.state(message_id) == ("dead", "isv.MOBILE_NUMBER_ILLEGAL")
    client = desk.client()
    assert "手机号码不正确" in desk.page("/notifications?tab=failed")
    assert client.post(f"/notifications/{message_id}/give-up").status_code == 302
    assert client.post(f"/notifications/{message_id}/give-up").status_code == 409
    assert client.post(f"/notifications/{message_id}/retry").status_code == 409
    assert desk.events().count("message.given_up") == 1


def test_who_may_read_and_who_may_act(desk: Desk) -> None:
    message_id = desk.send()
    desk.set_state(message_id, MessageState.DEAD, "wechat_47003")
    desk.rights = (READ,)
    client = desk.client()
    page = desk.page(f"/notifications/{message_id}")
    assert "47003" in page
    assert "重新发送" not in page
    assert client.post(f"/notifications/{message_id}/retry").status_code == 403
    desk.rights = (Permission.STYLE_READ,)
    assert client.get("/notifications").status_code == 403
    assert client.get(f"/notifications/{uuid.uuid4()}").status_code == 403
    desk.rights = (READ,)
    assert client.get(f"/notifications/{uuid.uuid4()}").status_code == 404


def test_a_stopped_channel_is_shown_and_restarted(desk: Desk, aliyun_stub: AliyunStub) -> None:
    aliyun_stub.fail("/", "isv.AMOUNT_NOT_ENOUGH")
    desk.send()
    desk.work()
    client = desk.client()
    assert "短信平台余额不足" in desk.page("/notifications")
    assert client.post("/notifications/channels/sms/restart").status_code == 302
    assert client.post("/notifications/channels/sms/restart").status_code == 404
    with desk.portal.app_context():
        assert db.session.scalar(sa.select(ChannelHold)) is None
    assert "channel.restarted" in desk.events()


def test_the_list_costs_the_same_however_long_it_is(desk: Desk) -> None:
    def statements() -> int:
        seen: list[str] = []
        with desk.portal.app_context():
            engine = db.engine
        note = lambda *args: seen.append(args[2])
        sa.event.listen(engine, "before_cursor_execute", note)
        assert desk.client().get("/notifications").status_code == 200
        sa.event.remove(engine, "before_cursor_execute", note)
        return len(seen)

    desk.send("a")
    statements()  # key ring and caches
    one = statements()
    for n in range(30):
        desk.send(f"more-{n}")
    assert statements() == one <= 6


def test_a_later_report_of_failure_reaches_the_page(desk: Desk) -> None:
    message_id = desk.send()
    desk.set_state(message_id, MessageState.SENT, "", "8812")
    with desk.portal.app_context(), unit_of_work():
        service.report_delivery("wechat_template", "8812", False, "wechat_user_block")  # another channel's id
    assert desk.state(message_id)[0] == "sent"
    with desk.portal.app_context(), unit_of_work():
        service.report_delivery("sms", "8812", True, "")
        service.report_delivery("sms", "8812", False, "wechat_user_block")
    assert desk.state(message_id) == ("failed", "wechat_user_block")
    assert "用户拒收公众号消息" in desk.page("/notifications?tab=failed")


def test_the_callback_over_http(desk: Desk) -> None:
    desk.rights = ()
    event = b"<xml><FromUserName>o1</FromUserName><CreateTime>1</CreateTime><Event>subscribe</Event></xml>"
    query, body = sealed_callback(event, "wxstub0000000002", xml=True)
    client = desk.client()
    first = client.post("/wechat/callback", query_string=query, data=body, content_type="text/xml")
    assert (first.status_code, first.get_data(as_text=True)) == (200, "success")
    assert client.post("/wechat/callback", query_string=query, data=body).status_code == 403
    refused = client.post("/wechat/callback", data=b"<xml/>")
    assert refused.status_code == 403
    assert refused.get_json()["code"] == "callback_refused"
    assert client.post("/wechat/callback", query_string=query, data=b"x" * 70_000).status_code == 413
    assert client.get("/wechat/callback").status_code == 403


def test_notify_customer_queues_in_order(desk: Desk) -> None:
    to = service.CustomerAddress(None, PHONE, official_openid="o1", mini_openid="m1")
    params = {"number": "REG-20261124-0001", "at": "2026-11-24 16:30"}
    with desk.portal.app_context(), unit_of_work():
        message = service.notify_customer(to, "registration_approved", params, dedupe_key="r1")
        assert [message.channel, *message.fallbacks] == ["wechat_template", "wechat_subscribe", "sms"]
        stranger = replace(to, follows=False, mini_openid="")
        message = service.notify_customer(stranger, "registration_approved", params, dedupe_key="r2")
        assert [message.channel, *message.fallbacks] == ["sms"]
        with pytest.raises(ValueError, match="reason"):
            service.notify_customer(to, "registration_needs_resubmission", params, dedupe_key="r3")


def test_43101_is_answered_by_one_sms(desk: Desk, aliyun_stub: AliyunStub, wechat_stub: WeChatStub) -> None:
    wechat_stub.users.add("m1")  # WeChat knows of no subscription, although we were told of one
    to = service.CustomerAddress(None, PHONE, official_openid="o1", mini_openid="m1")
    params = {"number": "REG-20261124-0001", "at": "2026-11-24 16:30"}
    with desk.portal.app_context(), unit_of_work():
        follow.add_credit(db.session(), MINI, "m1", SUBSCRIBE_ID)
        message_id = service.notify_customer(to, "registration_approved", params, dedupe_key="r1").id
    for _n in range(3):
        desk.work()
    assert desk.state(message_id)[0] == "sent"
    assert len(wechat_stub.calls("/cgi-bin/message/subscribe/send")) == 1
    assert aliyun_stub.delivered == [
        ("13800000000", "SMS_RESULT", {"number": "REG-20261124-0001", "status": "审核通过"})
    ]


@pytest.fixture
def mail() -> Iterator[SmtpStub]:
    with SmtpStub() as stub:
        yield stub


@pytest.fixture
def mailing_desk(settings: config.Settings, mail: SmtpStub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    smtp = config.Smtp(host="127.0.0.1", port=mail.port, sender="portal@demo.invalid")
    yield from _desk(replace(settings, smtp=smtp), monkeypatch)


def _tell(desk: Desk, key: str = "s1") -> uuid.UUID:
    """A message to a member of staff who has a WeCom id."""
    to = Recipient({"wecom": "demo.engineer", "email": "engineer@demo.invalid"}, staff_id=uuid.UUID(int=9))
    with desk.portal.app_context(), unit_of_work():
        return outbox.send(
            "dispatch_recalled", to=to, params={"number": "WX-20261124-0001"}, purpose="login_code", dedupe_key=key
        ).id


def test_a_member_whom_wecom_refuses_is_told_by_one_mail_and_the_page_says_why(
    mailing_desk: Desk, wecom_stub: WeComStub, mail: SmtpStub
) -> None:
    wecom_stub.mild = True  # refused in an answer with errcode 0
    message_id = _tell(mailing_desk)
    for _n in range(3):
        mailing_desk.work()
    assert mailing_desk.state(message_id) == ("sent", None)
    assert (len(wecom_stub.calls(SEND)), len(mail.messages)) == (1, 1)
    page = mailing_desk.page(f"/notifications/{message_id}")
    assert "企业微信未送达：企业微信里没有这个成员，或应用对其不可见" in page
    assert "demo.engineer" not in page
    assert "企业微信未送达：企业微信里没有这个成员" in mailing_desk.page("/notifications?tab=sent")
    with mailing_desk.portal.app_context():
        found = outbox.told(["s1", "nothing"])
        assert [(one.channel, dict(one.refused_by)) for one in found.values()] == [
            ("email", {"wecom": "wecom_invaliduser"})
        ]


def test_a_member_whom_wecom_reaches_gets_no_mail(mailing_desk: Desk, wecom_stub: WeComStub, mail: SmtpStub) -> None:
    wecom_stub.members.add("demo.engineer")
    wecom_stub.lose = 1  # delivered, and the answer lost: asked again, dropped as the same card
    message_id = _tell(mailing_desk)
    mailing_desk.work()
    assert mailing_desk.state(message_id) == ("waiting", "wecom_http_5xx")
    with clock.advanced(timedelta(minutes=1)):
        mailing_desk.work()
    assert mailing_desk.state(message_id) == ("sent", None)
    assert (len(wecom_stub.delivered), len(mail.messages)) == (1, 0)


def test_a_stopped_wecom_is_shown_with_its_reason_and_restarted(
    mailing_desk: Desk, wecom_stub: WeComStub, mail: SmtpStub
) -> None:
    wecom_stub.members.add("demo.engineer")
    wecom_stub.fail(SEND, 301002)
    _tell(mailing_desk, "a")
    _tell(mailing_desk, "b")
    for _n in range(2):
        mailing_desk.work()
    assert (len(wecom_stub.calls(SEND)), len(mail.messages)) == (1, 2)
    page = mailing_desk.page("/notifications?tab=sent")
    assert "企业微信：已停用，请处理后重新启用" in page
    assert "企业微信应用没有发消息的权限（301002）" in page
    assert mailing_desk.client().post("/notifications/channels/wecom/restart").status_code == 302
    _tell(mailing_desk, "c")
    mailing_desk.work()
    assert len(wecom_stub.delivered) == 1


def test_a_month_later_the_address_is_gone_and_the_reason_stays(
    mailing_desk: Desk, wecom_stub: WeComStub, mail: SmtpStub
) -> None:
    message_id = _tell(mailing_desk)
    for _n in range(2):
        mailing_desk.work()
    assert len(mail.messages) == 1
    with clock.advanced(timedelta(days=31)), mailing_desk.portal.app_context():
        with unit_of_work():
            assert outbox_service.forget() == 1
        row = db.session.get(Message, message_id)
        assert row is not None
        assert (row.addresses, row.params) == ({}, {})
        assert (row.address_class, row.refused_by) == (None, {"wecom": "wecom_81013"})
    assert "或应用对其不可见（81013）" in mailing_desk.page(f"/notifications/{message_id}")
