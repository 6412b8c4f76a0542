"""The WeChat calls the portal makes. WeChat answers 200 with ``errcode``; a missing one means 0.

Nothing here logs, and no exception carries a token, a code, an OpenID or a body.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import config
from app.core.errors import Invalid
from app.core.masking import to_e164
from app.notifications.http import Outbound, OutboundError
from app.notifications.wechat import values
from app.notifications.wechat.errors import Step, WeChatError, WeChatUnreachable
from app.notifications.wechat.token import TokenStore

BUSY_TRIES = 3  # -1 means that nothing was done: the same call again is safe
BACKOFF_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Account:
    """An app id with its secret."""

    appid: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MiniSession:
    """Who signed in to the mini program. WeChat's session key is dropped: nothing here needs it."""

    openid: str = field(repr=False)
    unionid: str | None = field(repr=False, default=None)


class WeChatClient:
    """Both accounts behind one API base. Thread safe."""

    def __init__(self, settings: config.WeChat, outbound: Outbound) -> None:
        self.mini = Account(settings.mini_appid, settings.mini_secret)
        self.official = Account(settings.official_appid, settings.official_secret)
        self._base = settings.api_base.rstrip("/")
        self._outbound = outbound
        self.tokens = TokenStore(self._stable_token)

    def code_to_session(self, js_code: str) -> MiniSession:
        """Who holds this login code (one use, five minutes). Raises WeChatError (40029, 40163, 40226), never twice."""
        found = self._call(
            "GET",
            "/sns/jscode2session",
            params={
                "appid": self.mini.appid,
                "secret": self.mini.secret,
                "js_code": js_code,
                "grant_type": "authorization_code",
            },
        )
        return MiniSession(_text(found, "openid"), found.get("unionid") or None)

    def phone_number(self, code: str) -> str:
        """The phone number behind a phone code (one use; not the login code), as E.164."""
        found = self._with_token(self.mini, "/wxa/business/getuserphonenumber", {"code": code})
        info = found.get("phone_info")
        if not isinstance(info, dict) or (info.get("watermark") or {}).get("appid") != self.mini.appid:
            raise WeChatUnreachable("unexpected_answer", sent=True)
        country = str(info.get("countryCode", "86")).lstrip("+")  # seen as number and as text
        try:
            return to_e164(f"+{country}{_text(info, 'purePhoneNumber')}")
        except Invalid:
            raise WeChatUnreachable("unexpected_answer", sent=True) from None

    def send_subscribe(
        self,
        openid: str,
        template_id: str,
        data: Mapping[str, str],
        *,
        page: str = "",
        state: Literal["developer", "trial", "formal"] = "formal",
    ) -> str:
        """A subscribe message of the mini program; the message id, where WeChat gives one. Not idempotent."""
        values.check(data)
        body: dict[str, Any] = {
            "touser": openid,
            "template_id": template_id,
            "miniprogram_state": state,
            "lang": "zh_CN",
            "data": {name: {"value": value} for name, value in data.items()},
        }
        if page:
            body["page"] = page
        return str(self._with_token(self.mini, "/cgi-bin/message/subscribe/send", body).get("msgid") or "")

    def send_template(
        self, openid: str, template_id: str, data: Mapping[str, str], *, client_msg_id: str, page: str = ""
    ) -> str:
        """A template message of the official account; its message id. WeChat drops a repeated ``client_msg_id``."""
        values.check(data)
        body: dict[str, Any] = {
            "touser": openid,
            "template_id": template_id,
            "client_msg_id": client_msg_id,
            "data": {name: {"value": value} for name, value in data.items()},
        }
        if page and self.mini.appid:
            body["miniprogram"] = {"appid": self.mini.appid, "pagepath": page}
        return str(self._with_token(self.official, "/cgi-bin/message/template/send", body).get("msgid") or "")

    def unionid(self, openid: str) -> str | None:
        """Who a follower of the official account is across our accounts; None while they hang on no open platform."""
        query = {"openid": openid, "lang": "zh_CN"}
        found = self._with_token(self.official, "/cgi-bin/user/info", query=query)
        return str(found.get("unionid") or "") or None

    def _with_token(
        self, account: Account, path: str, body: Mapping[str, Any] | None = None, query: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """A call with the account's token; a refused token is refreshed and the call made once more."""
        method, reads = ("GET", True) if body is None else ("POST", False)
        token = self.tokens.get(account)
        try:
            return self._call(
                method, path, params={"access_token": token, **(query or {})}, body=body, idempotent=reads
            )
        except WeChatError as error:
            if error.rule.step is not Step.REFRESH:
                raise
        token = self.tokens.get(account, rejected=token)
        return self._call(method, path, params={"access_token": token, **(query or {})}, body=body, idempotent=reads)

    def _stable_token(self, account: Account, force: bool) -> tuple[str, int]:
        found = self._call(
            "POST",
            "/cgi-bin/stable_token",
            body={
                "grant_type": "client_credential",
                "appid": account.appid,
                "secret": account.secret,
                "force_refresh": force,
            },
            idempotent=not force,
        )
        return _text(found, "access_token"), int(found.get("expires_in", 0))

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        idempotent: bool = False,
    ) -> dict[str, Any]:
        """One call; again when WeChat is busy, and after a lost answer only where that is harmless."""
        for last in (*([False] * (BUSY_TRIES - 1)), True):
            try:
                return self._once(method, path, params, body)
            except WeChatError as error:
                if last or error.errcode != -1:
                    raise
            except WeChatUnreachable as error:
                if last or (error.sent and not idempotent):
                    raise
            time.sleep(BACKOFF_SECONDS)
        raise AssertionError("unreachable")

    def _once(
        self, method: str, path: str, params: Mapping[str, str] | None, body: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        try:
            reply = self._outbound.call(method, self._base + path, params=params, body=body)
        except OutboundError as error:
            raise WeChatUnreachable(error.code, sent=error.sent) from None
        if reply.status >= 500:
            raise WeChatUnreachable("http_5xx", sent=True)
        try:
            found = reply.json()
            errcode = int(found.get("errcode") or 0)
        except (ValueError, TypeError):
            raise WeChatUnreachable("unexpected_answer", sent=True) from None
        if errcode:
            raise WeChatError(errcode)
        if reply.status != 200:
            raise WeChatUnreachable("http_4xx", sent=False)
        return found


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not value:
        raise WeChatUnreachable("unexpected_answer", sent=True)
    return value
