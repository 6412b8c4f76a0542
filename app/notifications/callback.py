"""What WeChat's server tells us: checked, taken once, and written down (requirements.md 5.3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

import config
from app.core import clock, keys
from app.core.db import db, new_id
from app.notifications import follow, persons
from app.notifications.models import SEEN_PURPOSE, WechatSeen
from app.notifications.wechat import crypto
from app.notifications.wechat.crypto import CallbackRefused, Envelope

SKEW = timedelta(minutes=5)
NONCE_KEPT = timedelta(minutes=10)
EVENT_KEPT = timedelta(days=1)  # WeChat repeats an unanswered event within seconds
_ECHO = re.compile(r"^[\w+/=.-]{1,256}$")
DeliveryReport = Callable[[str, str, bool, str], None]  # channel, provider's message id, delivered, code


@dataclass(frozen=True, slots=True)
class Query:
    """The signed part of the address."""

    timestamp: str
    nonce: str
    signature: str = field(default="", repr=False)
    msg_signature: str = field(default="", repr=False)
    encrypt_type: str = ""


def echo(settings: config.WeChat, query: Query, echostr: str) -> str:
    """The answer to WeChat's check of the address. Raises CallbackRefused."""
    if not settings.callback_token:
        raise CallbackRefused("not_configured")
    crypto.check_signature(query.signature, settings.callback_token, query.timestamp, query.nonce)
    _check_time(query.timestamp)
    if not _ECHO.match(echostr):
        raise CallbackRefused("echostr")
    return echostr


def receive(settings: config.WeChat, query: Query, body: bytes, report: DeliveryReport) -> bool:
    """Take one safe-mode callback; False when it was taken before. Raises CallbackRefused. Flushes."""
    if query.encrypt_type != "aes":
        raise CallbackRefused("plain_mode")  # plain mode would let anybody with the address speak
    encrypted = crypto.parse(body).get("Encrypt")
    if not isinstance(encrypted, str):
        raise CallbackRefused("encrypt")
    envelope = Envelope(settings.callback_token, settings.callback_aes_key)
    message, appid = envelope.open(
        encrypted, msg_signature=query.msg_signature, timestamp=query.timestamp, nonce=query.nonce
    )
    if not appid or appid not in (settings.mini_appid, settings.official_appid):
        raise CallbackRefused("appid")
    _check_time(query.timestamp)
    if not _first(f"nonce|{query.timestamp}|{query.nonce}", NONCE_KEPT):
        raise CallbackRefused("replayed")
    event = crypto.parse(message)
    if not _first(_event_key(appid, event), EVENT_KEPT):
        return False
    _apply(appid, event, report)
    db.session.flush()
    return True


def _check_time(timestamp: str) -> None:
    try:
        at = datetime.fromtimestamp(int(timestamp), UTC)
    except (ValueError, OverflowError, OSError):
        raise CallbackRefused("timestamp") from None
    if abs(clock.now() - at) > SKEW:
        raise CallbackRefused("timestamp")


def _event_key(appid: str, event: Mapping[str, Any]) -> str:
    """MsgId where there is one, else sender, time and event; the body's shape when even those are missing."""
    if event.get("MsgId"):
        return f"msg|{appid}|{event['MsgId']}"
    sender, at, name = (str(event.get(part, "")) for part in ("FromUserName", "CreateTime", "Event"))
    if sender or at:
        return f"event|{appid}|{sender}|{at}|{name}|{event.get('MsgID', '')}"
    return f"body|{appid}|{sorted(event.items(), key=str)}"


def _first(what: str, keep: timedelta) -> bool:
    """Whether this is seen for the first time; remembers it. What may be forgotten is forgotten here."""
    now = clock.now()
    db.session.execute(sa.delete(WechatSeen).where(WechatSeen.expires_at < now))
    digest = keys.mac(SEEN_PURPOSE, what.encode())
    insert = sa.insert(WechatSeen).values(id=sa.bindparam("id"), digest=digest, expires_at=now + keep)
    try:
        with db.session.begin_nested():
            db.session.execute(insert, {"id": new_id()})
    except IntegrityError:
        return False
    return True


def _apply(appid: str, event: Mapping[str, Any], report: DeliveryReport) -> None:
    openid, name = str(event.get("FromUserName", "")), str(event.get("Event", ""))
    if str(event.get("MsgType", "event")) != "event" or not name:
        return
    if name in ("subscribe", "unsubscribe") and openid:
        row = follow.set_following(db.session(), appid, openid, name == "subscribe")
        if row.following and row.unionid is None:
            persons.ask(row)
    elif name == "TEMPLATESENDJOBFINISH":
        status = str(event.get("Status", ""))
        report("wechat_template", str(event.get("MsgID", "")), status == "success", _status_code(status))
    elif name in ("subscribe_msg_popup_event", "subscribe_msg_change_event") and openid:
        for item in _items(event):
            _consent(appid, openid, name, item)
    elif name == "subscribe_msg_sent_event":
        for item in _items(event):
            code = str(item.get("ErrorCode", "0"))
            report("wechat_subscribe", str(item.get("MsgID", "")), code == "0", f"wechat_{code}")


def _consent(appid: str, openid: str, name: str, item: Mapping[str, Any]) -> None:
    """A tap on the pop-up gives one message; a change in the person's settings can only take them away."""
    template_id, answer = str(item.get("TemplateId", ""))[:64], str(item.get("SubscribeStatusString", ""))
    if not template_id:
        return
    if answer == "accept" and name == "subscribe_msg_popup_event":
        follow.add_credit(db.session(), appid, openid, template_id)
    elif answer == "reject":
        follow.clear_credits(db.session(), appid, openid, template_id)


def _items(event: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The ``List`` of an event: at the top or one level down, one mapping or many (JSON and XML differ)."""
    holders = [event, *(value for value in event.values() if isinstance(value, dict))]
    for holder in holders:
        found = holder.get("List")
        for item in found if isinstance(found, list) else [found]:
            if isinstance(item, dict):
                yield item


def _status_code(status: str) -> str:
    """``failed:user block`` -> ``wechat_user_block``."""
    return "" if status == "success" else "wechat_" + "_".join(status.removeprefix("failed:").split())[:40]
