"""Tables of the channels: tokens, who follows, who subscribed, what was already processed, what is on hold.

The messages themselves are rows of `core.outbox`.
"""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core import keys
from app.core.columns import DataClass, index_column, plain, sealed_column
from app.core.db import Base
from app.core.sealed import Sealed

TOKEN_PURPOSE = keys.declare("interface_token", table="interface_token", column="token_sealed")
SEEN_PURPOSE = keys.declare("wechat_seen")


class InterfaceToken(Base):
    """The interface token of one account with WeChat or WeCom, shared by all processes.

    ``refreshing_until`` is the lock: whoever sets it asks for a token, everybody else waits for the row to change.
    """

    __tablename__ = "interface_token"

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    account: Mapped[str] = plain(sa.String(64), nullable=False, unique=True)  # see `tencent.token.Account`
    token_sealed: Mapped[bytes | None] = plain(sa.LargeBinary, nullable=True)
    expires_at: Mapped[datetime | None] = plain(nullable=True)
    refreshing_until: Mapped[datetime | None] = plain(nullable=True)
    forced_at: Mapped[datetime | None] = plain(nullable=True)
    refreshes: Mapped[int] = plain(nullable=False, default=0)

    @property
    def token(self) -> str | None:
        if self.token_sealed is None:
            return None
        return keys.open("interface_token.token_sealed", self.id, self.token_sealed).decode()

    @token.setter
    def token(self, value: str) -> None:
        self.token_sealed = keys.seal(TOKEN_PURPOSE, "interface_token.token_sealed", self.id, value.encode())


class WechatFollower(Base):
    """What WeChat told us about one OpenID of one account: follows, and whether the binding still holds."""

    __tablename__ = "wechat_follower"
    __table_args__ = (sa.UniqueConstraint("appid", "openid_index"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    appid: Mapped[str] = plain(sa.String(64), nullable=False)
    openid_sealed: Mapped[bytes | None] = sealed_column(DataClass.IDENTIFIER)
    openid_index: Mapped[bytes | None] = index_column(DataClass.IDENTIFIER)
    unionid_sealed: Mapped[bytes | None] = sealed_column(DataClass.IDENTIFIER)
    unionid_index: Mapped[bytes | None] = index_column(DataClass.IDENTIFIER, index=True)
    following: Mapped[bool] = plain(cls=DataClass.USAGE, nullable=False, default=False)
    broken_at: Mapped[datetime | None] = plain(cls=DataClass.USAGE, nullable=True)
    changed_at: Mapped[datetime] = plain(cls=DataClass.USAGE, nullable=False)

    openid = Sealed("openid_sealed", index="openid_index")
    unionid = Sealed("unionid_sealed", index="unionid_index")  # the person across our accounts, where WeChat tells it


class WechatSubscription(Base):
    """How many subscribe messages of one template a person still accepts; each tap of the pop-up gives one."""

    __tablename__ = "wechat_subscription"
    __table_args__ = (
        sa.UniqueConstraint("follower_id", "template_id"),
        sa.CheckConstraint("credits >= 0", name="credits_not_negative"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    follower_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("wechat_follower.id", ondelete="CASCADE"), nullable=False)
    template_id: Mapped[str] = plain(sa.String(64), nullable=False)
    credits: Mapped[int] = plain(cls=DataClass.USAGE, nullable=False, default=0)
    changed_at: Mapped[datetime] = plain(cls=DataClass.USAGE, nullable=False)


class WechatSeen(Base):
    """Nonces and events of the callback that were already taken, as keyed hashes, until they may be forgotten."""

    __tablename__ = "wechat_seen"

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    digest: Mapped[bytes] = plain(sa.LargeBinary(32), nullable=False, unique=True)
    expires_at: Mapped[datetime] = plain(nullable=False, index=True)


class ChannelHold(Base):
    """A channel that waits (``until``) or is stopped until somebody starts it again (``until`` empty)."""

    __tablename__ = "channel_hold"

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    channel: Mapped[str] = plain(sa.String(32), nullable=False, unique=True)
    until: Mapped[datetime | None] = plain(nullable=True)
    code: Mapped[str] = plain(sa.String(64), nullable=False)
    since: Mapped[datetime] = plain(nullable=False)
