"""WeCom against the stub: tokens, cards, every refusal, what may be repeated, and what the settings must be."""

from __future__ import annotations

import base64
import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.request import Request, urlopen

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

import config
from app.core import clock, numbers
from app.core.db import db
from app.core.unit_of_work import evidence
from app.notifications import templates, words
from app.notifications.apart import reading
from app.notifications.channels import Channel
from app.notifications.delivery import Letter, Verdict
from app.notifications.http import Outbound
from app.notifications.links import PUBLIC_ADDRESS
from app.notifications.models import ChannelHold, InterfaceToken
from app.notifications.tencent import Step, Unreachable
from app.notifications.wechat import WeChatClient
from app.notifications.wecom import REMEMBERED, RULES, Card, NotReached, WeComClient, WeComError
from tests.stubs.wechat import WeChatStub
from tests.stubs.wecom import AGENT, CORP, DESCRIPTION_CHARS, GETTOKEN, SECRET, SEND, TITLE_CHARS, WeComStub

MEMBER = "demo.engineer"
PARAMS = {"number": "T-20261124-0001", "window": "11-25 09:00–12:00", "accept_by": "11-24 18:00"}
CARD = Card("请接单", "工单 T-20261124-0001", "http://127.0.0.1:8000/")


@pytest.fixture
def wecom_client(bare_app: Flask, settings: config.Settings, wecom_stub: WeComStub) -> WeComClient:
    wecom_stub.members.add(MEMBER)
    return WeComClient(settings.wecom, Outbound.from_settings(settings))


@pytest.fixture
def way(channels: dict[str, Channel], wecom_stub: WeComStub) -> Channel:
    """The channel, with the member known to WeCom."""
    wecom_stub.members.add(MEMBER)
    return channels["wecom"]


def _letter(age: timedelta = timedelta(), template: str = "dispatch_offer", **params: str) -> Letter:
    made = int((time.time() - age.total_seconds()) * 1000)
    return Letter(str(uuid.UUID(int=made << 80 | 0x7 << 76 | 1)), template, MEMBER, {**PARAMS, **params})


def _hold() -> tuple[str, datetime | None, str] | None:
    with reading() as session:
        row = session.scalar(sa.select(ChannelHold))
        return (row.channel, row.until, row.code) if row is not None else None


# -- the client


def test_token_is_refreshed_once_under_20_parallel_sends(
    bare_app: Flask, wecom_client: WeComClient, wecom_stub: WeComStub
) -> None:
    wecom_stub.delay(GETTOKEN, 0.2)

    def send(n: int) -> None:
        with bare_app.app_context():
            wecom_client.send_card(MEMBER, Card(f"请接单 {n}", CARD.description, CARD.url))

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(send, range(20)))
    assert len(wecom_stub.calls(GETTOKEN)) == 1
    wecom_stub.expire_tokens()
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(send, range(20, 40)))
    assert len(wecom_stub.calls(GETTOKEN)) == 2  # all 20 met the dead token; one asked for a new one
    assert len(wecom_stub.delivered) == 40


def test_a_token_that_ran_out_on_the_way_is_asked_for_anew(wecom_client: WeComClient, wecom_stub: WeComStub) -> None:
    wecom_client.send_card(MEMBER, CARD)
    wecom_stub.later = 7201
    with clock.advanced(timedelta(seconds=7201)):
        wecom_client.send_card(MEMBER, Card("撤回", CARD.description, CARD.url))
    assert len(wecom_stub.calls(GETTOKEN)) == 2
    assert len(wecom_stub.calls(SEND)) == 2  # our own clock knew: nothing was refused


@pytest.mark.parametrize("code", [40014, 42001])
def test_a_refused_token_is_tried_once_more_and_then_given_up(
    wecom_client: WeComClient, wecom_stub: WeComStub, code: int
) -> None:
    wecom_stub.fail(SEND, code)
    wecom_client.send_card(MEMBER, CARD)
    assert len(wecom_stub.calls(SEND)) == 2
    wecom_stub.fail(SEND, code, times=5)
    with pytest.raises(WeComError):
        wecom_client.send_card(MEMBER, CARD)
    assert len(wecom_stub.calls(SEND)) == 4
    assert all(set(call.query) == {"corpid", "corpsecret"} for call in wecom_stub.calls(GETTOKEN))  # nothing to force


def test_one_store_keeps_the_tokens_of_both_services_apart_and_sealed(
    wecom_client: WeComClient, wechat_client: WeChatClient, wechat_stub: WeChatStub
) -> None:
    ours = wecom_client.tokens.get(wecom_client.agent)
    theirs = wechat_client.tokens.get(wechat_client.mini)
    with Session(db.engine) as session:
        rows = {row.account: row for row in session.scalars(sa.select(InterfaceToken))}
        assert {name: row.token for name, row in rows.items()} == {f"{CORP}:{AGENT}": ours, "wxstub0000000001": theirs}
        assert all((row.token or "").encode() not in (row.token_sealed or b"") for row in rows.values())


def test_a_token_that_could_not_be_asked_for_means_that_nothing_was_sent(
    wecom_client: WeComClient, wecom_stub: WeComStub
) -> None:
    wecom_stub.fail(GETTOKEN, 503, times=3)
    with pytest.raises(Unreachable) as lost:
        wecom_client.send_card(MEMBER, CARD)
    assert not lost.value.sent
    assert wecom_stub.calls(SEND) == []
    wecom_client.send_card(MEMBER, CARD)  # the lock was given back


def test_no_error_shows_a_token_a_secret_or_a_person(wecom_client: WeComClient, wecom_stub: WeComStub) -> None:
    token = wecom_client.tokens.get(wecom_client.agent)
    wecom_stub.members.clear()
    with pytest.raises(WeComError) as refused:
        wecom_client.send_card(MEMBER, CARD)
    wecom_stub.mild = True
    with pytest.raises(NotReached) as left_out:
        wecom_client.send_card(MEMBER, CARD)
    for error in (refused, left_out):
        shown = repr(error.value) + str(error.value) + str(error.value.__cause__) + repr(wecom_client.agent)
        assert not any(secret in shown for secret in (token, MEMBER, SECRET))


def test_the_stub_refuses_what_wecom_refuses(wecom_client: WeComClient, wecom_stub: WeComStub) -> None:
    def ask(token: str | None, **body: object) -> dict[str, object]:
        query = f"?access_token={token}" if token else ""
        whole = {"touser": MEMBER, "msgtype": "textcard", "agentid": int(AGENT), "textcard": vars_of(CARD), **body}
        request = Request(f"{wecom_stub.base}{SEND}{query}", data=json.dumps(whole).encode())
        with urlopen(request, timeout=5) as answer:
            found = json.load(answer)
        assert isinstance(found, dict)
        return found

    def vars_of(card: Card) -> dict[str, str]:
        return {"title": card.title, "description": card.description, "url": card.url}

    token = wecom_client.tokens.get(wecom_client.agent)
    codes = [
        ask(None), ask("x"), ask(token, agentid=7), ask(token, touser=""), ask(token, touser="nobody|else"),
        ask(token, msgtype="text"), ask(token, textcard={"title": "x"}), ask(token, duplicate_check_interval=14_401),
    ]  # fmt: skip
    assert [found["errcode"] for found in codes] == [41001, 40014, 40056, 82001, 81013, 40008, 40058, 40058]
    partial = ask(token, touser=f"{MEMBER.upper()}|Nobody")  # some refused: errcode 0, in lower case
    assert (partial["errcode"], partial["invaliduser"]) == (0, "nobody")
    assert [member for member, _card in wecom_stub.delivered] == [MEMBER]


# -- the channel


def test_a_card_says_number_and_what_to_do_and_leads_to_the_page(way: Channel, wecom_stub: WeComStub) -> None:
    with evidence() as session:
        at = clock.now()
        session.add(numbers.BusinessNumber(key="public_address", value="https://portal.demo.invalid/", changed_at=at))
    outcome = way.deliver(_letter(template="ticket_deadline", clock="上门", clock_en="visit", level="90", due="18:00"))
    assert (outcome.verdict, bool(outcome.reference)) == (Verdict.SENT, True)
    body = wecom_stub.calls(SEND)[0].json()
    assert (body["touser"], body["agentid"]) == (MEMBER, int(AGENT))
    assert (body["enable_duplicate_check"], body["duplicate_check_interval"]) == (1, 14_400)
    card = body["textcard"]
    assert card["title"] == f"工单 {PARAMS['number']} 时限 90%"
    assert "已用去 90%" in card["description"]
    assert card["url"] == f"https://portal.demo.invalid/tickets/{PARAMS['number']}"
    assert card["btntxt"] == "查看"


@pytest.mark.parametrize("code", [40003, 60011, 81013, 82001, 45002, 99999])
def test_who_cannot_be_reached_gets_the_mail(way: Channel, wecom_stub: WeComStub, code: int) -> None:
    wecom_stub.fail(SEND, code)
    outcome = way.deliver(_letter())
    assert (outcome.verdict, outcome.code) == (Verdict.FALLBACK, f"wecom_{code}")
    assert len(wecom_stub.calls(SEND)) == 1
    assert _hold() is None  # the next person is not to blame


def test_a_member_refused_in_an_answer_with_errcode_0_was_not_reached(way: Channel, wecom_stub: WeComStub) -> None:
    wecom_stub.unlicensed.add(MEMBER)
    assert way.deliver(_letter()).code == "wecom_unlicenseduser"
    wecom_stub.members.clear()
    wecom_stub.mild = True
    outcome = way.deliver(_letter())
    assert (outcome.verdict, outcome.code) == (Verdict.FALLBACK, "wecom_invaliduser")
    assert wecom_stub.delivered == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (SEND, 40056),
        (SEND, 301002),
        (SEND, 48002),
        (SEND, 60020),
        (GETTOKEN, 40001),
        (GETTOKEN, 40013),
        (GETTOKEN, 60020),
    ],
)
def test_an_app_that_is_set_up_wrongly_stops_the_channel(
    way: Channel, wecom_stub: WeComStub, path: str, code: int
) -> None:
    wecom_stub.fail(path, code)
    assert way.deliver(_letter()).verdict is Verdict.FALLBACK
    assert _hold() == ("wecom", None, f"wecom_{code}")
    asked = len(wecom_stub.requests)
    assert way.deliver(_letter()).code == "channel_stopped"
    assert len(wecom_stub.requests) == asked


def test_too_many_calls_pause_the_channel_for_an_hour_and_nobody_waits_for_it(
    way: Channel, wecom_stub: WeComStub
) -> None:
    at = datetime(2026, 11, 24, 4, 0, 30, tzinfo=UTC)
    with clock.frozen(at):
        wecom_stub.fail(SEND, 45009)
        assert way.deliver(_letter()).verdict is Verdict.FALLBACK
        assert _hold() == ("wecom", at + timedelta(hours=1), "wecom_45009")
        waiting = way.deliver(_letter())
        assert (waiting.verdict, waiting.code) == (Verdict.FALLBACK, "channel_paused")
        assert len(wecom_stub.calls(SEND)) == 1
    with clock.frozen(at + timedelta(hours=1, seconds=1)):
        assert way.deliver(_letter()).verdict is Verdict.SENT


def test_calls_at_the_same_time_and_a_busy_system_are_tried_again(way: Channel, wecom_stub: WeComStub) -> None:
    wecom_stub.fail(SEND, 45033)
    assert way.deliver(_letter()).verdict is Verdict.RETRY
    wecom_stub.fail(SEND, -1, times=3)
    assert way.deliver(_letter()).verdict is Verdict.RETRY
    assert _hold() is None
    assert way.deliver(_letter()).verdict is Verdict.SENT


def test_an_answer_that_got_lost_is_asked_for_again_and_the_card_arrives_once(
    way: Channel, wecom_stub: WeComStub
) -> None:
    letter = _letter()
    wecom_stub.lose = 1
    assert way.deliver(letter).verdict is Verdict.RETRY
    assert way.deliver(letter).verdict is Verdict.SENT
    assert len(wecom_stub.calls(SEND)) == 2
    assert len(wecom_stub.delivered) == 1


def test_two_messages_of_the_same_words_both_arrive(way: Channel, wecom_stub: WeComStub) -> None:
    for age in (timedelta(seconds=5), timedelta()):  # recalled, offered again, recalled again
        assert way.deliver(_letter(age, "dispatch_recalled")).verdict is Verdict.SENT
    assert len(wecom_stub.delivered) == 2


def test_what_wecom_no_longer_remembers_is_not_repeated(way: Channel, wecom_stub: WeComStub) -> None:
    assert timedelta(seconds=14_400) > REMEMBERED
    wecom_stub.lose = 2
    assert way.deliver(_letter(REMEMBERED - timedelta(minutes=1))).verdict is Verdict.RETRY
    lost = way.deliver(_letter(REMEMBERED + timedelta(minutes=1)))
    assert (lost.verdict, lost.code) == (Verdict.UNKNOWN, "wecom_http_5xx")


def test_every_card_of_staff_fits_and_names_nobody() -> None:
    values = {
        "number": "WX-20261124-0001", "window": "11-24 09:00–11-24 12:00", "accept_by": "11-24 18:00",
        "name": "示范<b>姓名</b>", "why": "经销商合同已终止", "why_en": "the dealer's contract has ended", "clock": "首次响应",
        "clock_en": "first response", "level": "100", "due": "2026-11-24 18:00", "count": "999", "left": "99",
        "what": "已暂停，须重新确认", "what_en": "paused; it has to be confirmed again",
    }  # fmt: skip
    cards = [template for template in templates.CATALOGUE.values() if templates.WECOM in template.channels]
    assert len(cards) >= 10
    for template in cards:
        assert templates.EMAIL in template.channels, template.key  # WeCom never is the only way
        assert not template.secret, template.key  # a one-time link goes to the mailbox that signs in
        title, description = template.card_text(values, datetime(2026, 11, 24, tzinfo=UTC))
        assert 0 < len(title) <= TITLE_CHARS, template.key
        assert len(description) <= DESCRIPTION_CHARS, template.key
        assert "姓名" not in title + description, template.key
        assert "{" not in template.path.format_map(values)


def test_a_parameter_brings_no_markup() -> None:
    text = templates.get("ticket_deadline").card_text(
        {"number": "<a href=x>", "clock": "<b>", "clock_en": "x", "level": "90", "due": "x"}, clock.now()
    )
    assert "<a" not in "".join(text)
    assert "<b>" not in "".join(text)


def test_the_console_stands_in_for_wecom(
    console_channels: dict[str, Channel], wecom_stub: WeComStub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert console_channels["wecom"].deliver(_letter()).verdict is Verdict.SENT
    line = json.loads(capsys.readouterr().out)
    assert (line["channel"], line["to"], line["template"]) == ("wecom", MEMBER, "dispatch_offer")
    assert wecom_stub.requests == []


def test_the_error_table_is_whole_and_has_words(bare_app: Flask) -> None:
    assert {-1, 40014, 42001, 81013, 60011, 40056, 301002, 45009, 45033, 40001, 40013, 60020} <= set(RULES)
    assert WeComError(99999).rule.step is Step.FALLBACK
    assert Step.DEAD not in {rule.step for rule in RULES.values()}  # staff have a mailbox


# -- settings

WHOLE = {"PORTAL_WECOM_CORP_ID": CORP, "PORTAL_WECOM_AGENT_ID": AGENT, "PORTAL_WECOM_SECRET": SECRET}


@pytest.mark.parametrize("missing", sorted(WHOLE))
def test_half_a_configuration_is_refused_by_name(tmp_path: object, missing: str) -> None:
    given = {name: value for name, value in WHOLE.items() if name != missing}
    with pytest.raises(config.ConfigError, match=missing):
        config.load({"PORTAL_ENV": "test", "PORTAL_INSTANCE": str(tmp_path), **given})


@pytest.mark.parametrize(
    ("name", "value"),
    [("AGENT_ID", "ten"), ("AGENT_ID", "１０"), ("AGENT_ID", "1" * 11), ("CORP_ID", "ww/1"), ("CORP_ID", "w" * 33)],
)
def test_ids_of_the_wrong_kind_are_refused(tmp_path: object, name: str, value: str) -> None:
    with pytest.raises(config.ConfigError, match=name):
        config.load({"PORTAL_ENV": "test", "PORTAL_INSTANCE": str(tmp_path), **WHOLE, f"PORTAL_WECOM_{name}": value})


def test_production_calls_wecom_over_tls_alone(tmp_path: object) -> None:
    key = base64.b64encode(bytes(32)).decode()
    given = {
        "PORTAL_ENV": "production", "PORTAL_INSTANCE": str(tmp_path), "PORTAL_SECRET_KEY": "r" * 48, "PORTAL_KEK": key,
        "PORTAL_AUDIT_SIGNING_KEY": key, "PORTAL_DATABASE_URL": "postgresql://db.invalid/portal?sslmode=verify-full",
        "PORTAL_KEYSTORE_URL": "postgresql://keys.invalid/portal?sslmode=verify-full",
        "PORTAL_STORAGE_URL": "file:///srv/files", "PORTAL_AUDIT_CHECKPOINT_URL": "file:///srv/checkpoints",
        "PORTAL_STORAGE_REGION": "cn-local", "PORTAL_ALLOWED_REGIONS": "cn-local", **WHOLE,
    }  # fmt: skip
    assert config.load(given).wecom.corp_id == CORP
    with pytest.raises(config.ConfigError, match="PORTAL_WECOM_API_BASE"):
        config.load({**given, "PORTAL_WECOM_API_BASE": "http://qyapi.weixin.qq.com"})


def test_the_secret_is_in_no_representation_and_the_host_is_allowed(settings: config.Settings) -> None:
    assert SECRET not in repr(settings)
    assert Outbound.from_settings(settings).check(settings.wecom.api_base + GETTOKEN)
    assert "qyapi.weixin.qq.com" in Outbound.from_settings(replace(settings, wecom=config.WeCom())).allowed
    assert PUBLIC_ADDRESS.parse("https://portal.demo.invalid")
    assert words.CHANNELS[templates.WECOM]
