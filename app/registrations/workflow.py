"""The state machine of a registration (reference/review.md 5.1), as data.

``message`` is the template that tells the applicant, None where it was decided that nothing is sent: asking a second
person, holding and waking are our business; what the applicant does himself he sees at once; of a merge, a suspension
and its end a person of ours speaks with the applicant, and the mini program shows the status.

Guards look at facts that the service gathered; those that every deciding action shares (own case, lease, evidence
version) live in `service.guards` and run before.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.errors import Forbidden, Invalid, TransitionRefused
from app.core.policy import Actor, Permission
from app.core.workflow import Guard, Transition, Workflow

DECIDE, LEAD = Permission.REGISTRATIONS_DECIDE, Permission.REGISTRATIONS_LEAD


class Status(StrEnum):
    """Statuses as stored; "in review" is none of them (it is a live lease)."""

    PENDING = "pending"
    APPROVED = "approved"
    NEEDS_RESUBMISSION = "needs_resubmission"
    AWAITING_SECOND = "awaiting_second"
    REJECTED = "rejected"
    ON_HOLD = "on_hold"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"
    APPEALED = "appealed"
    MERGED = "merged"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


OPEN = (Status.PENDING, Status.NEEDS_RESUBMISSION, Status.AWAITING_SECOND, Status.ON_HOLD, Status.APPEALED)
CLOSED = tuple(status for status in Status if status not in OPEN)
TASKS = (Status.PENDING, Status.AWAITING_SECOND, Status.APPEALED)  # a lease on these is a task to decide


def checklist_complete(_row: Any, _actor: Actor, facts: Any) -> None:
    """Every claimed field carries a verdict, and hospital and department are records of ours."""
    if facts.unchecked:
        raise Invalid(
            _l("还有内容没有核对，暂不能通过。"), code="checks_incomplete", fields=dict.fromkeys(facts.unchecked, "")
        )
    if not facts.mapped:
        raise Invalid(_l("医院或科室还没有对应到名录，暂不能通过。"), code="hospital_not_mapped")


def first_may_approve(row: Any, actor: Actor, facts: Any) -> None:
    """One person is enough unless a rule asks for a second (`rules`)."""
    checklist_complete(row, actor, facts)
    if facts.rules:
        raise Invalid(_l("按规则须请第二人看。"), code="second_person_required")


def retry_reason_given(row: Any, _actor: Actor, facts: Any) -> None:
    if row.round >= facts.max_rounds:
        raise TransitionRefused(_l("补拍次数已用完，不能再要求重拍。"), code="rounds_used_up")
    if not facts.reasons or any(reason.kind != "RETRY" for reason in facts.reasons):
        raise Invalid(_l("要求重拍须选一项可补正的原因。"), code="retry_reason_required")
    if not facts.public_text.strip():
        raise Invalid(_l("请写明对方会看到的文字。"), code="public_text_required", fields={"public_text": ""})


def final_reason_given(_row: Any, _actor: Actor, facts: Any) -> None:
    if not facts.reasons or any(reason.kind != "FINAL" for reason in facts.reasons):
        raise Invalid(_l("不予通过须选一项最终原因。"), code="final_reason_required")
    if any(reason.second_person for reason in facts.reasons):
        raise Invalid(_l("这项原因须先请第二人看。"), code="second_person_required")
    if not facts.public_text.strip():
        raise Invalid(_l("请写明对方会看到的文字。"), code="public_text_required", fields={"public_text": ""})


def second_is_another(_row: Any, actor: Actor, facts: Any) -> None:
    if actor.id in facts.earlier_deciders:
        raise Forbidden(_l("提出、决定或复读过这件注册的人不能再作这个决定。"), code="not_your_own_proposal")


def second_may_approve(row: Any, actor: Actor, facts: Any) -> None:
    second_is_another(row, actor, facts)
    checklist_complete(row, actor, facts)


def second_may_reject(row: Any, actor: Actor, facts: Any) -> None:
    second_is_another(row, actor, facts)
    if not facts.reasons or any(reason.kind != "FINAL" for reason in facts.reasons):
        raise Invalid(_l("不予通过须选一项最终原因。"), code="final_reason_required")
    if not facts.public_text.strip():
        raise Invalid(_l("请写明对方会看到的文字。"), code="public_text_required", fields={"public_text": ""})


def appeal_answered(row: Any, actor: Actor, facts: Any) -> None:
    second_is_another(row, actor, facts)
    if not facts.public_text.strip():
        raise Invalid(_l("请写给申请人的答复。"), code="public_text_required", fields={"public_text": ""})


def appeal_may_be_granted(row: Any, actor: Actor, facts: Any) -> None:
    appeal_answered(row, actor, facts)
    checklist_complete(row, actor, facts)


def appeal_in_time(row: Any, _actor: Actor, facts: Any) -> None:
    if row.appealed_at is not None:
        raise TransitionRefused(_l("每件注册只能申诉一次。"), code="appeal_used")
    if row.appeal_by is None or facts.now > row.appeal_by:
        raise TransitionRefused(_l("申诉期限已过。"), code="appeal_too_late")


def round_left(row: Any, _actor: Actor, facts: Any) -> None:
    if row.round >= facts.max_rounds:
        raise TransitionRefused(_l("补交次数已用完。"), code="rounds_used_up")


def hold_reason_given(_row: Any, _actor: Actor, facts: Any) -> None:
    if not facts.private_note.strip():
        raise Invalid(_l("请写明为什么搁置。"), code="note_required", fields={"private_note": ""})


def target_given(row: Any, _actor: Actor, facts: Any) -> None:
    """Row 14: the same verified phone number, or the same person confirmed by whoever looked at both."""
    if facts.merge_target is None or facts.merge_target == row.id:
        raise Invalid(_l("请指明并入哪一件。"), code="merge_target_required", fields={"target": ""})
    if not facts.same_person:
        raise Invalid(_l("请确认两件是同一个人。"), code="same_person_unconfirmed", fields={"same_person": ""})


def reopening_possible(row: Any, actor: Actor, facts: Any) -> None:
    """A final decision is reversed only while its evidence lives and nothing newer of the person is open."""
    note_given(row, actor, facts)
    if not facts.photos_left:
        raise TransitionRefused(_l("证件照片已删除，不能重新审理；可请申请人重新提交。"), code="evidence_gone")
    if facts.other_open:
        raise TransitionRefused(_l("申请人已有新的注册在处理。"), code="registration_open")


def second_asked_with_cause(row: Any, actor: Actor, facts: Any) -> None:
    """A rule, or a reason of the catalogue that needs a second person, says enough by itself."""
    if not facts.rules and not any(reason.second_person for reason in facts.reasons):
        note_given(row, actor, facts)


def note_given(_row: Any, _actor: Actor, facts: Any) -> None:
    if not facts.private_note.strip():
        raise Invalid(_l("请写明原因。"), code="note_required", fields={"private_note": ""})


def second_lead(row: Any, actor: Actor, facts: Any) -> None:
    note_given(row, actor, facts)
    if row.suspended_by == actor.id:
        raise Forbidden(_l("暂停的人不能自己撤销注册，须另一位组长。"), code="not_your_own_proposal")


def same_decider_in_time(row: Any, actor: Actor, facts: Any) -> None:
    """The decider, inside the window, no later event, and from the status this row of the table goes back to."""
    if row.decided_by != actor.id:
        raise Forbidden(_l("只有作决定的人可以撤销。"), code="not_your_decision")
    if row.effective_at is None or facts.now >= row.effective_at:
        raise TransitionRefused(_l("决定已生效，不能再撤销。"), code="undo_too_late")
    if not facts.undo_possible:
        raise TransitionRefused(_l("其后又有变动，不能撤销。"), code="undo_superseded")


def _row(
    source: Status | None,
    action: str,
    target: Status,
    who: Permission | str,
    event: str,
    *,
    message: str | None = None,
    guard: Guard | None = None,
    undoable: bool = False,
) -> Transition:
    return Transition(source, action, target, who, f"registration.{event}", message, guard, undoable)


S = Status
_undo = {"who": DECIDE, "event": "decision_undone", "guard": same_decider_in_time}

TRANSITIONS: tuple[Transition, ...] = (
    _row(None, "submit_registration", S.PENDING, "customer", "submitted"),
    # the first reviewer
    _row(S.PENDING, "approve_registration", S.APPROVED, DECIDE, "approved",
         message="registration_approved", guard=first_may_approve, undoable=True),
    _row(S.PENDING, "ask_resubmission", S.NEEDS_RESUBMISSION, DECIDE, "resubmission_asked",
         message="registration_needs_resubmission", guard=retry_reason_given, undoable=True),
    _row(S.PENDING, "reject_registration", S.REJECTED, DECIDE, "rejected",
         message="registration_rejected", guard=final_reason_given, undoable=True),
    _row(S.PENDING, "hold_registration", S.ON_HOLD, DECIDE, "held", guard=hold_reason_given, undoable=True),
    _row(S.PENDING, "ask_second", S.AWAITING_SECOND, DECIDE, "second_asked", guard=second_asked_with_cause),
    # what time changes, and who may be faster
    _row(S.NEEDS_RESUBMISSION, "lapse_registration", S.LAPSED, "system", "lapsed", message="registration_lapsed"),
    _row(S.ON_HOLD, "wake_registration", S.PENDING, "system", "woken"),
    _row(S.ON_HOLD, "release_hold", S.PENDING, DECIDE, "hold_released"),
    # the second person
    _row(S.AWAITING_SECOND, "approve_second", S.APPROVED, DECIDE, "second_approved",
         message="registration_approved", guard=second_may_approve, undoable=True),
    _row(S.AWAITING_SECOND, "reject_second", S.REJECTED, DECIDE, "second_rejected",
         message="registration_rejected", guard=second_may_reject, undoable=True),
    _row(S.AWAITING_SECOND, "return_second", S.PENDING, DECIDE, "second_returned", guard=second_is_another),
    # the applicant
    _row(S.NEEDS_RESUBMISSION, "resubmit_registration", S.PENDING, "customer", "resubmitted", guard=round_left),
    _row(S.PENDING, "replace_evidence", S.PENDING, "customer", "evidence_replaced", guard=round_left),
    _row(S.ON_HOLD, "replace_evidence", S.PENDING, "customer", "evidence_replaced", guard=round_left),
    _row(S.AWAITING_SECOND, "replace_evidence", S.PENDING, "customer", "evidence_replaced", guard=round_left),
    _row(S.REJECTED, "appeal_rejection", S.APPEALED, "customer", "appealed", guard=appeal_in_time),
    *(_row(source, "withdraw_registration", S.WITHDRAWN, "customer", "withdrawn") for source in OPEN),
    # the appeal
    _row(S.APPEALED, "grant_appeal", S.APPROVED, DECIDE, "appeal_granted",
         message="registration_appeal_approved", guard=appeal_may_be_granted, undoable=True),
    _row(S.APPEALED, "deny_appeal", S.REJECTED, DECIDE, "appeal_denied",
         message="registration_appeal_rejected", guard=appeal_answered, undoable=True),
    # a lead reverses what took effect: only as a proposal to a second person
    _row(S.REJECTED, "reopen_rejection", S.AWAITING_SECOND, LEAD, "reopened", guard=reopening_possible),
    # one person, two cases
    *(_row(source, "merge_registration", S.MERGED, DECIDE, "merged", guard=target_given)
      for source in OPEN),
    # after approval
    _row(S.APPROVED, "suspend_registration", S.SUSPENDED, LEAD, "suspended", guard=note_given),
    _row(S.SUSPENDED, "reinstate_registration", S.APPROVED, LEAD, "reinstated", guard=note_given),
    _row(S.SUSPENDED, "revoke_registration", S.REVOKED, LEAD, "revoked", guard=second_lead),
    # sixty seconds
    *(_row(source, "undo_decision", S.PENDING, **_undo)  # type: ignore[arg-type]
      for source in (S.APPROVED, S.NEEDS_RESUBMISSION, S.REJECTED, S.ON_HOLD)),
    *(_row(source, "undo_second", S.AWAITING_SECOND, **_undo) for source in (S.APPROVED, S.REJECTED)),  # type: ignore[arg-type]
    *(_row(source, "undo_appeal", S.APPEALED, **_undo) for source in (S.APPROVED, S.REJECTED)),  # type: ignore[arg-type]
)  # fmt: skip

workflow = Workflow("registration", Status, TRANSITIONS)
UNDO_ACTION = {S.PENDING: "undo_decision", S.AWAITING_SECOND: "undo_second", S.APPEALED: "undo_appeal"}
