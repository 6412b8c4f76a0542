"""The states of a grant, as data. Time changes them at read time (`scope.effective_status`); jobs only announce."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.errors import Forbidden, Invalid
from app.core.policy import Actor, Permission
from app.core.workflow import Guard, Transition, Workflow

PROPOSE, DECIDE, REVIEW = Permission.GRANTS_PROPOSE, Permission.GRANTS_DECIDE, Permission.GRANTS_REVIEW


class Status(StrEnum):
    """As stored. What counts is the effective status: stored `active` with a past end is expired."""

    REQUESTED = "requested"
    AWAITING_SECOND = "awaiting_second"
    SCHEDULED = "scheduled"
    ACTIVE = "active"
    PAUSED = "paused"
    REFUSED = "refused"
    RENEWED = "renewed"
    EXPIRED = "expired"
    REVOKED = "revoked"


OPEN = (Status.REQUESTED, Status.AWAITING_SECOND)
LIVE = (Status.SCHEDULED, Status.ACTIVE, Status.PAUSED)  # opened something, or will, or may again
ENDED = (Status.REFUSED, Status.RENEWED, Status.EXPIRED, Status.REVOKED)


def by_another(_row: Any, actor: Actor, facts: Any) -> None:
    """Nobody decides on what he asked for or endorsed; the beneficiary was refused before."""
    if actor.id is not None and actor.id in facts.earlier:
        raise Forbidden(_l("提出或同意过这项权限的人不能再作这个决定。"), code="not_your_own_proposal")


def within_limits(row: Any, actor: Actor, facts: Any) -> None:
    """One approver is enough: the basis stands, nothing drifted, no limit is exceeded."""
    _approvable(row, actor, facts)
    if facts.over:
        raise Invalid(_l("超出限度，还须另一人批准。"), code="second_person_required")


def over_a_limit(row: Any, actor: Actor, facts: Any) -> None:
    _approvable(row, actor, facts)
    if not facts.over:
        raise Invalid(_l("没有超出限度，可以直接批准。"), code="second_person_not_needed")


def second_is_another(row: Any, actor: Actor, facts: Any) -> None:
    _approvable(row, actor, facts)


def _approvable(row: Any, actor: Actor, facts: Any) -> None:
    by_another(row, actor, facts)
    if facts.drift is not None:
        raise Invalid(_l("提出之后此人的资料有变化，请按现在的资料重新提出。"), code="facts_changed")


def note_given(_row: Any, _actor: Actor, facts: Any) -> None:
    if not facts.note.strip():
        raise Invalid(_l("请写明原因。"), code="note_required", fields={"note": [_l("请写明原因。")]})


def refuse_with_note(row: Any, actor: Actor, facts: Any) -> None:
    note_given(row, actor, facts)


def new_basis(row: Any, actor: Actor, facts: Any) -> None:
    """What was frozen is frozen anew, by somebody who did not propose it, on a basis that needs no second person."""
    by_another(row, actor, facts)
    note_given(row, actor, facts)
    if facts.over:
        raise Invalid(_l("新的依据超出限度，请撤销后重新提出。"), code="second_person_required")


def reviewer_is_another(_row: Any, actor: Actor, facts: Any) -> None:
    """The reviewer of a campaign had no part in the grant."""
    if actor.id is not None and actor.id in facts.earlier:
        raise Forbidden(_l("提出或批准过这项权限的人不能复核它。"), code="not_your_own_grant")


def smaller(row: Any, actor: Actor, facts: Any) -> None:
    reviewer_is_another(row, actor, facts)
    if not facts.reduces:
        raise Invalid(_l("请至少去掉一个科室，或缩短回看。"), code="nothing_reduced")


def reviewer_with_note(row: Any, actor: Actor, facts: Any) -> None:
    reviewer_is_another(row, actor, facts)
    note_given(row, actor, facts)


def _row(
    source: Status | None,
    action: str,
    target: Status,
    who: Permission | str,
    event: str,
    message: str | None = None,
    guard: Guard | None = None,
) -> Transition:
    return Transition(source, action, target, who, f"grant.{event}", message, guard)


S = Status
TRANSITIONS: tuple[Transition, ...] = (
    _row(None, "request_grant", S.REQUESTED, "customer", "requested"),
    _row(None, "propose_grant", S.REQUESTED, PROPOSE, "proposed"),
    # the approver, and over a limit one more
    _row(S.REQUESTED, "activate_grant", S.ACTIVE, DECIDE, "approved", "grant_approved", within_limits),
    _row(S.REQUESTED, "schedule_grant", S.SCHEDULED, DECIDE, "approved", "grant_approved", within_limits),
    _row(S.REQUESTED, "endorse_grant", S.AWAITING_SECOND, DECIDE, "endorsed", None, over_a_limit),
    _row(S.AWAITING_SECOND, "activate_second", S.ACTIVE, DECIDE, "approved", "grant_approved", second_is_another),
    _row(S.AWAITING_SECOND, "schedule_second", S.SCHEDULED, DECIDE, "approved", "grant_approved", second_is_another),
    _row(S.REQUESTED, "refuse_request", S.REFUSED, DECIDE, "refused", "grant_refused", refuse_with_note),
    _row(S.AWAITING_SECOND, "refuse_second", S.REFUSED, DECIDE, "refused", "grant_refused", refuse_with_note),
    # what time and the world change
    _row(S.SCHEDULED, "start_grant", S.ACTIVE, "system", "started", "grant_started"),
    _row(S.ACTIVE, "pause_grant", S.PAUSED, "system", "paused", "grant_paused"),
    _row(S.SCHEDULED, "pause_scheduled", S.PAUSED, "system", "paused", "grant_paused"),
    *(_row(source, "expire_grant", S.EXPIRED, "system", "expired", "grant_expired") for source in LIVE),
    _row(S.PAUSED, "lapse_pause", S.EXPIRED, "system", "lapsed_paused", "grant_expired"),
    *(_row(source, "lapse_review", S.EXPIRED, "system", "lapsed_unreviewed", "grant_expired") for source in LIVE),
    _row(S.PAUSED, "reconfirm_grant", S.ACTIVE, DECIDE, "reconfirmed", "grant_resumed", new_basis),
    # the next one took its place
    _row(S.ACTIVE, "renew_grant", S.RENEWED, DECIDE, "renewed"),
    # this grant alone
    *(_row(source, "revoke_grant", S.REVOKED, DECIDE, "revoked", "grant_revoked", note_given) for source in LIVE),
    # the quarterly review
    *(_row(source, "keep_grant", source, REVIEW, "kept", None, reviewer_is_another) for source in (S.ACTIVE, S.PAUSED)),
    *(_row(source, "reduce_grant", source, REVIEW, "reduced", "grant_reduced", smaller)
      for source in (S.ACTIVE, S.PAUSED)),
    *(_row(source, "revoke_reviewed", S.REVOKED, REVIEW, "revoked", "grant_revoked", reviewer_with_note)
      for source in (S.ACTIVE, S.PAUSED)),
)  # fmt: skip

workflow = Workflow("grant", Status, TRANSITIONS)
