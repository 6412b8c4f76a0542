"""The client against the stub server: tokens, codes, sends, refusals."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from urllib.request import Request, urlopen

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from app.core.db import db
from app.notifications.models import InterfaceToken
from app.notifications.tencent import Unreachable
from app.notifications.wechat import WeChatClient, WeChatError
from tests.stubs.wechat import SUBSCRIBE_ID, TEMPLATE_ID, WeChatStub

OPENID = "stub-openid-0001"
DATA = {
    "character_string1": "REG-20261124-0001",
    "phrase2": "审核通过",
    "time3": "2026-11-24 16:30",
    "thing4": "请在小程序内查看",
}
SUBSCRIBE, TEMPLATE = "/cgi-bin/message/subscribe/send", "/cgi-bin/message/template/send"
STABLE, PHONE, LOGIN = "/cgi-bin/stable_token", "/wxa/business/getuserphonenumber", "/sns/jscode2session"


def _follow(stub: WeChatStub, credits: int = 100) -> None:
    stub.users.add(OPENID)
    stub.followers.add(OPENID)
    stub.credits[OPENID] = credits


def _send(wechat_client: WeChatClient) -> str:
    return wechat_client.send_subscribe(OPENID, SUBSCRIBE_ID, DATA)


def test_token_is_refreshed_once_under_20_parallel_sends(
    bare_app: Flask, wechat_client: WeChatClient, wechat_stub: WeChatStub
) -> None:
    _follow(wechat_stub)
    wechat_stub.delay(STABLE, 0.2)

    def send(_n: int) -> None:
        with bare_app.app_context():
            _send(wechat_client)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(send, range(20)))
    assert len(wechat_stub.calls(STABLE)) == 1
    assert len(wechat_stub.calls(SUBSCRIBE)) == 20
    wechat_stub.expire_tokens()
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(send, range(20)))
    assert len(wechat_stub.calls(STABLE)) == 2  # all 20 met the dead token; one asked for a new one
    assert wechat_stub.credits[OPENID] == 60


def test_the_token_is_sealed_in_the_database(wechat_client: WeChatClient, wechat_stub: WeChatStub) -> None:
    token = wechat_client.tokens.get(wechat_client.mini)
    with Session(db.engine) as session:
        row = session.scalars(sa.select(InterfaceToken)).one()
        assert row.token == token
        assert token.encode() not in (row.token_sealed or b"")


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_refused_token_is_tried_once_more_and_then_given_up(
    wechat_client: WeChatClient, wechat_stub: WeChatStub, code: int
) -> None:
    _follow(wechat_stub)
    wechat_stub.fail(SUBSCRIBE, code)
    _send(wechat_client)
    assert len(wechat_stub.calls(SUBSCRIBE)) == 2
    wechat_stub.fail(SUBSCRIBE, code, times=5)
    with pytest.raises(WeChatError):
        _send(wechat_client)
    assert len(wechat_stub.calls(SUBSCRIBE)) == 4


def test_a_stable_token_that_stays_the_same_is_forced_at_most_once_in_30_seconds(
    wechat_client: WeChatClient, wechat_stub: WeChatStub
) -> None:
    _follow(wechat_stub)
    wechat_stub.fail(SUBSCRIBE, 40001, times=2)
    with pytest.raises(WeChatError):
        _send(wechat_client)
    wechat_stub.fail(SUBSCRIBE, 40001, times=2)
    with pytest.raises(WeChatError):
        _send(wechat_client)
    forced = [call for call in wechat_stub.calls(STABLE) if call.json()["force_refresh"]]
    assert len(forced) == 1


def test_the_lock_is_given_back_when_the_refresh_fails(wechat_client: WeChatClient, wechat_stub: WeChatStub) -> None:
    wechat_stub.fail(STABLE, 40125)
    with pytest.raises(WeChatError):
        wechat_client.tokens.get(wechat_client.mini)
    assert wechat_client.tokens.get(wechat_client.mini)


def test_login_code_is_used_once_and_the_session_key_dropped(
    wechat_client: WeChatClient, wechat_stub: WeChatStub
) -> None:
    wechat_stub.login_codes["c1"] = {"openid": OPENID, "unionid": "stub-union"}
    wechat_stub.login_codes["c2"] = {"openid": OPENID}
    found = wechat_client.code_to_session("c1")
    assert (found.openid, found.unionid) == (OPENID, "stub-union")
    assert OPENID not in repr(found)
    assert wechat_client.code_to_session("c2").unionid is None
    for code, errcode in (("c1", 40163), ("nope", 40029)):
        with pytest.raises(WeChatError) as error:
            wechat_client.code_to_session(code)
        assert error.value.errcode == errcode


@pytest.mark.parametrize("country", [86, "86", "+86"])
def test_phone_number_with_country_code_as_number_and_text(
    wechat_client: WeChatClient, wechat_stub: WeChatStub, country: object
) -> None:
    wechat_stub.phone_codes["p1"] = ("13800000000", country)
    assert wechat_client.phone_number("p1") == "+8613800000000"
    with pytest.raises(WeChatError) as error:
        wechat_client.phone_number("p1")
    assert error.value.errcode == 40163


def test_busy_is_tried_three_times_and_a_lost_answer_never_again(
    wechat_client: WeChatClient, wechat_stub: WeChatStub
) -> None:
    _follow(wechat_stub)
    wechat_stub.fail(SUBSCRIBE, -1, times=2)
    _send(wechat_client)
    assert len(wechat_stub.calls(SUBSCRIBE)) == 3
    wechat_stub.fail(SUBSCRIBE, 503)
    with pytest.raises(Unreachable) as lost:
        _send(wechat_client)
    assert lost.value.sent
    assert len(wechat_stub.calls(SUBSCRIBE)) == 4
    wechat_stub.login_codes["c1"] = {"openid": OPENID}
    wechat_stub.fail(LOGIN, 500)
    with pytest.raises(Unreachable):
        wechat_client.code_to_session("c1")
    assert len(wechat_stub.calls(LOGIN)) == 1


def test_template_message_ids_and_repeats(wechat_client: WeChatClient, wechat_stub: WeChatStub) -> None:
    _follow(wechat_stub)
    first = wechat_client.send_template(OPENID, TEMPLATE_ID, DATA, client_msg_id="m1", page="pages/x")
    again = wechat_client.send_template(OPENID, TEMPLATE_ID, DATA, client_msg_id="m1")
    assert first == again != wechat_client.send_template(OPENID, TEMPLATE_ID, DATA, client_msg_id="m2")
    assert wechat_stub.calls(TEMPLATE)[0].json()["miniprogram"]["pagepath"] == "pages/x"


def test_no_error_shows_a_token_a_code_or_a_person(wechat_client: WeChatClient, wechat_stub: WeChatStub) -> None:
    _follow(wechat_stub, credits=0)
    with pytest.raises(WeChatError) as refused:
        _send(wechat_client)
    with pytest.raises(WeChatError) as bad_code:
        wechat_client.code_to_session("hidden-code")
    token = wechat_client.tokens.get(wechat_client.mini)
    for error in (refused, bad_code):
        shown = repr(error.value) + str(error.value) + str(error.value.__cause__)
        assert not any(secret in shown for secret in (token, OPENID, "hidden-code", wechat_client.mini.secret))


def _raw(url: str, body: object, kind: str = "application/json") -> dict[str, object]:
    request = Request(url, data=json.dumps(body).encode(), headers={"Content-Type": kind})
    with urlopen(request, timeout=5) as answer:
        found = json.load(answer)
    assert isinstance(found, dict)
    return found


def test_the_stub_refuses_what_wechat_refuses(wechat_client: WeChatClient, wechat_stub: WeChatStub) -> None:
    _follow(wechat_stub)
    token = wechat_client.tokens.get(wechat_client.mini)
    url = f"{wechat_stub.base}{SUBSCRIBE}?access_token={token}"
    data = {name: {"value": value} for name, value in DATA.items()}
    body = {"touser": OPENID, "template_id": SUBSCRIBE_ID, "data": data}
    assert _raw(url, body, "text/plain")["errcode"] == 47001
    assert _raw(wechat_stub.base + SUBSCRIBE, {**body, "access_token": token})["errcode"] == 41001
    assert _raw(url, {**body, "data": {**data, "thing9": {"value": "x"}}})["errcode"] == 47003
    assert _raw(url, {**body, "data": {**data, "thing4": {"value": "长" * 21}}})["errcode"] == 47003
    assert _raw(url, {**body, "touser": "stranger"})["errcode"] == 40003
    assert _raw(url, body)["errcode"] == 0


def test_the_stub_is_steered_over_http(wechat_client: WeChatClient, wechat_stub: WeChatStub) -> None:
    _follow(wechat_stub)
    _raw(wechat_stub.base + "/__stub/fail", {"path": SUBSCRIBE, "errcode": 43101, "times": 1})
    with pytest.raises(WeChatError):
        _send(wechat_client)
    with urlopen(wechat_stub.base + "/__stub/requests", timeout=5) as answer:
        assert SUBSCRIBE in [call["path"] for call in json.load(answer)["requests"]]
    _raw(wechat_stub.base + "/__stub/reset", {})
    assert wechat_stub.requests == []
