"""Which follower of the official account is which customer: known by UnionID alone (requirements.md 5.3).

The mini program tells the UnionID at sign-in; of a follower WeChat is asked once, after the callback. Nothing is bound:
the two are compared whenever an address is needed, so it makes no difference which of them came first.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import current_app

import config
from app.core import jobs
from app.core.db import db
from app.core.unit_of_work import unit_of_work
from app.customers.addresses import more_addresses
from app.notifications import follow, wechat_client
from app.notifications.apart import reading
from app.notifications.models import WechatFollower
from app.notifications.tencent import Step
from app.notifications.wechat import WeChatError

if TYPE_CHECKING:
    from app.customers.models import WechatIdentity

ASK = "wechat.unionid"


def ask(row: WechatFollower) -> None:
    """Have the worker ask WeChat who this follower of the official account is."""
    if row.appid == _official():
        jobs.enqueue(ASK, {"follower": str(row.id)}, key=f"{ASK}:{row.id}")


def learn(payload: Mapping[str, Any]) -> None:
    """Ask, with no transaction open meanwhile. A follower who is gone or unknown to WeChat is left alone."""
    follower_id = uuid.UUID(payload["follower"])
    with reading() as session:
        row = session.get(WechatFollower, follower_id)
        openid = row.openid if row is not None and row.following else None
    if openid is None:
        return
    try:
        unionid = wechat_client().unionid(openid)
    except WeChatError as error:
        if error.rule.step is not Step.BROKEN:
            raise
        unionid = None
    with unit_of_work():
        row = db.session.get(WechatFollower, follower_id)
        if row is not None and unionid is not None:
            row.unionid = unionid


def official_address(identities: list[WechatIdentity]) -> Mapping[str, str]:
    """The official account's OpenID of the person with these identities, by channel; empty when none is known."""
    appid = _official()
    unionids = list(dict.fromkeys(identity.unionid for identity in identities if identity.unionid))
    found = follow.follower_among(db.session(), appid, unionids) if appid and unionids else None
    return {"wechat_template": found} if found else {}


def _official() -> str:
    settings: config.Settings = current_app.extensions["settings"]
    return settings.wechat.official_appid


def install() -> None:
    jobs.handler(ASK, outside=True)(learn)
    more_addresses.add("official_account", official_address)
