"""SMS by Aliyun's SendSms (2017-05-25), an RPC call signed by hand. Not idempotent: no call is ever repeated here."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Literal
from urllib.parse import quote

import config
from app.core import clock
from app.notifications.delivery import Letter, Outcome, Verdict, next_midnight, next_minute, sent
from app.notifications.http import Outbound, OutboundError

VERSION = "2017-05-25"
Method = Literal["HMAC-SHA1", "HMAC-SHA256"]
_DIGESTS = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}
_STOPPING = (
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "isv.AMOUNT_NOT_ENOUGH",
    "isv.ACCOUNT_ABNORMAL",
    "isv.ACCOUNT_NOT_EXISTS",
    "isv.OUT_OF_SERVICE",
    "isv.PRODUCT_UN_SUBSCRIPT",
    "isv.SMS_SIGNATURE_ILLEGAL",
    "isp.RAM_PERMISSION_DENY",
)
_BUSY = ("isp.SYSTEM_ERROR", "Throttling", "ServiceUnavailable")


def percent(text: str) -> str:
    """Aliyun's percent-encoding: RFC 3986, ``~`` stays."""
    return quote(text, safe="~")


def sign(verb: str, params: Mapping[str, str], secret: str, method: Method = "HMAC-SHA1") -> str:
    """The Signature parameter for all other parameters of an RPC call."""
    query = "&".join(f"{percent(name)}={percent(params[name])}" for name in sorted(params))
    text = f"{verb}&{percent('/')}&{percent(query)}"
    return base64.b64encode(hmac.new(f"{secret}&".encode(), text.encode(), _DIGESTS[method]).digest()).decode()


class AliyunSms:
    """``send`` makes one attempt and says how it ended."""

    def __init__(self, settings: config.Sms, outbound: Outbound, method: Method = "HMAC-SHA1") -> None:
        self._settings, self._outbound, self._method = settings, outbound, method

    @property
    def configured(self) -> bool:
        return bool(self._settings.access_key_id and self._settings.access_key_secret and self._settings.sign_name)

    def send(self, letter: Letter, template_code: str, params: Mapping[str, str]) -> Outcome:
        """One SMS. A lost answer is UNKNOWN: the person may have got it."""
        form = self._signed(letter, template_code, params)
        try:
            reply = self._outbound.call("POST", self._settings.endpoint.rstrip("/") + "/", form=form)
        except OutboundError as error:
            return Outcome(Verdict.UNKNOWN if error.sent else Verdict.RETRY, f"sms_{error.code}")
        try:
            found = reply.json()
            code = str(found["Code"])
        except (ValueError, KeyError):
            return Outcome(Verdict.UNKNOWN, "sms_unexpected_answer")
        if code == "OK":
            return sent(str(found.get("BizId", "")))
        if reply.status >= 500 and not code.startswith(_BUSY):
            return Outcome(Verdict.UNKNOWN, "sms_http_5xx")
        return _refused(code, str(found.get("Message", "")))

    def _signed(self, letter: Letter, template_code: str, params: Mapping[str, str]) -> dict[str, str]:
        form = {
            "Action": "SendSms",
            "Version": VERSION,
            "Format": "JSON",
            "AccessKeyId": self._settings.access_key_id,
            "SignatureMethod": self._method,
            "SignatureVersion": "1.0",
            "SignatureNonce": uuid.uuid4().hex,
            "Timestamp": clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "PhoneNumbers": _domestic(letter.to),
            "SignName": self._settings.sign_name,
            "TemplateCode": template_code,
            "TemplateParam": json.dumps(dict(params), ensure_ascii=False),
            "OutId": letter.id,
        }
        return {**form, "Signature": sign("POST", form, self._settings.access_key_secret, self._method)}


def _refused(code: str, message: str) -> Outcome:
    """What a refusal leads to. Aliyun tells the kind of limit only in its message (分钟级, 小时级, 天级流控)."""
    if code == "isv.BUSINESS_LIMIT_CONTROL":
        if "天级" in message or "day" in message.lower():
            return Outcome(Verdict.RETRY, code, retry_at=next_midnight())
        if "小时" in message or "hour" in message.lower():
            return Outcome(Verdict.RETRY, code, retry_at=clock.now() + timedelta(hours=1))
        return Outcome(Verdict.RETRY, code, retry_at=next_minute())
    if code.startswith(_BUSY):
        return Outcome(Verdict.RETRY, code)
    if code.startswith(_STOPPING):
        return Outcome(Verdict.DEAD, code, stop=True)
    return Outcome(Verdict.DEAD, code[:64])


def _domestic(phone: str) -> str:
    """E.164 as Aliyun wants it: Chinese numbers bare, others with the country code, no plus."""
    return phone[3:] if phone.startswith("+86") else phone.lstrip("+")
