"""The table of a legal hold: one person proposes, another approves, its end date ends it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.errors import Forbidden, TransitionRefused
from app.core.policy import Actor, Permission
from app.core.workflow import Transition, Workflow

HOLD = Permission.REGISTRATIONS_LEGAL_HOLD


class HoldStatus(StrEnum):
    """Statuses as stored; an active hold whose ``wakes_at`` has passed is over, whether or not a job wrote it down."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    REFUSED = "refused"
    ENDED = "ended"


def another_person_in_time(row: Any, actor: Actor, _facts: Any) -> None:
    if row.proposed_by == actor.id:
        raise Forbidden(_l("提出的人不能自己批准，须另一位有权的同事。"), code="not_your_own_proposal")
    if row.ends_at <= clock.now():
        raise TransitionRefused(_l("提出的截止日期已过，请重新提出。"), code="hold_date_over")


S = HoldStatus
TRANSITIONS = (
    Transition(None, "propose_hold", S.PROPOSED, HOLD, "badge_hold.proposed", None),
    Transition(S.PROPOSED, "approve_hold", S.ACTIVE, HOLD, "badge_hold.approved", None, another_person_in_time),
    Transition(S.PROPOSED, "refuse_hold", S.REFUSED, HOLD, "badge_hold.refused", None),
    Transition(S.ACTIVE, "end_hold", S.ENDED, HOLD, "badge_hold.ended", None),
    Transition(S.ACTIVE, "lapse_hold", S.ENDED, "system", "badge_hold.lapsed", None),
)
workflow = Workflow("badge_hold", HoldStatus, TRANSITIONS)
