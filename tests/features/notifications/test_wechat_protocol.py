"""Signatures, safe mode, value limits and the way out: no database, no network."""

from __future__ import annotations

import pytest

from app.notifications import templates
from app.notifications.http import Outbound, OutboundRefused
from app.notifications.tencent import Step
from app.notifications.wechat import values
from app.notifications.wechat.crypto import CallbackRefused, Envelope, parse, signature
from app.notifications.wechat.errors import RULES, ValueRefused, WeChatError
from tests.stubs.wechat import AES_KEY, MINI, TOKEN, WeChatStub

ENCRYPTED = (
    "Q3stYC6hdFzMh9T8HCvyDNZcHdt6NdTntM2toapDNiXhYhqryoPfPcvN6kLPJP3m6Bu3BMLeln97R720bFSwJKIc4MoxYlsw"
    "WiIt/kJIDsULOhm4JhYONi+M0NFzvefZ"
)
MSG_SIGNATURE = "dd3c1cd86188097e0ed5e44c153ec8a48778bbd5"
EVENT = b'{"Event":"subscribe_msg_popup_event"}'


def test_official_signature_vector() -> None:
    assert signature("AAAAA", "1714036504", "1514711492") == "f464b24fc39322e44b38aa78f5edd27bd1441696"


def test_safe_mode_vector_both_ways() -> None:
    envelope = Envelope(TOKEN, AES_KEY)
    assert envelope.seal(EVENT, MINI, b"0123456789abcdef") == ENCRYPTED
    assert signature(TOKEN, "1700000000", "n0nce", ENCRYPTED) == MSG_SIGNATURE
    opened = envelope.open(ENCRYPTED, msg_signature=MSG_SIGNATURE, timestamp="1700000000", nonce="n0nce")
    assert opened == (EVENT, MINI)


def test_a_changed_byte_or_signature_is_refused() -> None:
    envelope = Envelope(TOKEN, AES_KEY)
    for encrypted, given in ((ENCRYPTED, "0" * 40), ("A" + ENCRYPTED[1:], MSG_SIGNATURE), (ENCRYPTED, "ü")):
        with pytest.raises(CallbackRefused):
            envelope.open(encrypted, msg_signature=given, timestamp="1700000000", nonce="n0nce")


@pytest.mark.parametrize("encrypted", ["", "A", "AAAA", "A" * 64, "!!!!"])
def test_signed_rubbish_is_refused_not_a_crash(encrypted: str) -> None:
    given = signature(TOKEN, "1", "2", encrypted)
    with pytest.raises(CallbackRefused):
        Envelope(TOKEN, AES_KEY).open(encrypted, msg_signature=given, timestamp="1", nonce="2")


def test_xml_and_json_bodies_are_read_alike() -> None:
    xml = b"<xml><A>1</A><L><T>x</T></L><L><T>y</T></L><E><![CDATA[<z>]]></E></xml>"
    assert parse(xml) == {"A": "1", "L": [{"T": "x"}, {"T": "y"}], "E": "<z>"}
    assert parse(b' {"A": 1}') == {"A": 1}


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE x [<!ENTITY a "b">]><xml><A>&a;</A></xml>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><xml/>',
        b"<xml>&unknown;</xml>",
        b"<a>" * 20 + b"</a>" * 20,
        b"<xml>",
        b"",
        b"[1]",
        b"{" * 100_000,
    ],
)
def test_hostile_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(CallbackRefused):
        parse(body)


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("thing4", "请在小程序内查看", "长" * 21),
        ("thing4", "REG-20261124-0042", "13800000000"),
        ("thing4", "通过", "someone@demo.invalid"),
        ("phrase2", "审核通过", "审核未能通过"),
        ("phrase2", "未通过", "no"),
        ("number1", "1" * 32, "1" * 33),
        ("letter1", "a" * 32, "a" * 33),
        ("symbol1", "!" * 5, "!" * 6),
        ("character_string1", "REG-20261124-0042", "编号1"),
        ("time3", "2026-11-24 16:30", "昨天"),
        ("date3", "2026年11月24日", "24.11.26 later"),
        ("amount1", "¥10.50元", "ten"),
        ("phone_number1", "+86-0000", "1" * 18),
        ("name1", "示范用户", "示" * 11),
        ("thing1", "x", " "),
    ],
)
def test_value_limits(field: str, good: str, bad: str) -> None:
    values.check({field: good})
    with pytest.raises(ValueRefused) as refused:
        values.check({field: bad})
    assert bad.strip() == "" or bad not in str(refused.value)


def test_every_customer_template_fits_its_wechat_fields() -> None:
    params = {"number": "REG-20261124-0042", "at": "2026-11-24 16:30", "reason": "照片模糊"}
    for template in templates.CATALOGUE.values():
        if template.wechat:
            values.check(template.wechat_data(params))
        assert set(template.channels) <= {*templates.CUSTOMER_ORDER, *templates.STAFF_ORDER}


def test_a_reason_that_does_not_fit_gives_way_to_fixed_words() -> None:
    template = templates.get("registration_needs_resubmission")
    params = {"number": "REG-20261124-0042", "at": "2026-11-24 16:30"}
    for reason in ("长" * 21, "请致电 13800000000", ""):
        assert template.wechat_data({**params, "reason": reason})["thing4"] == templates.SEE_APP


def test_parameters_must_be_exactly_the_templates() -> None:
    with pytest.raises(ValueError, match="code"):
        templates.checked("login_code", {})
    with pytest.raises(ValueError, match="note"):
        templates.checked("login_code", {"code": "123456", "note": "x"})


def test_the_error_table_is_whole() -> None:
    listed = {-1, 40001, 40014, 42001, 40003, 40029, 40163, 40226, 40037, 41030, 47003, 43004, 43101, 45009, 45011}
    assert listed | {48001, 50002, 43107} <= set(RULES)
    assert WeChatError(99999).rule.step is Step.DEAD


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.invalid/x",
        "http://api.weixin.qq.com/x",
        "https://api.weixin.qq.com@elsewhere.invalid/x",
        "https://api.weixin.qq.com.elsewhere.invalid/",
        "file:///etc/passwd",
        "//api.weixin.qq.com/",
    ],
)
def test_only_allowed_hosts_over_tls_are_called(url: str) -> None:
    with pytest.raises(OutboundRefused) as refused:
        Outbound(["api.weixin.qq.com"]).check(url + "?access_token=hidden")
    assert "hidden" not in str(refused.value)


def test_the_stub_binds_to_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback"):
        WeChatStub(host="0.0.0.0")
