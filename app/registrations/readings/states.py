"""The state machine of a second reading, as data; `missed` is true at read time, the job only announces it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.errors import Forbidden, Invalid, TransitionRefused
from app.core.policy import Actor, Permission
from app.core.workflow import Transition, Workflow

DECIDE, LEAD = Permission.REGISTRATIONS_DECIDE, Permission.REGISTRATIONS_LEAD


class ReadingStatus(StrEnum):
    WAITING = "waiting"
    READ = "read"
    MISSED = "missed"
    ESCALATED = "escalated"


class Judgement(StrEnum):
    """What a reader says; the same three that a first reviewer has."""

    APPROVE = "approve"
    ASK_AGAIN = "ask_again"
    REJECT = "reject"


OF_ACTION = {
    "approve_registration": Judgement.APPROVE,
    "ask_resubmission": Judgement.ASK_AGAIN,
    "reject_registration": Judgement.REJECT,
}


def judgement_founded(_row: Any, _actor: Actor, facts: Any) -> None:
    """As a first decision: approval needs every field looked at, the others a reason of their kind."""
    if facts.judgement == Judgement.APPROVE and facts.unchecked:
        raise Invalid(_l("还有内容没有核对，暂不能通过。"), code="checks_incomplete")
    wanted = {Judgement.ASK_AGAIN: "RETRY", Judgement.REJECT: "FINAL"}.get(facts.judgement)
    if wanted and (not facts.reasons or any(reason.kind != wanted for reason in facts.reasons)):
        words = {"RETRY": _l("要求重拍须选一项可补正的原因。"), "FINAL": _l("不予通过须选一项最终原因。")}
        raise Invalid(words[wanted], code="reason_required")


def differs(row: Any, actor: Actor, _facts: Any) -> None:
    """Only a difference can be taken further, by a lead who gave neither of the two verdicts."""
    if row.judgement == row.first_judgement:
        raise TransitionRefused(_l("两次判断一致，没有可上报的分歧。"), code="no_difference")
    if actor.id in (row.read_by, row.first_by):
        raise Forbidden(_l("作过其中一次判断的人不能裁定这处分歧。"), code="not_your_own_reading")


S = ReadingStatus
TRANSITIONS = (
    Transition(None, "draw_reading", S.WAITING, "system", "reading.drawn", None),
    Transition(S.WAITING, "give_judgement", S.READ, DECIDE, "reading.read", None, judgement_founded),
    Transition(S.WAITING, "miss_reading", S.MISSED, "system", "reading.missed", None),
    Transition(S.READ, "escalate_reading", S.ESCALATED, LEAD, "reading.escalated", None, differs),
)
reading_workflow = Workflow("second_reading", ReadingStatus, TRANSITIONS)
