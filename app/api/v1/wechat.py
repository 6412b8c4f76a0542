"""What WeChat's codes show about the caller, behind a protocol of two calls that tests can stand in for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from flask_babel import lazy_gettext as _l

from app.core.errors import Unavailable
from app.notifications import wechat_client
from app.notifications.tencent import Step, Unreachable
from app.notifications.wechat import Account, MiniSession, WeChatError


class MiniProgram(Protocol):
    """The part of the WeChat client that sign-in needs."""

    mini: Account

    def code_to_session(self, js_code: str) -> MiniSession: ...

    def phone_number(self, code: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Shown:
    """Proven by WeChat; empty without codes."""

    appid: str = ""
    openid: str | None = field(default=None, repr=False)
    unionid: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)


def shown_by(login_code: str | None, phone_code: str | None) -> Shown | None:
    """Ask WeChat; None when it refuses a code. Raises Unavailable when it does not answer or is not set up.

    Runs before the request's transaction has begun: no lock waits for the network.
    """
    if login_code is None and phone_code is None:
        return Shown()
    client: MiniProgram = wechat_client()
    if not client.mini.appid:
        raise Unavailable(_l("微信登录尚未开通，请用手机号码登录。"), code="wechat_unavailable")
    try:
        session = client.code_to_session(login_code) if login_code is not None else None
        phone = client.phone_number(phone_code) if phone_code is not None else None
    except WeChatError as error:
        if error.rule.step is Step.REFUSED:
            return None
        raise Unavailable(_l("微信暂时没有应答，请用手机号码登录。"), code="wechat_unavailable") from None
    except Unreachable:
        raise Unavailable(_l("微信暂时没有应答，请用手机号码登录。"), code="wechat_unavailable") from None
    if session is None:
        return Shown(client.mini.appid, phone=phone)
    return Shown(client.mini.appid, session.openid, session.unionid, phone)
