"""The outbox: outgoing messages, written in the transaction of their cause."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import DataClass, plain, sealed_column
from app.core.db import Base
from app.core.sealed import Sealed


class MessageState(StrEnum):
    """Life of a message. ``unknown``: it may have gone out, so nothing repeats it by itself.

    ``failed``: no channel reaches the person. ``dead``: refused for good, or tried too often. A person looks at these.
    """

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    DEAD = "dead"


NOT_CANCELLED = sa.text("state <> 'cancelled'")
OPEN = (MessageState.WAITING, MessageState.SENDING)
STUCK = (MessageState.FAILED, MessageState.UNKNOWN, MessageState.DEAD)


class Message(Base):
    """One message to one person. Addresses and parameters are sealed: under the person's own key where he has one.

    ``channel`` is the one to try, ``fallbacks`` those left after it, ``refused_by`` those before it with the error code
    that each was left for. ``dedupe_key`` is unique among messages that were
    not withdrawn.
    """

    __tablename__ = "message"
    __table_args__ = (
        sa.Index(
            "uq_message_dedupe_key",
            "dedupe_key",
            unique=True,
            sqlite_where=NOT_CANCELLED,
            postgresql_where=NOT_CANCELLED,
        ),
        sa.Index("ix_message_state_not_before", "state", "not_before"),
        sa.Index("ix_message_created_at", "created_at", "id"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    template: Mapped[str] = plain(sa.String(64), nullable=False)
    purpose: Mapped[str] = plain(sa.String(64), nullable=False)
    channel: Mapped[str] = plain(sa.String(32), nullable=False)
    fallbacks: Mapped[list[str]] = plain(sa.JSON, nullable=False)
    subject_id: Mapped[uuid.UUID | None] = plain(nullable=True, index=True)
    staff_id: Mapped[uuid.UUID | None] = plain(nullable=True, index=True)
    address_subject: Mapped[bytes | None] = sealed_column(DataClass.CONTACT)
    address_class: Mapped[bytes | None] = sealed_column(DataClass.CONTACT)
    params_subject: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    params_class: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    dedupe_key: Mapped[str] = plain(sa.String(128), nullable=False)
    state: Mapped[str] = plain(sa.String(32), nullable=False)
    not_before: Mapped[datetime] = plain(nullable=False)
    attempts: Mapped[int] = plain(nullable=False, default=0)  # on the present channel
    started_at: Mapped[datetime | None] = plain(nullable=True)  # of the latest attempt
    provider_id: Mapped[str | None] = plain(sa.String(128), nullable=True)
    error_code: Mapped[str | None] = plain(sa.String(64), nullable=True)
    refused_by: Mapped[dict[str, str] | None] = plain(sa.JSON(none_as_null=True), nullable=True)
    created_at: Mapped[datetime] = plain(cls=DataClass.USAGE, nullable=False)
    sent_at: Mapped[datetime | None] = plain(cls=DataClass.USAGE, nullable=True)
    purged_at: Mapped[datetime | None] = plain(nullable=True)  # when addresses and parameters were erased

    _address_subject = Sealed("address_subject", by="subject")
    _address_class = Sealed("address_class")
    _params_subject = Sealed("params_subject", by="subject")
    _params_class = Sealed("params_class")

    @property
    def addresses(self) -> dict[str, str]:
        """Channel name -> address. Empty once purged; raises Gone when the person's key was destroyed."""
        return _read(self._address_class if self.subject_id is None else self._address_subject)

    @property
    def params(self) -> dict[str, str]:
        """What the template's slots take; as `addresses` after erasure."""
        return _read(self._params_class if self.subject_id is None else self._params_subject)

    def seal(self, addresses: dict[str, str], params: dict[str, str]) -> None:
        """Set both; ``subject_id`` must stand already."""
        if self.subject_id is None:
            self._address_class, self._params_class = _text(addresses), _text(params)
        else:
            self._address_subject, self._params_subject = _text(addresses), _text(params)


PURGED = dict.fromkeys(("address_subject", "address_class", "params_subject", "params_class"))


def _text(values: dict[str, str]) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _read(text: str | None) -> dict[str, str]:
    found: dict[str, str] = json.loads(text) if text else {}
    return found
