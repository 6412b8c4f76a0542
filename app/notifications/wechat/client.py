"""The WeChat calls the portal makes. Their failures are ApiError and Unreachable of `notifications.tencent`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import config
from app.core.errors import Invalid
from app.core.masking import to_e164
from app.notifications.http import Outbound
from app.notifications.tencent import Api, TokenStore, Unreachable, text_of
from app.notifications.wechat import values
from app.notifications.wechat.errors import WeChatError


@dataclass(frozen=True, slots=True)
class Account:
    """An app id with its secret."""

    appid: str
    secret: str = field(repr=False)

    @property
    def name(self) -> str:
        """Under which its token is kept."""
        return self.appid


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
        self._api = Api(settings.api_base, outbound, WeChatError)
        self.tokens = TokenStore(self._stable_token, forces=True)

    def code_to_session(self, js_code: str) -> MiniSession:
        """Who holds this login code (one use, five minutes). Raises WeChatError (40029, 40163, 40226), never twice."""
        found = self._api.call(
            "GET",
            "/sns/jscode2session",
            params={
                "appid": self.mini.appid,
                "secret": self.mini.secret,
                "js_code": js_code,
                "grant_type": "authorization_code",
            },
        )
        return MiniSession(text_of(found, "openid"), found.get("unionid") or None)

    def phone_number(self, code: str) -> str:
        """The phone number behind a phone code (one use; not the login code), as E.164."""
        found = self._with_token(self.mini, "/wxa/business/getuserphonenumber", {"code": code})
        info = found.get("phone_info")
        if not isinstance(info, dict) or (info.get("watermark") or {}).get("appid") != self.mini.appid:
            raise Unreachable("unexpected_answer", sent=True)
        country = str(info.get("countryCode", "86")).lstrip("+")  # seen as number and as text
        try:
            return to_e164(f"+{country}{text_of(info, 'purePhoneNumber')}")
        except Invalid:
            raise Unreachable("unexpected_answer", sent=True) from None

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
        return self._api.with_token(self.tokens, account, path, body, query)

    def _stable_token(self, account: Account, force: bool) -> tuple[str, int]:
        found = self._api.call(
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
        return text_of(found, "access_token"), int(found.get("expires_in", 0))
