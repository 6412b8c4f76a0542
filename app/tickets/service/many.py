"""Verbs for a row of a bulk act: the single verb with the version read under the lock, and words for the result."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict
from app.core.outbox import Message, MessageState
from app.core.policy import Actor, Permission
from app.tickets.models import Ticket
from app.tickets.service import notices
from app.tickets.service.reach import load
from app.tickets.service.triage import Seen, claim, release
from app.tickets.workflow import Status

TRIAGE = Permission.TICKETS_TRIAGE


def take(actor: Actor, ticket_id: uuid.UUID) -> Any:
    """Into the actor's own hands. What is not waiting is refused by the table."""
    row = load(actor, ticket_id, TRIAGE)
    if row.status != Status.SUBMITTED:
        raise Conflict(_l("已有人处理，或已不在待受理。"), code="not_waiting")
    claim(actor, ticket_id, Seen(row.version))
    return _("由您分诊")


def give_back(actor: Actor, ticket_id: uuid.UUID) -> Any:
    """Back to the queue; a colleague's only by a lead."""
    row: Ticket = load(actor, ticket_id, TRIAGE)
    who = row.triager_name
    release(actor, ticket_id, "needs_colleague" if row.triager_id != actor.id else "other_duty")
    return _("原由 %(who)s 处理", who=who)


def remind(actor: Actor, ticket_id: uuid.UUID) -> Any:
    """Remind the customer of an open question; once a day at most."""
    row = load(actor, ticket_id, TRIAGE)
    if row.status != Status.NEED_INFO:
        raise Conflict(_l("没有在等用户补充。"), code="nothing_asked")
    key = f"ticket:{row.id.hex}:nudge:{clock.today():%Y%m%d}"
    known = sa.select(Message.id).where(Message.dedupe_key == key, Message.state != MessageState.CANCELLED.value)
    if db.session.execute(known).first() is not None:
        raise Conflict(_l("今天已经提醒过了。"), code="reminded_today")
    if notices.send(row, "ticket_info_reminder", key, clock.now()) is None:
        raise Conflict(_l("报修人没有可用的小程序账号，请打电话。"), code="no_account")
    return _("已提醒")
