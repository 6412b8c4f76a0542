"""What must hold before anybody touches a case: scope, not one's own, the lease, and the evidence that was seen."""

from __future__ import annotations

import hmac
import uuid

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import clock, numbers
from app.core.db import db
from app.core.errors import Conflict, NotFound
from app.core.policy import Actor, Permission
from app.registrations.models import Registration, RegistrationEvent, ReviewReason
from app.registrations.queries.scope import in_scope
from app.registrations.readings.models import SecondReading
from app.registrations.rules import Proposal
from app.registrations.service.facts import Entered, Facts, Seen
from app.registrations.service.places import adopt_mapping, is_mapped
from app.registrations.service.record import settle
from app.registrations.task import holds_lease, refuse_own, token_of

DECIDING = (
    "approve_registration", "ask_resubmission", "reject_registration", "ask_second", "approve_second",
    "reject_second", "grant_appeal", "deny_appeal", "reopen_rejection",
)  # fmt: skip


def load(actor: Actor, registration_id: uuid.UUID, *, permission: Permission) -> Registration:
    """The row, locked and settled. NotFound outside the actor's scope, Forbidden on one's own application."""
    query = sa.select(Registration).where(Registration.id == registration_id, *in_scope(actor, permission))
    row = db.session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound()
    refuse_own(actor, row)
    settle(row, clock.now())
    adopt_mapping(row)
    return row


def require_lease(actor: Actor, row: Registration, token: str) -> None:
    """Raise Conflict unless the actor holds the lease that ``token`` stands for; says who was faster, and with what."""
    same = hmac.compare_digest(token_of(row).encode(), token.encode())
    if same and holds_lease(actor, row, clock.now()):
        return
    raise lost(actor, row)


def lost(actor: Actor, row: Registration) -> Conflict:
    """Why the lease does not hold: a colleague decided, a colleague has it, or time ran out."""
    now, last = clock.now(), last_event(row)
    if last is not None and row.status != "pending" and last.by_id != actor.id:
        return Conflict(
            _l("同事已先作了决定，您填写的内容还在。"),
            code="decided_by_other", who=last.by_name, what=row.status, when=last.at,
        )  # fmt: skip
    if row.leased(now) and row.lease_staff_id != actor.id:
        return Conflict(
            _l("这一件现在由同事处理，您填写的内容还在。"),
            code="claimed_by_other", who=row.lease_name, what=row.status, when=row.lease_expires_at,
        )  # fmt: skip
    if last is not None and row.status != "pending":
        return Conflict(_l("这一件已有决定。"), code="already_decided", who=last.by_name, what=row.status, when=last.at)
    return Conflict(
        _l("占用已到期，没有改动任何内容。请重新领取后再决定。"),
        code="lease_expired", what=row.status, when=row.lease_expires_at,
    )  # fmt: skip


def require_evidence(row: Registration, seen: Seen) -> None:
    """Raise Conflict when the applicant sent something new after the page was made."""
    if row.evidence_version == seen.evidence_version:
        return
    raise Conflict(
        _l("申请人刚刚换了照片或内容，请看最新的再决定。"),
        code="evidence_changed", who=str(_l("申请人")), what=row.status, when=row.submitted_at,
    )  # fmt: skip


def last_event(row: Registration) -> RegistrationEvent | None:
    query = sa.select(RegistrationEvent).where(RegistrationEvent.registration_id == row.id)
    return db.session.scalars(query.order_by(RegistrationEvent.version.desc()).limit(1)).one_or_none()


def earlier_deciders(row: Registration) -> frozenset[uuid.UUID]:
    """Everybody who decided or proposed on this case and was not undone, and whoever gave the reading that differed and
    was taken further: a third person is to look."""
    undone = sa.select(RegistrationEvent.undoes_id).where(RegistrationEvent.undoes_id.is_not(None))
    query = sa.select(RegistrationEvent.by_id).where(
        RegistrationEvent.registration_id == row.id,
        RegistrationEvent.action.in_(DECIDING),
        RegistrationEvent.id.not_in(undone.where(RegistrationEvent.registration_id == row.id)),
    )
    differing = sa.select(SecondReading.read_by).where(
        SecondReading.registration_id == row.id, SecondReading.escalated_at.is_not(None)
    )
    both = sa.union_all(query, differing)
    return frozenset(found for found in db.session.scalars(both) if found is not None)


def approving(row: Registration) -> Proposal:
    """What an approval by the first reviewer means: a case that a lead reopened stays the reversal of a FINAL.

    Returned by the second person, or sent anew by the applicant, it is back in the ordinary queue, where one person
    alone would otherwise turn the rejection into an approval.
    """
    reopened = sa.exists().where(
        RegistrationEvent.registration_id == row.id, RegistrationEvent.action == "reopen_rejection"
    )
    return "reopen" if db.session.scalar(sa.select(reopened)) else "approve"


def gather(row: Registration, entered: Entered, *, reasons: tuple[ReviewReason, ...] = ()) -> Facts:
    """The facts that the table's guards look at."""
    return Facts(
        now=clock.now(),
        reasons=reasons,
        public_text=entered.public_text,
        private_note=entered.private_note,
        unchecked=entered.unchecked(),
        mapped=is_mapped(row),
        earlier_deciders=earlier_deciders(row),
        max_rounds=numbers.get("max_rounds"),
    )
