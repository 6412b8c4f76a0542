"""The first reviewer's decisions, each a compare-and-set on lease token and evidence version (review.md 2, no. 2)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import calendar, clock, numbers
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.errors import Invalid
from app.core.policy import Actor, Permission
from app.core.sanitize import sanitize
from app.registrations import reasons as catalogue
from app.registrations import rules
from app.registrations.checks import FIELDS, HOW_NOTE_MAX, How, Verdict, Way
from app.registrations.models import FieldCheck, Registration, RegistrationEvent, ReviewDraft
from app.registrations.service import erasure, guards, notice, people
from app.registrations.service.facts import NOTE_MAX, PUBLIC_TEXT_MAX, Decided, Entered, Facts, Seen
from app.registrations.service.record import NO_LEASE, move
from app.registrations.workflow import Status, checklist_complete

DECIDE = Permission.REGISTRATIONS_DECIDE


def approve(actor: Actor, registration_id: uuid.UUID, seen: Seen, entered: Entered) -> Decided:
    """Approve: every field checked, hospital and department mapped. Effective after the undo window.

    Where a rule asks for a second person the decision becomes a proposal. Raises Conflict (lease, evidence, status),
    Invalid (checks, mapping), Forbidden, NotFound; so do all verbs here.
    """
    row = ready(actor, registration_id, seen)
    asking = rules.asking(guards.approving(row), entered, ())
    if asking:
        checklist_complete(row, actor, guards.gather(row, entered))
        return _propose(actor, row, entered, "approve", asking)
    return decide(actor, row, "approve_registration", entered)


def ask_again(actor: Actor, registration_id: uuid.UUID, seen: Seen, entered: Entered) -> Decided:
    """Ask for another photo or a correction: a RETRY reason and a public text, while rounds are left."""
    return decide(actor, ready(actor, registration_id, seen), "ask_resubmission", entered)


def reject(actor: Actor, registration_id: uuid.UUID, seen: Seen, entered: Entered) -> Decided:
    """Refuse with a FINAL reason; suspected forgery becomes a proposal to a second person."""
    row = ready(actor, registration_id, seen)
    picked = catalogue.pick(entered.reasons)
    asking = rules.asking("reject", entered, picked) if all(reason.kind == "FINAL" for reason in picked) else ()
    if asking:
        return _propose(actor, row, entered, "reject", asking)
    return decide(actor, row, "reject_registration", entered)


def hold(actor: Actor, registration_id: uuid.UUID, seen: Seen, entered: Entered, *, until: date) -> Decided:
    """Put aside to the start of office hours of ``until``, at most five working days on; the clock keeps running."""
    row = ready(actor, registration_id, seen)
    last = calendar.add_working_days(clock.today(), numbers.get("hold_max_working_days"))
    if not clock.today() < until <= last:
        message = _l("搁置须在明天到 %(day)s 之间。", day=last.isoformat())
        raise Invalid(message, code="hold_until_invalid", fields={"until": [message]})
    opens = numbers.office_hours().opens
    at = datetime.combine(until, time(opens // 60, opens % 60), SHANGHAI)
    return decide(actor, row, "hold_registration", entered, changes={"hold_until": at, "wakes_at": at})


def ask_second(
    actor: Actor, registration_id: uuid.UUID, seen: Seen, entered: Entered, *, proposal: str | None = None
) -> Decided:
    """Propose ``approve`` or ``reject`` to a second person; takes effect at once and cannot be undone."""
    row = ready(actor, registration_id, seen)
    if proposal not in (None, "", "approve", "reject"):
        raise Invalid(code="proposal_unknown")
    final = any(reason.kind == "FINAL" for reason in catalogue.pick(entered.reasons))
    chosen: rules.Proposal = "reject" if proposal == "reject" or (not proposal and final) else "approve"
    return _propose(actor, row, entered, chosen, ())


def _propose(
    actor: Actor, row: Registration, entered: Entered, proposal: rules.Proposal, asking: tuple[str, ...]
) -> Decided:
    """Hand the decision to a second person; ``asking`` are the rules that want it, empty when the reviewer does."""
    facts = _clean_facts(row, entered, catalogue.pick(entered.reasons))
    values = {"decided_at": facts.now, "decided_by": actor.id, **NO_LEASE}
    values["badge_valid_until"] = entered.badge_valid_until or row.badge_valid_until
    event = move(
        row, "ask_second", actor, facts=replace(facts, rules=asking), entered=entered, changes=values,
        event={"proposal": proposal, "rules": list(asking)},
    )  # fmt: skip
    save_checks(actor, row, entered.checks, entered.ways)
    return Decided(row, event)


def release_hold(actor: Actor, registration_id: uuid.UUID, note: str = "") -> Registration:
    """Anybody in scope ends a hold early."""
    row = guards.load(actor, registration_id, permission=DECIDE)
    move(row, "release_hold", actor, entered=Entered(private_note=note), changes={"hold_until": None})
    return row


def check_fields(
    actor: Actor,
    registration_id: uuid.UUID,
    seen: Seen,
    checks: Mapping[str, str],
    ways: Mapping[str, Way] = MappingProxyType({}),
) -> None:
    """Save verdicts of the present round without deciding. Raises Conflict, Invalid."""
    save_checks(actor, ready(actor, registration_id, seen), checks, ways)


def ready(actor: Actor, registration_id: uuid.UUID, seen: Seen) -> Registration:
    """The locked row, after every guard that all deciding verbs share."""
    actor.require(DECIDE)
    row = guards.load(actor, registration_id, permission=DECIDE)
    guards.require_lease(actor, row, seen.lease_token)
    guards.require_evidence(row, seen)
    return row


def decide(
    actor: Actor, row: Registration, action: str, entered: Entered, *, changes: dict[str, Any] | None = None
) -> Decided:
    """Fire a deciding action whose effect waits for the undo window, and everything that hangs on it."""
    facts = _clean_facts(row, entered, catalogue.pick(entered.reasons))
    if action == "approve_registration":
        facts = replace(facts, rules=rules.asking(guards.approving(row), entered, facts.reasons))
    effective_at = facts.now + timedelta(seconds=numbers.get("undo_seconds"))
    values = {"decided_at": facts.now, "decided_by": actor.id, **NO_LEASE, **_times(row, action, effective_at)}
    values["badge_valid_until"] = entered.badge_valid_until or row.badge_valid_until
    event = move(
        row,
        action,
        actor,
        facts=facts,
        entered=entered,
        effective_at=effective_at,
        changes={**values, **(changes or {})},
    )
    save_checks(actor, row, entered.checks, entered.ways)
    db.session.execute(sa.delete(ReviewDraft).where(ReviewDraft.registration_id == row.id))
    _follow(row, event)
    return Decided(row, event)


def save_checks(actor: Actor, row: Registration, checks: Mapping[str, str], ways: Mapping[str, Way]) -> None:
    """Keep the verdicts of this round; the latest counts. Unknown fields, verdicts and ways raise Invalid."""
    given = _known(checks, ways)
    where = FieldCheck.registration_id == row.id, FieldCheck.round == row.round
    known = {check.field: check for check in db.session.scalars(sa.select(FieldCheck).where(*where))}
    for name, verdict in given.items():
        check = known.get(name)
        if check is None:
            check = FieldCheck(registration_id=row.id, round=row.round, field=name, subject_id=row.subject_id)
            db.session.add(check)
        way = ways.get(name) if verdict == Verdict.SEEN_OTHERWISE else None
        how, note = (way.how, way.note.strip() or None) if way is not None else (None, None)
        if (check.verdict, check.how, check.how_note) != (verdict, how, note):
            check.verdict, check.how, check.how_note = verdict, how, note
            check.by_id, check.by_name, check.at = actor.id, actor.name, clock.now()
    db.session.flush()


def _known(checks: Mapping[str, str], ways: Mapping[str, Way]) -> dict[str, str]:
    given = {name: verdict for name, verdict in checks.items() if verdict}
    if not set(given) <= set(FIELDS) or not set(given.values()) <= set(Verdict):
        raise Invalid(code="check_unknown")
    otherwise = [name for name, verdict in given.items() if verdict == Verdict.SEEN_OTHERWISE]
    if any(name not in ways or ways[name].how not in tuple(How) for name in otherwise):
        message = _l("请选择是怎样核实的。")
        fields = {f"how_{name}": [message] for name in otherwise if name not in ways or not ways[name].how}
        raise Invalid(message, code="how_required", fields=fields)
    if any(len(ways[name].note) > HOW_NOTE_MAX for name in otherwise):
        raise Invalid(_l("核实说明最多 60 个字。"), code="how_note_too_long")
    return given


def _clean_facts(row: Registration, entered: Entered, reasons: tuple[Any, ...]) -> Facts:
    _known(entered.checks, entered.ways)
    if len(entered.public_text) > PUBLIC_TEXT_MAX:
        raise Invalid(code="public_text_too_long", fields={"public_text": [_l("最多 120 个字。")]})
    if len(entered.private_note) > NOTE_MAX:
        raise Invalid(code="note_too_long", fields={"private_note": [_l("最多 500 个字。")]})
    if sanitize(entered.public_text) != entered.public_text.strip() and "<" in entered.public_text:
        raise Invalid(code="public_text_markup", fields={"public_text": [_l("这里只能写文字，不能有标记。")]})
    return guards.gather(row, entered, reasons=reasons)


def _times(row: Registration, action: str, effective_at: datetime) -> dict[str, Any]:
    """The instants that a decision sets, counted from when it takes effect."""
    days = lambda key: effective_at + timedelta(days=numbers.get(key))
    if action in ("approve_registration", "approve_second", "grant_appeal"):
        return {"erase_at": days("badge_retention_days"), "answer_by": None, "appeal_by": None}
    if action == "ask_resubmission":
        return {"answer_by": days("answer_days"), "wakes_at": days("answer_days"), "erase_at": days("answer_days")}
    if action in ("reject_registration", "reject_second"):
        used = row.appealed_at is not None
        until = effective_at if used else days("appeal_days")
        return {"appeal_by": None if used else until, "erase_at": until}
    if action == "deny_appeal":
        return {"appeal_by": None, "erase_at": effective_at}
    return {}


def _follow(row: Registration, event: RegistrationEvent) -> None:
    """What hangs on a decision: life of the photos, the person's rights, the message. All wait for the window."""
    if row.status == Status.ON_HOLD:
        return
    erasure.keep_until(row, row.erase_at)
    erasure.end_earlier_rounds(row, event.effective_at)
    if row.status == Status.APPROVED:
        people.adopt(row, event.effective_at)
    notice.tell(row, event)
