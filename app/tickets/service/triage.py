"""The verbs of triage: take, note down, ask, pass on to dispatch, merge, reject.

A ticket in triage is in one person's hands. What is noted is kept at once, field by field, so that nothing typed is
lost when the ticket goes back to the queue; only a change of status needs the version that was seen.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock
from app.core.db import db
from app.core.errors import Conflict, Invalid, NotFound
from app.core.policy import Actor, Permission
from app.hospitals.models import Hospital
from app.tickets.facts import Facts, Harm, MergeTarget, Priority, ServiceMode, WarrantyBasis
from app.tickets.models import FAULT_MAX_CHARS, SERIAL_MAX_CHARS, Direction, Ticket, TicketEvent, TicketMessage
from app.tickets.queries.devices import plain_serial, registered
from app.tickets.service import files
from app.tickets.service.clocks import earliest_start, start_earlier
from app.tickets.service.gather import sheet_of
from app.tickets.service.harm import heard
from app.tickets.service.move import move
from app.tickets.service.reach import in_region, load
from app.tickets.service.time import answer_until, idle_at, reminder_at
from app.tickets.triage import FAULT_CLASSES, NO_SERIAL_REASONS, QUESTIONS, REJECT_REASONS, RELEASE_REASONS
from app.tickets.workflow import BEFORE_OFFER, ENDED, Status

TRIAGE, LEAD = Permission.TICKETS_TRIAGE, Permission.TICKETS_LEAD
NOBODY: Mapping[str, Any] = {"triager_id": None, "triager_name": ""}
MERGE_DEPTH = 20  # a chain of mergers longer than this is refused as a cycle would be


@dataclass(frozen=True, slots=True)
class Seen:
    """The version of the ticket that a page was made from."""

    version: int


def claim(actor: Actor, ticket_id: uuid.UUID, seen: Seen) -> Ticket:
    """Take a report into one's hands. Raises Conflict when a colleague was faster."""
    row = load(actor, ticket_id, TRIAGE)
    if row.status == Status.TRIAGING and row.triager_id == actor.id:
        return row
    _current(row, seen)
    now = clock.now()
    changes = {"triager_id": actor.id, "triager_name": actor.name, "touched_at": now, "wakes_at": idle_at(now)}
    move(row, "claim_ticket", actor, Facts(now=now), changes=changes)
    return row


def release(actor: Actor, ticket_id: uuid.UUID, reason: str) -> Ticket:
    """Give it back to the queue; a lead may give back a colleague's."""
    row = load(actor, ticket_id, TRIAGE)
    if not actor.may(LEAD):
        _mine(actor, row)
    _known("reason", reason, RELEASE_REASONS)
    move(row, "release_ticket", actor, Facts(now=clock.now(), reason=reason), changes=dict(NOBODY))
    return row


def note_down(actor: Actor, ticket_id: uuid.UUID, values: Mapping[str, Any]) -> Ticket:
    """Keep what the screen says so far; keys of `NOTES`. Nothing is decided. Raises Invalid naming the fields."""
    row = load(actor, ticket_id, TRIAGE)
    _mine(actor, row)
    unknown = set(values) - set(NOTES)
    if unknown:
        raise Invalid(code="note_unknown", fields={name: [_l("没有这一栏。")] for name in sorted(unknown)})
    errors: dict[str, list[Any]] = {}
    for name, value in values.items():
        message = NOTES[name](row, value)
        if message is not None:
            errors[name] = [message]
    if errors:
        raise Invalid(fields=errors)
    row.touched_at, row.wakes_at = clock.now(), idle_at(clock.now())
    db.session.flush()
    if values.get("voice_text"):
        files.write_down(row, actor, str(values["voice_text"]))
    if "harm" in values:
        heard(actor, row)
    return row


def ask(actor: Actor, ticket_id: uuid.UUID, seen: Seen, questions: Sequence[str], text: str) -> Ticket:
    """Ask the customer; the clocks that wait for him stand still until he answers, at the longest to the deadline."""
    row = load(actor, ticket_id, TRIAGE)
    _mine(actor, row)
    _current(row, seen)
    for code in questions:
        _known("questions", code, QUESTIONS)
    _fits("text", text)
    now = clock.now()
    until = answer_until(now)
    facts = Facts(now=now, questions=tuple(questions), text=text)
    changes = {"answer_by": until, "final_notice_at": None, "wakes_at": reminder_at(now, 1)}
    move(row, "ask_info", actor, facts, changes=changes, pause_until=until)
    _message(row, actor, Direction.TO_CUSTOMER, text, questions)
    return row


def record_answer(actor: Actor, ticket_id: uuid.UUID, note: str) -> Ticket:
    """The customer answered by telephone."""
    row = load(actor, ticket_id, TRIAGE)
    _fits("note", note)
    now = clock.now()
    move(row, "record_answer", actor, Facts(now=now, note=note), changes=_in_hand(actor, now))
    return row


def finish(actor: Actor, ticket_id: uuid.UUID, seen: Seen) -> Ticket:
    """Pass on to dispatch. Raises Invalid naming everything that is still open."""
    row = load(actor, ticket_id, TRIAGE)
    _mine(actor, row)
    _current(row, seen)
    facts = Facts(now=clock.now(), triage=sheet_of(row))
    move(row, "finish_triage", actor, facts, changes={"field_job": True, "answer_by": None})
    heard(actor, row)
    return row


def reject(actor: Actor, ticket_id: uuid.UUID, seen: Seen, reason: str, alternative: str) -> Ticket:
    """Not ours to repair; the customer reads what he can do instead."""
    row = load(actor, ticket_id, TRIAGE)
    _mine(actor, row)
    _current(row, seen)
    _known("reason", reason, REJECT_REASONS)
    _fits("text", alternative)
    leads = actor.may(LEAD)
    facts = Facts(now=clock.now(), reason=reason, text=alternative, priority=row.priority, leads=leads)
    move(row, "reject_ticket", actor, facts)
    return row


def merge(actor: Actor, ticket_id: uuid.UUID, seen: Seen, target_number: str, reason: str) -> Ticket:
    """One fault, two reports: this one ends in the other, which keeps the earlier start of the clocks."""
    found = db.session.scalar(sa.select(Ticket.id).where(Ticket.number == target_number.strip().upper()))
    if found is None:
        raise Invalid(code="merge_target_required", fields={"target": [_l("没有这张工单。")]})
    first, second = sorted((ticket_id, found))  # one order of locks, whichever way round two people merge
    held = {one: load(actor, one, TRIAGE) for one in dict.fromkeys((first, second))}
    row, target = held[ticket_id], held[found]
    _current(row, seen)
    facts = Facts(
        now=clock.now(), reason=reason, leads=actor.may(LEAD),
        target=MergeTarget(
            target.id, target.hospital_id, ended=target.status in ENDED, safety_hold=target.safety_hold,
            into=_goes_into(target),
        ),
    )  # fmt: skip
    started = earliest_start(row)
    move(row, "merge_ticket", actor, facts, changes={"merged_into_id": target.id})
    if started is not None:
        start_earlier(target, actor, started, facts.now)
    audit.record("ticket.took_over", actor, "ticket", target.id)
    return row


def _goes_into(target: Ticket) -> frozenset[uuid.UUID]:
    found: set[uuid.UUID] = set()
    at: Ticket | None = target
    while at is not None and at.merged_into_id is not None and len(found) < MERGE_DEPTH:
        found.add(at.merged_into_id)
        at = db.session.get(Ticket, at.merged_into_id)
    return frozenset(found)


def _current(row: Ticket, seen: Seen) -> None:
    if row.version != seen.version:
        raise changed(row)


def changed(row: Ticket) -> Conflict:
    """Who was faster, with what and when; what was typed stays on the page."""
    query = sa.select(TicketEvent).where(TicketEvent.ticket_id == row.id).order_by(TicketEvent.version.desc()).limit(1)
    last = db.session.scalars(query).one_or_none()
    message = _l("这张工单刚刚有变动，您填写的内容还在。")
    if last is None:
        return Conflict(message)
    return Conflict(message, code="ticket_changed", who=last.by_name, what=last.action, when=last.at)


def _mine(actor: Actor, row: Ticket) -> None:
    if row.status == Status.TRIAGING and row.triager_id == actor.id:
        return
    if row.status == Status.TRIAGING:
        message = _l("这张工单在同事手里，您填写的内容还在。")
        raise Conflict(message, code="triaged_by_other", who=row.triager_name, when=row.touched_at)
    raise changed(row)


def _in_hand(actor: Actor, now: Any) -> dict[str, Any]:
    return {
        "triager_id": actor.id, "triager_name": actor.name, "touched_at": now, "wakes_at": idle_at(now),
        "answer_by": None, "final_notice_at": None,
    }  # fmt: skip


def _message(row: Ticket, actor: Actor, direction: Direction, text: str, questions: Sequence[str] = ()) -> None:
    db.session.add(
        TicketMessage(
            ticket_id=row.id, subject_id=row.subject_id, direction=direction.value, text=text.strip() or None,
            questions=list(questions), by_kind=actor.kind, by_id=actor.id,
            by_name=actor.name if actor.kind == "staff" else "", at=clock.now(),
        )
    )  # fmt: skip
    db.session.flush()


def _known(field: str, value: str, allowed: Mapping[str, Any]) -> None:
    if value and value not in allowed:
        raise Invalid(fields={field: [_l("没有这个选项。")]})


def _fits(field: str, value: str, most: int = FAULT_MAX_CHARS) -> None:
    if len(value) > most:
        raise Invalid(fields={field: [_l("最多 %(limit)s 个字。", limit=most)]})


def _choice(column: str, allowed: Mapping[str, Any]) -> Any:
    def put(row: Ticket, value: Any) -> Any:
        if value not in ("", None) and value not in allowed:
            return _l("没有这个选项。")
        setattr(row, column, value or ("" if column != "priority" else None))
        return None

    return put


def _flag(column: str) -> Any:
    def put(row: Ticket, value: Any) -> Any:
        setattr(row, column, bool(value))
        return None

    return put


def _serial(row: Ticket, value: Any) -> Any:
    serial = plain_serial(str(value or ""))
    known = registered(serial, row.hospital_id)
    serial = known.serial_number if known is not None else serial
    if len(serial or "") > SERIAL_MAX_CHARS:
        return _l("最多 %(limit)s 个字。", limit=SERIAL_MAX_CHARS)
    row.serial_number, row.device_id = serial, known.id if known is not None else None
    return None


def _hospital(row: Ticket, value: Any) -> Any:
    """Another hospital than the one reported; its province decides who may see the ticket."""
    found = db.session.get(Hospital, value) if isinstance(value, uuid.UUID) else None
    if found is None or not found.live:
        return _l("没有这家医院。")
    if found.id != row.hospital_id:
        row.hospital_id, row.province, row.device_department_id = found.id, found.province, None
    row.hospital_matched = True
    return None


def _voice(row: Ticket, value: Any) -> Any:
    """Of a recording alone. Once written it is corrected, not emptied: by then the recording may be gone."""
    if len(str(value or "")) > FAULT_MAX_CHARS:
        return _l("最多 %(limit)s 个字。", limit=FAULT_MAX_CHARS)
    if not value:
        return _l("录音的文字不能清空。") if row.voice_sealed is not None else None
    return None if files.recordings(row.id) or row.voice_sealed is not None else _l("这张工单没有录音。")


NOTES: Mapping[str, Any] = {
    "hospital_id": _hospital,
    "hospital_matched": _flag("hospital_matched"),
    "serial_number": _serial,
    "no_serial_reason": _choice("no_serial_reason", NO_SERIAL_REASONS),
    "voice_text": _voice,
    "harm": _choice("harm", {h.value: "" for h in Harm}),
    "duplicates_reviewed": _flag("duplicates_reviewed"),
    "fault_class": _choice("fault_class", FAULT_CLASSES),
    "priority": _choice("priority", {p.value: "" for p in Priority}),
    "warranty_basis": _choice("warranty_basis", {w.value: "" for w in WarrantyBasis}),
    "service_mode": _choice("service_mode", {m.value: "" for m in ServiceMode}),
}


def may_merge(row: Ticket) -> bool:
    """Whether the table has a merger from here."""
    return row.status in BEFORE_OFFER


def find(actor: Actor, number: str, permission: Permission = TRIAGE) -> uuid.UUID:
    """The id of a number within the actor's region. Raises NotFound."""
    query = sa.select(Ticket.id).where(Ticket.number == number.upper(), *in_region(actor, permission))
    found = db.session.scalar(query)
    if found is None:
        raise NotFound()
    return found
