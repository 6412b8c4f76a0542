"""A stub of WeChat's server with the documented contract (requirements.md 5.1 to 5.4). Loopback only.

Beyond the shared controls: ``POST /__stub/expire`` ends all tokens, ``POST /__stub/push {url, event, appid?, xml?}``
sends a sealed and signed callback.
"""

from __future__ import annotations

import secrets
import time
from typing import Any, ClassVar
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from app.notifications.wechat import values
from app.notifications.wechat.crypto import Envelope, signature
from app.notifications.wechat.errors import ValueRefused
from tests.stubs.server import Call, Refusal, StubServer

MINI, OFFICIAL, SECRET = "wxstub0000000001", "wxstub0000000002", "stub-app-value"
TOKEN, AES_KEY = "stubtoken", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
TEMPLATE_ID, SUBSCRIBE_ID = "stub-template-review", "stub-subscribe-review"
FIELDS = frozenset({"character_string1", "phrase2", "time3", "thing4"})


def error(code: int) -> Refusal:
    return Refusal({"errcode": code, "errmsg": f"stub {code}"})


class WeChatStub(StubServer):
    """State is plain attributes under ``lock``: tests set them directly."""

    apps: ClassVar[dict[str, str]] = {MINI: SECRET, OFFICIAL: SECRET}
    templates: ClassVar[dict[str, frozenset[str]]] = {TEMPLATE_ID: FIELDS, SUBSCRIBE_ID: FIELDS}

    def reset_state(self) -> None:
        self.tokens: dict[str, tuple[str, float]] = {}  # token -> (appid, ends at)
        self.stable: dict[str, str] = {}
        self.login_codes: dict[str, dict[str, str]] = {}
        self.phone_codes: dict[str, tuple[str, Any]] = {}  # code -> (number, country code as number or text)
        self.used: set[str] = set()
        self.credits: dict[str, int] = {}
        self.followers: set[str] = set()
        self.users: set[str] = set()
        self.unionids: dict[str, str] = {}  # only of accounts that hang on an open platform
        self.quota: dict[str, int] = {}  # path -> calls left today
        self.client_ids: dict[str, int] = {}
        self.lifetime = 7200.0

    def expire_tokens(self) -> None:
        """Every token given out so far is refused from now on."""
        with self.lock:
            self.tokens.clear()
            self.stable.clear()

    def failure(self, code: Any) -> Refusal:
        return error(int(code))

    def answer(self, call: Call) -> dict[str, Any]:
        if call.path in self.quota:
            if self.quota[call.path] <= 0:
                raise error(45009)
            self.quota[call.path] -= 1
        match call.method, call.path:
            case "GET", "/cgi-bin/token":
                self._check_app(call.query)
                return {"access_token": self._new_token(call.query["appid"]), "expires_in": int(self.lifetime)}
            case "POST", "/cgi-bin/stable_token":
                return self._stable_token(self._body(call))
            case "GET", "/sns/jscode2session":
                return self._session(call.query)
            case "POST", "/wxa/business/getuserphonenumber":
                return self._phone(self._with_token(call, MINI))
            case "POST", "/cgi-bin/message/subscribe/send":
                return self._subscribe(self._with_token(call, MINI))
            case "POST", "/cgi-bin/message/template/send":
                return self._template(self._with_token(call, OFFICIAL))
            case "GET", "/cgi-bin/user/info":
                self._owner(call, OFFICIAL)
                openid = self._user(call.query.get("openid", ""))
                known = {"unionid": self.unionids[openid]} if openid in self.unionids else {}
                return {"subscribe": int(openid in self.followers), "openid": openid, **known}
        raise Refusal({"error": "no such call"}, 404)

    def control(self, call: Call) -> dict[str, Any]:
        if call.path == "/__stub/expire":
            self.expire_tokens()
            return {"ok": True}
        if call.path == "/__stub/push":
            wish = call.json()
            return {"status": self.push(wish["url"], wish["event"], wish.get("appid", MINI), xml=bool(wish.get("xml")))}
        return super().control(call)

    def push(self, url: str, event: str, appid: str = MINI, *, xml: bool = False) -> int:
        """Send a callback as WeChat would; the portal's HTTP status."""
        query, body = sealed_callback(event.encode(), appid, xml=xml)
        kind = "text/xml" if xml else "application/json"
        request = Request(f"{url}?{urlencode(query)}", data=body, headers={"Content-Type": kind})
        with urlopen(request, timeout=5) as answer:
            return int(answer.status)

    def _body(self, call: Call) -> dict[str, Any]:
        if not call.headers.get("content-type", "").startswith("application/json"):
            raise error(47001)
        try:
            return call.json()
        except (ValueError, AssertionError):
            raise error(47001) from None

    def _with_token(self, call: Call, appid: str) -> dict[str, Any]:
        body = self._body(call)
        if "access_token" in body:
            raise error(41001)  # the token travels in the address, never in the body
        self._owner(call, appid)
        return body

    def _owner(self, call: Call, appid: str) -> None:
        """The token in the address must be a living one of this account."""
        if "access_token" not in call.query:
            raise error(41001)
        owner, ends = self.tokens.get(call.query["access_token"], ("", 0.0))
        if owner != appid:
            raise error(40001)
        if ends < time.time():
            raise error(42001)

    def _check_app(self, given: dict[str, Any]) -> None:
        if given.get("appid") not in self.apps:
            raise error(40013)
        if given.get("secret") != self.apps[given["appid"]]:
            raise error(40125)

    def _new_token(self, appid: str) -> str:
        token = secrets.token_urlsafe(48)
        self.tokens[token] = (appid, time.time() + self.lifetime)
        return token

    def _stable_token(self, body: dict[str, Any]) -> dict[str, Any]:
        self._check_app(body)
        appid = body["appid"]
        held = self.stable.get(appid, "")
        left = self.tokens.get(held, ("", 0.0))[1] - time.time()
        if left < 300 or body.get("force_refresh"):
            held, left = self._new_token(appid), self.lifetime
            self.stable[appid] = held
        return {"access_token": held, "expires_in": int(left)}

    def _session(self, query: dict[str, str]) -> dict[str, Any]:
        self._check_app(query)
        code = query.get("js_code", "")
        if code in self.used:
            raise error(40163)
        if code not in self.login_codes or query.get("grant_type") != "authorization_code":
            raise error(40029)
        self.used.add(code)
        return {**self.login_codes[code], "session_key": "c3R1Yi1zZXNzaW9uLWtleQ=="}

    def _phone(self, body: dict[str, Any]) -> dict[str, Any]:
        code = body.get("code", "")
        if code in self.used:
            raise error(40163)
        if code not in self.phone_codes:
            raise error(40029)
        self.used.add(code)
        number, country = self.phone_codes[code]
        info = {"phoneNumber": number, "purePhoneNumber": number, "countryCode": country}
        return {"errcode": 0, "errmsg": "ok", "phone_info": {**info, "watermark": {"timestamp": 1, "appid": MINI}}}

    def _user(self, openid: str) -> str:
        if openid not in self.users:
            raise error(40003)
        return openid

    def _message(self, body: dict[str, Any]) -> str:
        openid, keys = self._user(body.get("touser", "")), self.templates.get(body.get("template_id", ""))
        if keys is None:
            raise error(40037)
        data = body.get("data")
        if not isinstance(data, dict) or set(data) != keys:
            raise error(47003)
        try:
            values.check({name: item["value"] for name, item in data.items()})
        except (ValueRefused, TypeError, KeyError):
            raise error(47003) from None
        return openid

    def _subscribe(self, body: dict[str, Any]) -> dict[str, Any]:
        openid = self._message(body)
        if body.get("miniprogram_state", "formal") not in ("developer", "trial", "formal"):
            raise error(47003)
        if self.credits.get(openid, 0) < 1:
            raise error(43101)
        self.credits[openid] -= 1
        return {"errcode": 0, "errmsg": "ok"}

    def _template(self, body: dict[str, Any]) -> dict[str, Any]:
        openid = self._message(body)
        if openid not in self.followers:
            raise error(43004)
        known = self.client_ids.setdefault(body.get("client_msg_id") or secrets.token_hex(8), len(self.client_ids) + 1)
        return {"errmsg": "ok", "msgid": known}  # WeChat may leave errcode out


def sealed_callback(
    message: bytes,
    appid: str = MINI,
    *,
    timestamp: str | None = None,
    nonce: str | None = None,
    xml: bool = False,
) -> tuple[dict[str, str], bytes]:
    """Query and body of a callback in safe mode."""
    timestamp, nonce = timestamp or str(int(time.time())), nonce or secrets.token_hex(5)
    encrypted = Envelope(TOKEN, AES_KEY).seal(message, appid, secrets.token_bytes(16))
    query = {
        "signature": "ignored-in-safe-mode",
        "timestamp": timestamp,
        "nonce": nonce,
        "encrypt_type": "aes",
        "msg_signature": signature(TOKEN, timestamp, nonce, encrypted),
    }
    if xml:
        return query, f"<xml><ToUserName>stub</ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>".encode()
    return query, f'{{"ToUserName":"stub","Encrypt":"{encrypted}"}}'.encode()
