"""WeChat's callback: who is let in, what is taken once, what each event changes."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask import Flask

import config
from app.core.unit_of_work import unit_of_work
from app.notifications import callback, follow
from app.notifications.apart import reading
from app.notifications.callback import Query
from app.notifications.wechat.crypto import CallbackRefused, signature
from tests.stubs.wechat import MINI, OFFICIAL, SUBSCRIBE_ID, TOKEN, sealed_callback

OPENID = "stub-openid-0001"
Reports = list[tuple[str, str, bool, str]]


class Taker:
    """Gives callbacks to `callback.receive` as the frame would."""

    def __init__(self, settings: config.Settings) -> None:
        self.settings, self.reports = settings.wechat, list[tuple[str, str, bool, str]]()

    def take(self, event: str, appid: str = MINI, **how: Any) -> bool:
        query, body = sealed_callback(event.encode(), appid, **how)
        return self.take_raw(query, body)

    def take_raw(self, query: dict[str, str], body: bytes) -> bool:
        with unit_of_work():
            return callback.receive(self.settings, Query(**query), body, lambda *facts: self.reports.append(facts))


@pytest.fixture
def taker(bare_app: Flask, settings: config.Settings) -> Taker:
    return Taker(settings)


def _event(name: str, at: int = 1, **more: str) -> str:
    inner = "".join(f"<{key}>{value}</{key}>" for key, value in more.items())
    return (
        f"<xml><ToUserName>stub</ToUserName><FromUserName>{OPENID}</FromUserName><CreateTime>{at}</CreateTime>"
        f"<MsgType>event</MsgType><Event>{name}</Event>{inner}</xml>"
    )


def _follows() -> bool:
    with reading() as session:
        return follow.follows(session, OFFICIAL, OPENID)


def _credit() -> bool:
    with unit_of_work():
        from app.core.db import db

        return follow.take_credit(db.session(), MINI, OPENID, SUBSCRIBE_ID)


@pytest.mark.parametrize("xml", [True, False])
def test_follow_and_unfollow(taker: Taker, xml: bool) -> None:
    assert taker.take(_event("subscribe", 1), OFFICIAL, xml=xml)
    assert _follows()
    assert taker.take(_event("unsubscribe", 2), OFFICIAL, xml=xml)
    assert not _follows()


def test_the_same_event_is_taken_once(taker: Taker) -> None:
    assert taker.take(_event("subscribe", 1), OFFICIAL)
    assert taker.take(_event("unsubscribe", 2), OFFICIAL)
    assert not taker.take(_event("subscribe", 1), OFFICIAL)  # repeated late, with a new nonce
    assert not _follows()
    assert taker.take(_event("subscribe", 5, MsgId="77"), OFFICIAL)
    assert not taker.take(_event("subscribe", 6, MsgId="77"), OFFICIAL)


@pytest.mark.parametrize("shape", ["json_list", "json_one", "json_nested", "xml"])
def test_popup_gives_credits_in_every_shape(taker: Taker, shape: str) -> None:
    item = f'{{"TemplateId": "{SUBSCRIBE_ID}", "SubscribeStatusString": "accept", "PopupScene": "2"}}'
    head = f'"FromUserName": "{OPENID}", "CreateTime": 1, "MsgType": "event", "Event": "subscribe_msg_popup_event"'
    xml = f"<List><TemplateId>{SUBSCRIBE_ID}</TemplateId><SubscribeStatusString>accept</SubscribeStatusString></List>"
    event = {
        "json_list": f'{{{head}, "List": [{item}, {item}]}}',
        "json_one": f'{{{head}, "List": {item}}}',
        "json_nested": f'{{{head}, "SubscribeMsgPopupEvent": {{"List": [{item}]}}}}',
        "xml": _event("subscribe_msg_popup_event", SubscribeMsgPopupEvent=xml),
    }[shape]
    taker.take(event)
    assert _credit()
    assert _credit() is (shape == "json_list")
    assert not _credit()


def test_a_change_in_the_settings_takes_credits_away_and_gives_none(taker: Taker) -> None:
    def event(name: str, answer: str, at: int) -> str:
        item = f'{{"TemplateId": "{SUBSCRIBE_ID}", "SubscribeStatusString": "{answer}"}}'
        return f'{{"FromUserName":"{OPENID}","CreateTime":{at},"MsgType":"event","Event":"{name}","List":[{item}]}}'

    taker.take(event("subscribe_msg_change_event", "accept", 1))
    assert not _credit()
    taker.take(event("subscribe_msg_popup_event", "accept", 2))
    taker.take(event("subscribe_msg_change_event", "reject", 3))
    assert not _credit()


def test_delivery_reports(taker: Taker) -> None:
    taker.take(_event("TEMPLATESENDJOBFINISH", 1, MsgID="11", Status="success"), OFFICIAL)
    taker.take(_event("TEMPLATESENDJOBFINISH", 1, MsgID="12", Status="failed:user block"), OFFICIAL)
    taker.take(_event("TEMPLATESENDJOBFINISH", 1, MsgID="13", Status="failed: system failed"), OFFICIAL)
    item = '{"TemplateId": "t", "MsgID": "14", "ErrorCode": 43101, "ErrorStatus": "refused"}'
    head = f'"FromUserName": "{OPENID}", "CreateTime": 1, "MsgType": "event", "Event": "subscribe_msg_sent_event"'
    taker.take(f'{{{head}, "List": {item}}}')
    assert taker.reports == [
        ("wechat_template", "11", True, ""),
        ("wechat_template", "12", False, "wechat_user_block"),
        ("wechat_template", "13", False, "wechat_system_failed"),
        ("wechat_subscribe", "14", False, "wechat_43101"),
    ]


def _refused(taker: Taker, query: dict[str, str], body: bytes) -> str:
    with pytest.raises(CallbackRefused) as refused:
        taker.take_raw(query, body)
    return str(refused.value)


def test_who_is_refused(taker: Taker) -> None:
    event = _event("subscribe").encode()
    query, body = sealed_callback(event, OFFICIAL)
    assert _refused(taker, {**query, "encrypt_type": ""}, event) == "plain_mode"
    assert _refused(taker, {**query, "msg_signature": "0" * 40}, body) == "signature"
    assert _refused(taker, {**query, "nonce": "other"}, body) == "signature"
    assert _refused(taker, *sealed_callback(event, "wxsomeoneelse")) == "appid"
    assert _refused(taker, *sealed_callback(event, "")) == "appid"
    old = str(int(time.time()) - 301)
    assert _refused(taker, *sealed_callback(event, OFFICIAL, timestamp=old)) == "timestamp"
    assert _refused(taker, *sealed_callback(event, OFFICIAL, timestamp="soon")) == "timestamp"
    assert _refused(taker, *sealed_callback(b'<!DOCTYPE x [<!ENTITY a "b">]><xml/>', OFFICIAL)) == "doctype"
    assert not _follows()


def test_the_plain_signature_does_not_count_in_safe_mode(taker: Taker) -> None:
    query, body = sealed_callback(_event("subscribe").encode(), OFFICIAL)
    plain = signature(TOKEN, query["timestamp"], query["nonce"])
    assert _refused(taker, {**query, "signature": plain, "msg_signature": ""}, body) == "signature"


def test_a_replayed_request_is_refused(taker: Taker) -> None:
    query, body = sealed_callback(_event("subscribe").encode(), OFFICIAL)
    assert taker.take_raw(query, body)
    assert _refused(taker, query, body) == "replayed"


def _check(settings: config.Settings, echostr: str, **change: str) -> str:
    now = str(int(time.time()))
    query = Query(**{"timestamp": now, "nonce": "n", "signature": signature(TOKEN, now, "n"), **change})
    return callback.echo(settings.wechat, query, echostr)


def test_the_check_of_the_address(settings: config.Settings) -> None:
    assert _check(settings, "7421354938470582021") == "7421354938470582021"
    for echostr, change in (("1", {"signature": "0" * 40}), ("<script>", {}), ("", {}), ("1", {"nonce": "m"})):
        with pytest.raises(CallbackRefused):
            _check(settings, echostr, **change)


def test_without_a_token_nobody_is_let_in(settings: config.Settings) -> None:
    with pytest.raises(CallbackRefused):
        callback.echo(config.WeChat(), Query("1", "2", signature("", "1", "2")), "x")
