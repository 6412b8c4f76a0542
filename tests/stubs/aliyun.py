"""A stub of Aliyun's SendSms that verifies the RPC signature, keeps what it delivered, and fails as scripted."""

from __future__ import annotations

import json
import secrets
from typing import Any
from urllib.parse import parse_qsl

from app.notifications.sms import sign
from tests.stubs.server import Call, Refusal, StubServer

KEY_ID, KEY_VALUE, SIGN_NAME = "stub-key-id", "stub-key-value", "示范签名"
TEMPLATES = {"SMS_CODE": {"code"}, "SMS_RESULT": {"number", "status"}}


class AliyunStub(StubServer):
    """``delivered`` holds (phone, template code, params) of accepted messages."""

    def reset_state(self) -> None:
        self.delivered: list[tuple[str, str, dict[str, str]]] = []
        self.nonces: set[str] = set()
        self.limit_message = "触发分钟级流控Permits:1"

    def failure(self, code: Any) -> Refusal:
        message = self.limit_message if code == "isv.BUSINESS_LIMIT_CONTROL" else "stub"
        status = 400 if code in ("SignatureDoesNotMatch", "InvalidAccessKeyId.NotFound") else 200
        return Refusal({"Code": code, "Message": message, "RequestId": secrets.token_hex(8)}, status)

    def answer(self, call: Call) -> dict[str, Any]:
        if not call.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            raise self.failure("UnsupportedContentType")
        form = dict(parse_qsl(call.body.decode(), keep_blank_values=True))
        given = form.pop("Signature", "")
        if form.get("AccessKeyId") != KEY_ID:
            raise self.failure("InvalidAccessKeyId.NotFound")
        method = form.get("SignatureMethod", "")
        if method not in ("HMAC-SHA1", "HMAC-SHA256") or sign("POST", form, KEY_VALUE, method) != given:  # type: ignore[arg-type]
            raise self.failure("SignatureDoesNotMatch")
        if form["SignatureNonce"] in self.nonces:
            raise self.failure("SignatureNonceUsed")
        self.nonces.add(form["SignatureNonce"])
        if form.get("Action") != "SendSms" or form.get("Version") != "2017-05-25":
            raise self.failure("InvalidAction.NotFound")
        return self._deliver(form)

    def _deliver(self, form: dict[str, str]) -> dict[str, Any]:
        template = TEMPLATES.get(form.get("TemplateCode", ""))
        if template is None or form.get("SignName") != SIGN_NAME:
            raise self.failure("isv.SMS_TEMPLATE_ILLEGAL")
        try:
            params = json.loads(form["TemplateParam"])
            sound = set(params) == template and all(isinstance(value, str) for value in params.values())
        except (ValueError, KeyError, TypeError):
            sound = False
        if not sound:
            raise self.failure("isv.INVALID_JSON_PARAM")
        if not form.get("PhoneNumbers", "").isdigit():
            raise self.failure("isv.MOBILE_NUMBER_ILLEGAL")
        self.delivered.append((form["PhoneNumbers"], form["TemplateCode"], params))
        return {"Code": "OK", "Message": "OK", "RequestId": secrets.token_hex(8), "BizId": secrets.token_hex(8)}
