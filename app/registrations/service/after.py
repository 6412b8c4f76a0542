"""What can follow a decision: undo within the window, merge, suspend, reinstate, revoke."""

from __future__ import annotations

import uuid
from dataclasses import replace

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import calendar, clock, numbers
from app.core.db import db
from app.core.errors import NotFound, TransitionRefused
from app.core.policy import Actor, Permission
from app.customers.models import Customer
from app.registrations import reasons as catalogue
from app.registrations import rules
from app.registrations.models import Registration, RegistrationEvent
from app.registrations.queries.duplicates import NO_TARGET
from app.registrations.queries.scope import in_scope
from app.registrations.service import erasure, guards, lease, notice, people
from app.registrations.service.decide import ready
from app.registrations.service.facts import Decided, Entered, Seen
from app.registrations.service.record import NO_LEASE, move, settle
from app.registrations.task import refuse_own
from app.registrations.workflow import OPEN, UNDO_ACTION, Status

DECIDE, LEAD = Permission.REGISTRATIONS_DECIDE, Permission.REGISTRATIONS_LEAD
FORGET_DECISION = {
    "decided_at": None, "decided_by": None, "answer_by": None, "appeal_by": None, "hold_until": None,
    "erase_at": None, "wakes_at": None, "badge_valid_until": None,
}  # fmt: skip


def undo(actor: Actor, registration_id: uuid.UUID) -> Decided:
    """Take back one's own decision before it takes effect; the case is claimed again for the same person.

    Raises TransitionRefused (too late, superseded, not undoable), Forbidden (not the decider), NotFound.
    """
    row = guards.load(actor, registration_id, permission=DECIDE)
    event = guards.last_event(row)
    action = UNDO_ACTION.get(Status(row.status_before)) if row.status_before else None
    if event is None or action is None or event.status_to != row.status:
        raise TransitionRefused(_l("没有可以撤销的决定。"), code="nothing_to_undo")
    possible = event.version == row.version and event.by_id == row.decided_by and event.undoes_id is None
    facts = replace(guards.gather(row, Entered()), undo_possible=possible)
    undone = move(row, action, actor, facts=facts, changes=dict(FORGET_DECISION), event={"undoes_id": event.id})
    notice.withdraw(event)
    if event.status_to == Status.APPROVED:
        people.abandon(row)
    if event.status_to != Status.ON_HOLD:
        erasure.keep_until(row, None)
        erasure.restore_earlier_rounds(row)
    lease.grant(actor, row, clock.now())
    return Decided(row, undone)


def merge(
    actor: Actor,
    registration_id: uuid.UUID,
    seen: Seen,
    entered: Entered,
    *,
    target_number: str,
    same_person: bool = False,
) -> Decided:
    """Join a duplicate into the person's other case; cannot be undone, photos go at once.

    The same verified phone number says that it is one person; otherwise the reviewer must (``same_person``).
    """
    target = _both_locked(actor, registration_id, target_number)
    row = ready(actor, registration_id, seen)
    facts = replace(
        guards.gather(row, entered, reasons=catalogue.pick(entered.reasons)),
        merge_target=target.id if target is not None else None,
        same_person=same_person or (target is not None and same_phone(row, target)),
    )
    changes = {"merged_into": facts.merge_target, "decided_at": facts.now, "decided_by": actor.id, **NO_LEASE}
    event = move(row, "merge_registration", actor, facts=facts, entered=entered, changes=changes)
    erasure.erase_now(row)
    notice.tell(row, event)
    return Decided(row, event)


def _both_locked(actor: Actor, registration_id: uuid.UUID, target_number: str) -> Registration | None:
    """The case to join into; None where nothing may be joined into. Locked together with the one that goes, in order
    of ids: of two merges that meet (A into B while B into A) the later one finds what the earlier one did."""
    asked = sa.or_(Registration.id == registration_id, Registration.number == target_number)
    both = sa.select(Registration).where(asked, *in_scope(actor, DECIDE)).order_by(Registration.id)
    found = db.session.scalars(both.with_for_update(of=Registration).execution_options(populate_existing=True)).all()
    target = next((row for row in found if row.number == target_number), None)
    if target is None:
        return None
    refuse_own(actor, target)
    settle(target, clock.now())
    return None if target.status in NO_TARGET else target


def reopen(actor: Actor, registration_id: uuid.UUID, entered: Entered) -> Decided:
    """A lead proposes to reverse a rejection that took effect; a second person, with no part so far, decides.

    Raises TransitionRefused (photos gone, something newer open), Invalid (note), Forbidden, NotFound.
    """
    row = _for_lead(actor, registration_id)
    facts = replace(
        guards.gather(row, entered),
        rules=rules.asking("reopen", entered, ()),
        photos_left=row.erase_at is not None and row.erase_at > clock.now(),
        other_open=_other_open(row),
    )
    due = calendar.add_working_hours(facts.now, numbers.get("review_due_hours"))
    changes = {"decided_at": facts.now, "decided_by": actor.id, "due_at": due, "erase_at": None}
    told = {"proposal": "reopen", "rules": list(facts.rules)}
    event = move(row, "reopen_rejection", actor, facts=facts, entered=entered, changes=changes, event=told)
    erasure.keep_until(row, None)
    return Decided(row, event)


def same_phone(row: Registration, other: Registration) -> bool:
    """Whether both belong to one account, or to accounts with one verified number."""
    if row.customer_id == other.customer_id:
        return True
    found = sa.select(sa.func.count(sa.distinct(Customer.phone_index)), sa.func.count(Customer.phone_index))
    kinds, known = db.session.execute(found.where(Customer.id.in_((row.customer_id, other.customer_id)))).one()
    return bool(kinds == 1 and known == 2)


def _other_open(row: Registration) -> bool:
    query = sa.select(Registration.id).where(
        Registration.customer_id == row.customer_id, Registration.id != row.id, Registration.status.in_(OPEN)
    )
    return db.session.execute(query).first() is not None


def suspend(actor: Actor, registration_id: uuid.UUID, entered: Entered) -> Decided:
    """Pause an approved registration, at once; everything that rests on it pauses too."""
    row = _for_lead(actor, registration_id)
    event = _lead_move(actor, row, "suspend_registration", entered, suspended_by=actor.id)
    people.suspend(row)
    return Decided(row, event)


def reinstate(actor: Actor, registration_id: uuid.UUID, entered: Entered) -> Decided:
    """End a suspension."""
    row = _for_lead(actor, registration_id)
    event = _lead_move(actor, row, "reinstate_registration", entered, suspended_by=None)
    people.reinstate(row)
    return Decided(row, event)


def revoke(actor: Actor, registration_id: uuid.UUID, entered: Entered) -> Decided:
    """End a suspended registration for good; another lead than the one who suspended it."""
    row = _for_lead(actor, registration_id)
    event = _lead_move(actor, row, "revoke_registration", entered)
    people.end(row)
    return Decided(row, event)


def _for_lead(actor: Actor, registration_id: uuid.UUID) -> Registration:
    actor.require(LEAD)
    row = guards.load(actor, registration_id, permission=LEAD)
    if row.effective_at is not None and row.effective_at > clock.now():
        raise TransitionRefused(_l("决定还在可撤销的时间内，请稍后再试。"), code="being_decided")
    return row


def _lead_move(
    actor: Actor, row: Registration, action: str, entered: Entered, **changes: uuid.UUID | None
) -> RegistrationEvent:
    facts = guards.gather(row, entered, reasons=catalogue.pick(entered.reasons))
    event = move(row, action, actor, facts=facts, entered=entered, changes=dict(changes))
    notice.tell(row, event)
    return event


def find(actor: Actor, number: str, permission: Permission = DECIDE) -> uuid.UUID:
    """The id behind a number, in the actor's scope. Raises NotFound."""
    found = db.session.scalar(
        sa.select(Registration.id).where(Registration.number == number, *in_scope(actor, permission))
    )
    if found is None:
        raise NotFound()
    return found
