"""Two tables of statuses: of a rated job (product.md, Satisfaction), and of its follow-up.

A contact who rates by his link acts as a customer without an id. Scores have no action of staff: none changes one.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.errors import Invalid, TransitionRefused
from app.core.policy import Actor, Permission
from app.core.workflow import Transition, Workflow

AUDIT = Permission.SATISFACTION_AUDIT


class Status(StrEnum):
    """Of a rated job, as stored."""

    INVITED = "invited"
    ANSWERED = "answered"
    SAMPLED = "sampled"
    FLAGGED = "flagged"
    AUDITED = "audited"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Following(StrEnum):
    """Of a follow-up, as stored."""

    OPEN = "open"
    ASKED = "asked"  # everything is written down, the customer is asked again
    SETTLED = "settled"


S, F = Status, Following
GIVEN = (S.ANSWERED, S.SAMPLED, S.FLAGGED, S.AUDITED)
TO_AUDIT = (S.SAMPLED, S.FLAGGED)


def audit_founded(_row: Any, _actor: Actor, facts: Any) -> None:
    """Anything but "ok" says why; an alarming rating first needs the decision whether it is a complaint."""
    if facts.undecided:
        raise TransitionRefused(_l("请先判定这是不是投诉，再作审核结论。"), code="complaint_undecided")
    if facts.outcome != "ok" and not facts.reason:
        raise Invalid(code="reason_required", fields={"reason": [_l("“有疑问”和“作废”须选原因。")]})


def everything_written(_row: Any, _actor: Actor, facts: Any) -> None:
    """A follow-up ends with contact, cause and action written down, none of them empty."""
    missing = {name: [_l("请填写。")] for name in ("contact", "root_cause", "action") if not getattr(facts, name)}
    if missing:
        raise Invalid(code="follow_up_incomplete", fields=missing)


TRANSITIONS = (
    Transition(None, "invite_rater", S.INVITED, "system", "rating.invited", "rating_invitation"),
    Transition(S.INVITED, "answer_survey", S.ANSWERED, "customer", "rating.given", None),
    Transition(S.INVITED, "answer_alarming", S.FLAGGED, "customer", "rating.given", None),
    Transition(S.INVITED, "expire_invitation", S.EXPIRED, "system", "rating.expired", None),
    Transition(S.INVITED, "withdraw_invitation", S.WITHDRAWN, "system", "rating.withdrawn", None),
    # another version within 24 hours: what was flagged stays flagged, what was audited is looked at again
    Transition(S.ANSWERED, "change_answer", S.ANSWERED, "customer", "rating.changed", None),
    Transition(S.SAMPLED, "change_answer", S.SAMPLED, "customer", "rating.changed", None),
    Transition(S.FLAGGED, "change_answer", S.FLAGGED, "customer", "rating.changed", None),
    Transition(S.AUDITED, "change_answer", S.FLAGGED, "customer", "rating.changed", None),
    Transition(S.ANSWERED, "change_alarming", S.FLAGGED, "customer", "rating.changed", None),
    Transition(S.SAMPLED, "change_alarming", S.FLAGGED, "customer", "rating.changed", None),
    Transition(S.FLAGGED, "change_alarming", S.FLAGGED, "customer", "rating.changed", None),
    Transition(S.AUDITED, "change_alarming", S.FLAGGED, "customer", "rating.changed", None),
    Transition(S.ANSWERED, "draw_sample", S.SAMPLED, "system", "rating.sampled", None),
    Transition(S.ANSWERED, "flag_signal", S.FLAGGED, "system", "rating.flagged", None),
    Transition(S.ANSWERED, "flag_by_hand", S.FLAGGED, AUDIT, "rating.flagged", None),
    Transition(S.SAMPLED, "audit_rating", S.AUDITED, AUDIT, "rating.audited", None, audit_founded),
    Transition(S.FLAGGED, "audit_rating", S.AUDITED, AUDIT, "rating.audited", None, audit_founded),
)
rating_workflow = Workflow("rated_job", Status, TRANSITIONS)

FOLLOWING = (
    Transition(None, "open_follow_up", F.OPEN, "system", "follow_up.opened", None),
    Transition(F.OPEN, "finish_follow_up", F.ASKED, AUDIT, "follow_up.finished", "rating_second", everything_written),
    Transition(F.OPEN, "settle_unreachable", F.SETTLED, AUDIT, "follow_up.settled", None, everything_written),
    Transition(F.ASKED, "answer_happy", F.SETTLED, "customer", "follow_up.settled", None),
    Transition(F.ASKED, "answer_unhappy", F.OPEN, "customer", "follow_up.reopened", None),
    Transition(F.ASKED, "lapse_second", F.SETTLED, "system", "follow_up.settled", None),
)
follow_workflow = Workflow("follow_up", Following, FOLLOWING)
