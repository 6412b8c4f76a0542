"""What staff see of outgoing messages: the worklist, one message, channels on hold. Recipients are masked."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import clock, counters
from app.core.db import db
from app.core.errors import Gone, NotFound
from app.core.outbox import STUCK, Message, MessageState
from app.core.policy import Actor, Permission
from app.core.worklist import Column, Filter, Tab, Worklist, chip, code, instant, number, text
from app.core.worklist.cells import EMPTY, Drawn, Ink
from app.core.worklist.declaration import Clause
from app.notifications import templates, words
from app.notifications.models import ChannelHold

READ = Permission.NOTIFICATIONS_READ


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message as a page shows it. ``params`` is None where they are not shown (production) or erased."""

    id: uuid.UUID
    template: str
    template_key: str
    channel: str
    later_channels: list[str]
    recipient: str
    state: str
    error: str
    error_code: str | None
    refusals: list[str]  # of the channels before this one
    attempts: int
    created_at: datetime
    not_before: datetime | None
    sent_at: datetime | None
    params: dict[str, str] | None
    stuck: bool
    repeatable: bool


@dataclass(frozen=True, slots=True)
class Hold:
    """A channel that waits or is stopped."""

    channel: str
    name: str
    until: datetime | None
    error: str


def read_message(actor: Actor, message_id: uuid.UUID) -> MessageView:
    """Raises Forbidden, NotFound."""
    actor.require(READ)
    row = db.session.get(Message, message_id)
    if row is None:
        raise NotFound()
    try:
        addresses, params = row.addresses, row.params
    except Gone:
        addresses, params = {}, {}
    waiting = row.state in (MessageState.WAITING, MessageState.SENDING)
    return MessageView(
        id=row.id,
        template=words.template(row.template),
        template_key=row.template,
        channel=words.channel(row.channel),
        later_channels=[words.channel(name) for name in row.fallbacks],
        recipient=words.masked(row.channel, addresses.get(row.channel)),
        state=row.state,
        error=words.error(row.error_code),
        error_code=row.error_code,
        refusals=words.refusals(row.refused_by),
        attempts=row.attempts,
        created_at=row.created_at,
        not_before=row.not_before if waiting else None,
        sent_at=row.sent_at,
        params=params or None if _params_shown() else None,
        stuck=row.state in STUCK,
        repeatable=bool(addresses),
    )


def _params_shown() -> bool:
    """Codes and links are read from the page in development only."""
    return not current_app.extensions["settings"].production


def holds(actor: Actor) -> list[Hold]:
    """Channels that do not send just now."""
    actor.require(READ)
    now = clock.now()
    rows = db.session.scalars(
        sa.select(ChannelHold)
        .where(sa.or_(ChannelHold.until.is_(None), ChannelHold.until > now))
        .order_by(ChannelHold.channel)
    )
    return [Hold(row.channel, words.channel(row.channel), row.until, words.error(row.code)) for row in rows]


def stuck_counter(_actor: Actor) -> sa.ScalarSelect[int]:
    """How many messages wait for a person's decision."""
    return counters.capped(Message.state.in_(STUCK), table=Message)


def _states(*states: MessageState) -> Callable[[Actor, datetime], Sequence[Sequence[Clause]]]:
    return lambda _actor, _now: [[Message.state.in_([state.value for state in states])]]


def _recipient(value: str | None, row: Any, _ink: Ink) -> Drawn:
    """The masked address on the message's present channel; a dash once it is erased."""
    if value is None and row.v8 is not None:  # staff and invitations: sealed by class, not by person
        value = Message._address_class.opener()(row[0], row.v8)
    address = json.loads(value).get(row.v9) if value else None
    shown = words.masked(row.v9, address)
    return ('<span class="masked">%s</span>', (shown,)) if shown else (EMPTY, ())


def _why(value: str, row: Any, _ink: Ink) -> Drawn:
    """What is wrong with it; of a message that went another way in the end, why not the first one."""
    shown = value or _("；").join(words.refusals(row.v11))
    return ("%s", (shown,)) if shown else (EMPTY, ())


def _link(value: str, row: Any, ink: Ink) -> Drawn:
    """The message's name, leading to its page."""
    return '<a href="%s">%s</a>', (ink.row_url(str(row[0])), words.template(value))


COLUMNS = (
    Column("created", _l("时间"), Message.created_at, instant(), sort=Message.created_at),
    Column("template", _l("消息"), Message.template, _link),
    Column(
        "recipient", _l("收件人"), Message.address_subject, _recipient, sealed=lambda: Message._address_subject.opener()
    ),
    Column("channel", _l("渠道"), Message.channel, text(), show=lambda value, _actor: words.channel(value)),
    Column("state", _l("状态"), Message.state, chip(words.STATES)),
    Column("attempts", _l("次数"), Message.attempts, number(), klass="num"),
    Column("error", _l("说明"), Message.error_code, _why, show=lambda value, _actor: words.error(value)),
    Column("sent", _l("送达时间"), Message.sent_at, instant()),
    Column("address", "", Message.address_class, code(), hidden=True),  # v8, see _recipient
    Column("way", "", Message.channel, code(), hidden=True),  # v9
    Column("message_id", "", Message.id, code(), hidden=True),
    Column("refused_by", "", Message.refused_by, code(), hidden=True),  # v11, see _why
)

MESSAGES = Worklist(
    key="notifications",
    title=_l("通知"),
    endpoint="notifications.index",
    permission=READ,
    table=Message,
    columns=COLUMNS,
    default_sort="-created",
    row_endpoint="notifications.show",
    row_argument="message_id",
    lead="template",
    subject=Message.subject_id,
    tabs=(
        Tab("waiting", _l("等待发送"), _states(MessageState.WAITING, MessageState.SENDING)),
        Tab("sent", _l("已送达"), _states(MessageState.SENT), counted=False),
        Tab("failed", _l("失败"), _states(MessageState.FAILED, MessageState.DEAD), tone="late"),
        Tab("unknown", _l("结果未知"), _states(MessageState.UNKNOWN), tone="late"),
        Tab("withdrawn", _l("已撤回"), _states(MessageState.CANCELLED), counted=False),
    ),
    filters=(
        Filter(
            "template",
            _l("消息"),
            lambda value, _actor: Message.template == value,
            kind="select",
            choices=lambda _actor: [(key, words.template(key)) for key in templates.CATALOGUE],
        ),
        Filter(
            "channel",
            _l("渠道"),
            lambda value, _actor: Message.channel == value,
            kind="select",
            choices=lambda _actor: [(key, name) for key, name in words.CHANNELS.items() if key != "none"],
        ),
    ),
)
