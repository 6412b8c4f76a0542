"""Channels against the stubs: fallback, pauses, stops, unknowns, and the console."""

from __future__ import annotations

import dataclasses
import json
import time
import uuid
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

import config
from app.core import clock
from app.core.unit_of_work import evidence
from app.notifications import follow
from app.notifications.apart import reading
from app.notifications.channels import Channel, build
from app.notifications.console import Console
from app.notifications.delivery import Letter, Outcome, Verdict
from app.notifications.http import READ_SECONDS, Outbound
from app.notifications.models import ChannelHold
from app.notifications.sms import sign
from app.notifications.wechat import WeChatClient
from tests.stubs.aliyun import AliyunStub
from tests.stubs.wechat import MINI, OFFICIAL, SUBSCRIBE_ID, WeChatStub

OPENID, PHONE = "stub-openid-0001", "+8613800000000"
PARAMS = {"number": "REG-20261124-0001", "at": "2026-11-24 16:30"}
TEMPLATE, SUBSCRIBE = "/cgi-bin/message/template/send", "/cgi-bin/message/subscribe/send"
CHAIN = (("wechat_template", OPENID), ("wechat_subscribe", OPENID), ("sms", PHONE))


def _letter(to: str, template: str = "registration_approved") -> Letter:
    return Letter("message-0001", template, to, {"code": "123456"} if template == "login_code" else PARAMS)


def _bind(stub: WeChatStub, *, follows: bool = True, credits: int = 1) -> None:
    """The person as both sides know her: WeChat's state and ours agree."""
    stub.users.add(OPENID)
    stub.credits[OPENID] = credits
    if follows:
        stub.followers.add(OPENID)
    with evidence() as session:
        follow.set_following(session, OFFICIAL, OPENID, follows)
        for _n in range(credits):
            follow.add_credit(session, MINI, OPENID, SUBSCRIBE_ID)


def _chain(channels: dict[str, Channel]) -> list[tuple[str, Outcome]]:
    """What the outbox does: channel after channel until one is not a fallback."""
    tried: list[tuple[str, Outcome]] = []
    for name, to in CHAIN:
        tried.append((name, channels[name].deliver(_letter(to))))
        if tried[-1][1].verdict is not Verdict.FALLBACK:
            break
    return tried


def test_a_follower_gets_the_official_accounts_message(channels: dict[str, Channel], wechat_stub: WeChatStub) -> None:
    _bind(wechat_stub)
    assert [(n, o.verdict) for n, o in _chain(channels)] == [("wechat_template", Verdict.SENT)]
    body = wechat_stub.calls(TEMPLATE)[0].json()
    assert body["client_msg_id"] == "message0001"
    assert body["data"]["character_string1"]["value"] == PARAMS["number"]


def test_43101_leads_to_the_fallback_exactly_once(
    channels: dict[str, Channel], wechat_stub: WeChatStub, aliyun_stub: AliyunStub
) -> None:
    _bind(wechat_stub, follows=False)
    wechat_stub.fail(SUBSCRIBE, 43101)
    tried = _chain(channels)
    assert [(n, o.code) for n, o in tried] == [
        ("wechat_template", "not_following"),
        ("wechat_subscribe", "wechat_43101"),
        ("sms", ""),
    ]
    assert len(aliyun_stub.delivered) == 1
    assert len(wechat_stub.calls(SUBSCRIBE)) == 1
    assert _chain(channels)[1][1].code == "no_subscription_left"  # remembered: WeChat is not asked again
    assert len(wechat_stub.calls(SUBSCRIBE)) == 1


def test_43004_is_remembered(channels: dict[str, Channel], wechat_stub: WeChatStub) -> None:
    _bind(wechat_stub)
    wechat_stub.followers.clear()
    assert channels["wechat_template"].deliver(_letter(OPENID)).code == "wechat_43004"
    assert channels["wechat_template"].deliver(_letter(OPENID)).code == "not_following"
    assert len(wechat_stub.calls(TEMPLATE)) == 1


def test_40003_breaks_the_binding(channels: dict[str, Channel], wechat_stub: WeChatStub) -> None:
    _bind(wechat_stub)
    wechat_stub.users.clear()
    assert channels["wechat_template"].deliver(_letter(OPENID)).broken
    with reading() as session:
        row = follow.find(session, OFFICIAL, OPENID)
        assert row is not None
        assert row.broken_at is not None
        assert not follow.follows(session, OFFICIAL, OPENID)


@pytest.mark.parametrize("code", [40037, 41030, 47003])
def test_our_own_mistakes_are_dead_at_once(channels: dict[str, Channel], wechat_stub: WeChatStub, code: int) -> None:
    _bind(wechat_stub)
    wechat_stub.fail(TEMPLATE, code)
    assert channels["wechat_template"].deliver(_letter(OPENID)).verdict is Verdict.DEAD
    assert len(wechat_stub.calls(TEMPLATE)) == 1


def test_the_days_quota_pauses_the_channel_to_midnight_in_china(
    channels: dict[str, Channel], wechat_stub: WeChatStub
) -> None:
    with clock.frozen(datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)):
        _bind(wechat_stub)
        wechat_stub.fail(TEMPLATE, 45009)
        first = channels["wechat_template"].deliver(_letter(OPENID))
        assert first.retry_at == datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
        held = channels["wechat_template"].deliver(_letter(OPENID))
        assert (held.verdict, held.code, held.retry_at) == (Verdict.RETRY, "channel_paused", first.retry_at)
        assert len(wechat_stub.calls(TEMPLATE)) == 1
    with clock.frozen(datetime(2026, 11, 24, 16, 0, 1, tzinfo=UTC)):
        assert channels["wechat_template"].deliver(_letter(OPENID)).verdict is Verdict.SENT


def test_the_minutes_quota_pauses_to_the_next_minute(channels: dict[str, Channel], wechat_stub: WeChatStub) -> None:
    with clock.frozen(datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)):
        _bind(wechat_stub)
        wechat_stub.fail(TEMPLATE, 45011)
        paused = channels["wechat_template"].deliver(_letter(OPENID))
        assert paused.retry_at == datetime(2026, 11, 24, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize("code", [48001, 50002, 43107])
def test_a_missing_right_stops_the_channel_and_the_next_one_is_used(
    channels: dict[str, Channel], wechat_stub: WeChatStub, aliyun_stub: AliyunStub, code: int
) -> None:
    _bind(wechat_stub, credits=0)
    wechat_stub.fail(TEMPLATE, code)
    assert [n for n, _o in _chain(channels)] == ["wechat_template", "wechat_subscribe", "sms"]
    assert channels["wechat_template"].deliver(_letter(OPENID)).code == "channel_stopped"
    with reading() as session:
        hold = session.scalars(sa.select(ChannelHold)).one()
        assert (hold.channel, hold.until, hold.code) == ("wechat_template", None, f"wechat_{code}")


def test_a_lost_answer_is_retried_only_where_a_repeat_is_harmless(
    channels: dict[str, Channel], wechat_stub: WeChatStub
) -> None:
    _bind(wechat_stub)
    wechat_stub.fail(TEMPLATE, 502)
    wechat_stub.fail(SUBSCRIBE, 502)
    assert channels["wechat_template"].deliver(_letter(OPENID)).verdict is Verdict.RETRY
    assert channels["wechat_subscribe"].deliver(_letter(OPENID)).verdict is Verdict.UNKNOWN
    assert len(wechat_stub.calls(SUBSCRIBE)) == 1


def test_a_refused_attempt_gives_the_credit_back(channels: dict[str, Channel], wechat_stub: WeChatStub) -> None:
    _bind(wechat_stub)
    wechat_stub.fail(SUBSCRIBE, -1, times=3)
    assert channels["wechat_subscribe"].deliver(_letter(OPENID)).verdict is Verdict.RETRY
    assert channels["wechat_subscribe"].deliver(_letter(OPENID)).verdict is Verdict.SENT


def test_sms_arrives_signed(channels: dict[str, Channel], aliyun_stub: AliyunStub) -> None:
    outcome = channels["sms"].deliver(_letter(PHONE, "login_code"))
    assert outcome.verdict is Verdict.SENT
    assert outcome.reference
    assert aliyun_stub.delivered == [("13800000000", "SMS_CODE", {"code": "123456"})]


def test_aliyuns_own_signature_example() -> None:
    example = {
        "Timestamp": "2016-02-23T12:46:24Z",
        "Format": "XML",
        "AccessKeyId": "testid",
        "Action": "DescribeRegions",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
        "Version": "2014-05-26",
        "SignatureVersion": "1.0",
    }
    assert sign("GET", example, "testsecret") == "OLeaidS1JvxuMvnyHOwuJ+uX5qY="


def test_an_sms_timeout_is_unknown_and_not_sent_again(
    channels: dict[str, Channel], aliyun_stub: AliyunStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert READ_SECONDS == 5.0
    monkeypatch.setattr("app.notifications.http.READ_SECONDS", 0.2)
    aliyun_stub.delay("/", 0.6)
    outcome = channels["sms"].deliver(_letter(PHONE, "login_code"))
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, "sms_timeout")
    assert len(aliyun_stub.calls("/")) == 1
    assert not channels["sms"].idempotent


def test_an_sms_server_that_is_not_there_is_retried(wechat_client: WeChatClient, settings: config.Settings) -> None:
    nowhere = dataclasses.replace(settings, sms=dataclasses.replace(settings.sms, endpoint="http://127.0.0.1:9"))
    found = {channel.name: channel for channel in build(nowhere, wechat_client, Outbound.from_settings(nowhere))}
    assert found["sms"].deliver(_letter(PHONE, "login_code")).verdict is Verdict.RETRY


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("isv.MOBILE_NUMBER_ILLEGAL", Verdict.DEAD),
        ("isv.SMS_TEMPLATE_ILLEGAL", Verdict.DEAD),
        ("isv.INVALID_JSON_PARAM", Verdict.DEAD),
        ("isv.BUSINESS_LIMIT_CONTROL", Verdict.RETRY),
        ("isp.SYSTEM_ERROR", Verdict.RETRY),
        (503, Verdict.UNKNOWN),
    ],
)
def test_sms_refusals(channels: dict[str, Channel], aliyun_stub: AliyunStub, code: object, verdict: Verdict) -> None:
    aliyun_stub.fail("/", code)
    assert channels["sms"].deliver(_letter(PHONE, "login_code")).verdict is verdict
    assert len(aliyun_stub.calls("/")) == 1


def test_sms_limits_wait_as_long_as_they_say(channels: dict[str, Channel], aliyun_stub: AliyunStub) -> None:
    with clock.frozen(datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)):
        for message, hour, minute in (("分钟级流控", 12, 1), ("触发小时级流控", 13, 0), ("触发天级流控", 16, 0)):
            aliyun_stub.limit_message = message
            aliyun_stub.fail("/", "isv.BUSINESS_LIMIT_CONTROL")
            at = channels["sms"].deliver(_letter(PHONE, "login_code")).retry_at
            assert at is not None
            assert (at.astimezone(UTC).hour, at.astimezone(UTC).minute) == (hour, minute)


def test_email_without_a_server_falls_through(channels: dict[str, Channel]) -> None:
    letter = Letter("m", "staff_invitation", "someone@demo.invalid", {"link": "https://portal.invalid/x"})
    assert channels["email"].deliver(letter).code == "channel_not_configured"


def test_a_code_that_can_no_longer_be_used_is_not_sent(channels: dict[str, Channel], aliyun_stub: AliyunStub) -> None:
    def letter(age: float, template: str = "login_code") -> Letter:
        made = uuid.UUID(int=int((time.time() - age) * 1000) << 80 | 0x7 << 76 | 1)
        return dataclasses.replace(_letter(PHONE, template), id=str(made))

    assert channels["sms"].deliver(letter(301)).code == "too_late"
    assert aliyun_stub.requests == []
    assert channels["sms"].deliver(letter(290)).verdict is Verdict.SENT
    assert channels["sms"].deliver(letter(86_400, "registration_approved")).verdict is Verdict.SENT


def test_an_unknown_template_is_dead(channels: dict[str, Channel]) -> None:
    assert channels["sms"].deliver(Letter("m", "nothing", PHONE, {})).verdict is Verdict.DEAD


def test_the_console_writes_one_line_and_calls_nobody(
    console_channels: dict[str, Channel],
    capsys: pytest.CaptureFixture[str],
    aliyun_stub: AliyunStub,
    wechat_stub: WeChatStub,
) -> None:
    assert console_channels["sms"].deliver(_letter(PHONE, "login_code")).verdict is Verdict.SENT
    line = capsys.readouterr().out
    assert (
        line == '{"channel": "sms", "to": "+8613800000000", "template": "login_code", "params": {"code": "123456"}}\n'
    )
    _bind(wechat_stub)
    console_channels["wechat_template"].deliver(_letter(OPENID))
    assert json.loads(capsys.readouterr().out)["channel"] == "wechat_template"
    assert wechat_stub.requests == []
    assert aliyun_stub.requests == []


def test_the_console_cannot_be_made_in_production(settings: config.Settings) -> None:
    with pytest.raises(config.ConfigError):
        Console(dataclasses.replace(settings, env="production", console_channel=True))
    with pytest.raises(config.ConfigError):
        Console(dataclasses.replace(settings, console_channel=False))
