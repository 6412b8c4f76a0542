"""Reminding an applicant who was asked for another photo, at most once in so many days."""

from __future__ import annotations

import uuid
from datetime import timedelta

from flask_babel import lazy_gettext as _l

from app.core import audit, clock, numbers
from app.core.errors import TransitionRefused
from app.core.policy import Actor, Permission
from app.registrations.models import Registration
from app.registrations.service import guards, notice
from app.registrations.workflow import Status

LEAD = Permission.REGISTRATIONS_LEAD


def remind(actor: Actor, registration_id: uuid.UUID) -> Registration:
    """Send the message. Raises TransitionRefused (nothing was asked, still undoable, too soon), NotFound, Forbidden."""
    actor.require(LEAD)
    row, now = guards.load(actor, registration_id, permission=LEAD), clock.now()
    if row.status != Status.NEEDS_RESUBMISSION:
        raise TransitionRefused(_l("这一件没有在等申请人补拍。"), code="nothing_asked")
    if row.effective_at is not None and row.effective_at > now:
        raise TransitionRefused(_l("决定还在可撤销的时间内，请稍后再试。"), code="being_decided")
    days = numbers.get("remind_days")
    told = max((at for at in (row.decided_at, row.reminded_at) if at is not None), default=None)
    if told is not None and told + timedelta(days=days) > now:
        raise TransitionRefused(_l("%(days)s 天内已通知过申请人。", days=days), code="reminded_already")
    row.reminded_at = now
    notice.remind(row)
    audit.record("registration.reminded", actor, "registration", row.id)
    return row
