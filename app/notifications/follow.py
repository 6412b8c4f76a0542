"""Who follows the official account, who accepts subscribe messages, which bindings are broken.

WeChat tells it by callbacks and by the answers to our sends. `service` writes what callbacks say.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import clock
from app.notifications.models import WechatFollower, WechatSubscription


def find(session: Session, appid: str, openid: str) -> WechatFollower | None:
    return session.scalar(
        sa.select(WechatFollower).where(WechatFollower.appid == appid, WechatFollower.openid.matches(openid))
    )


def ensure(session: Session, appid: str, openid: str) -> WechatFollower:
    """The row of this OpenID, made when it is new. Flushes."""
    row = find(session, appid, openid)
    if row is None:
        row = WechatFollower(appid=appid, following=False, changed_at=clock.now(), openid=openid)
        session.add(row)
        session.flush()
    return row


def set_following(session: Session, appid: str, openid: str, following: bool) -> WechatFollower:
    row = ensure(session, appid, openid)
    row.following, row.changed_at = following, clock.now()
    if following:
        row.broken_at = None
    return row


def mark_broken(session: Session, appid: str, openid: str) -> None:
    """WeChat says that this OpenID is not of our account (40003): no more messages to it until it follows again."""
    row = ensure(session, appid, openid)
    row.following, row.broken_at, row.changed_at = False, clock.now(), clock.now()


def follows(session: Session, appid: str, openid: str) -> bool:
    row = find(session, appid, openid)
    return row is not None and row.following and row.broken_at is None


def follower_among(session: Session, appid: str, unionids: Collection[str]) -> str | None:
    """The OpenID under ``appid`` of whom WeChat calls by one of these UnionIDs and who follows; None without one."""
    for unionid in unionids:
        f = WechatFollower
        same = f.unionid.matches(unionid)
        found = sa.select(f).where(f.appid == appid, same, f.following, f.broken_at.is_(None))
        row = session.scalars(found.order_by(f.changed_at.desc()).limit(1)).first()
        if row is not None:
            return row.openid
    return None


def add_credit(session: Session, appid: str, openid: str, template_id: str) -> None:
    """One more message accepted."""
    row = _subscription(session, ensure(session, appid, openid), template_id)
    row.credits, row.changed_at = row.credits + 1, clock.now()


def take_credit(session: Session, appid: str, openid: str, template_id: str) -> bool:
    """Use one credit, atomically; False when none is left."""
    row = find(session, appid, openid)
    if row is None or row.broken_at is not None:
        return False
    done = session.execute(
        sa.update(WechatSubscription)
        .where(
            WechatSubscription.follower_id == row.id,
            WechatSubscription.template_id == template_id,
            WechatSubscription.credits > 0,
        )
        .values(credits=WechatSubscription.credits - 1, changed_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    return bool(done.rowcount == 1)  # type: ignore[attr-defined]


def credits_left(session: Session, appid: str, openid: str, template_id: str) -> int:
    """How many more messages this person accepts; 0 for whom WeChat no longer knows."""
    row = find(session, appid, openid)
    if row is None or row.broken_at is not None:
        return 0
    s = WechatSubscription
    found = session.scalar(sa.select(s.credits).where(s.follower_id == row.id, s.template_id == template_id))
    return found or 0


def clear_credits(session: Session, appid: str, openid: str, template_id: str) -> None:
    """The person refused, or WeChat says none is left."""
    row = find(session, appid, openid)
    if row is not None:
        subscription = _subscription(session, row, template_id)
        subscription.credits, subscription.changed_at = 0, clock.now()


def forget(session: Session, appid: str, openid: str) -> None:
    """Erasure: nothing about this OpenID stays."""
    row = find(session, appid, openid)
    if row is not None:
        session.execute(sa.delete(WechatSubscription).where(WechatSubscription.follower_id == row.id))
        session.delete(row)


def _subscription(session: Session, follower: WechatFollower, template_id: str) -> WechatSubscription:
    row = session.scalar(
        sa.select(WechatSubscription).where(
            WechatSubscription.follower_id == follower.id, WechatSubscription.template_id == template_id
        )
    )
    if row is None:
        row = WechatSubscription(follower_id=follower.id, template_id=template_id, credits=0, changed_at=clock.now())
        session.add(row)
    return row
