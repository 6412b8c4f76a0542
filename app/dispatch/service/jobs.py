"""What engineers and dealers do with a job, each safe to send twice: answer, move, arrive, finish, and what may come
between. The ticket's own verbs (`app.tickets.service.field`) change the ticket; here the visit gets its outcome.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.db import db
from app.core.errors import Invalid
from app.core.files.images import CleanImage
from app.core.policy import Actor
from app.dealers.models import Dealer
from app.dispatch.eligibility import Span, contract_for, plan_of
from app.dispatch.models import AssigneeKind, DispatchState, Engineer, Visit, VisitOutcome
from app.dispatch.service import answer, visits
from app.dispatch.service.follow import finish as end_dispatch
from app.dispatch.service.follow import plan_again
from app.dispatch.service.offer import known
from app.dispatch.service.once import Hand, Saved, once
from app.dispatch.service.prove import recheck
from app.dispatch.service.visits import NewTime
from app.dispatch.sheet import whole
from app.dispatch.words import STUCK_REASONS
from app.tickets.facts import ServiceMode, Work
from app.tickets.models import FileKind, TicketFile
from app.tickets.queries.devices import plain_serial
from app.tickets.service import field
from app.tickets.service.custody import NUMBER_MAX_CHARS, fits
from app.tickets.service.depot import Wanted
from app.tickets.service.depot_release import VALUE_MAX_CHARS, Measured
from app.tickets.service.field import Collected, Signed
from app.tickets.service.field_parts import Used, built_in, settle_parts
from app.tickets.service.files import PHOTOS_MAX, attach_photos
from app.tickets.triage import NO_SERIAL_REASONS
from app.tickets.workflow import Status

FIXED, COLLECTED = VisitOutcome.FIXED, VisitOutcome.COLLECTED
INCOMPLETE, PARTS = VisitOutcome.INCOMPLETE, VisitOutcome.PARTS


@dataclass(frozen=True, slots=True)
class Repair:
    """What a repair on the spot leaves behind. ``steps``: what became of parts waited for; ``used``: from stock."""

    fault: str
    action: str
    tests: Sequence[Measured]
    signed: Signed
    steps: Mapping[uuid.UUID, str]
    used: Sequence[Used]


@dataclass(frozen=True, slots=True)
class Stuck:
    """Why it cannot be repaired now and what is needed; with a window or a call the same person comes again."""

    reason: str
    missing: str
    again: bool
    span: Span | None = None
    call_first: bool = False


def accept(actor: Actor, dispatch_id: uuid.UUID, token: str, span: Span | None = None) -> Saved:
    """Row 12. Raises Conflict after the time to answer, NotEligible."""

    def do(hand: Hand) -> datetime | None:
        before = hand.found.accepted_at if hand.found.accepted_by == actor.id else None
        answer.accept(actor, dispatch_id, span)
        return before

    return once(actor, dispatch_id, token, "accept", do, answering=True)


def decline(actor: Actor, dispatch_id: uuid.UUID, token: str, reason: str) -> Saved:
    """Row 11. Raises Conflict after the time to answer."""

    def do(_hand: Hand) -> None:
        answer.decline(actor, dispatch_id, reason)

    return once(actor, dispatch_id, token, "decline", do, answering=True)


def reschedule(actor: Actor, dispatch_id: uuid.UUID, token: str, wanted: NewTime) -> Saved:
    """Row 13, or the first appointment after a call."""

    def do(_hand: Hand) -> None:
        visits.reschedule(actor, dispatch_id, wanted)

    return once(actor, dispatch_id, token, "move", do)


def arrive(actor: Actor, dispatch_id: uuid.UUID, token: str, serial: str, reason: str) -> Saved:
    """Row 15. Another serial than the ticket's needs a reason, as one that cannot be read does."""

    def do(hand: Hand) -> datetime | None:
        if hand.row.status == Status.ON_SITE and hand.visit is not None and hand.visit.arrived_at is not None:
            return hand.visit.arrived_at
        known("reason", reason, NO_SERIAL_REASONS)
        fits(serial=(serial, NUMBER_MAX_CHARS))
        read, expected = plain_serial(serial) or "", hand.row.serial_number
        if read and expected and read != expected and not reason:
            words = _l("与工单上的序列号不一致。请核对设备；确实是这台时请选择原因。")
            raise Invalid(code="serial_mismatch", fields={"serial": [words]})
        field.arrive(actor, hand.row.id, hand.ids, serial=read, reason=reason)
        if hand.visit is not None:
            hand.visit.arrived_at = clock.now()
        return None

    return once(actor, dispatch_id, token, "arrive", do)


def add_photos(actor: Actor, dispatch_id: uuid.UUID, token: str, photos: Sequence[CleanImage]) -> Saved:
    """Kept at once, so that a form refused later loses none."""

    def do(hand: Hand) -> None:
        if not photos:
            raise Invalid(fields={"photos": [_l("请至少选一张照片。")]})
        if count_photos(hand) + len(photos) > PHOTOS_MAX:
            raise Invalid(fields={"photos": [_l("最多 9 张照片。")]})
        attach_photos(hand.row, actor, photos, kind=FileKind.CONDITION)

    return once(actor, dispatch_id, token, "photos", do)


def finish(actor: Actor, dispatch_id: uuid.UUID, token: str, repair: Repair) -> Saved:
    """Row 16: mandatory tests passed, parts accounted for, a photo taken, signed by the department."""

    def do(hand: Hand) -> datetime | None:
        if hand.row.status == Status.RESOLVED:
            return _ended(hand, FIXED)
        tests = whole(hand.row, repair.tests)
        _fit(tests)
        signed = repair.signed.image is not None or bool(repair.signed.words)
        if hand.row.status == Status.ON_SITE and not count_photos(hand):
            raise Invalid(code="photos_required", fields={"photos": [_l("请先拍下处理后的样子。")]})
        settle_parts(hand.row, repair.steps)
        built_in(hand.row, actor, repair.used)
        work = Work(repair.fault, repair.action, signed_by_hospital=signed)
        field.finish_repair(actor, hand.row.id, hand.ids, work, tests, signed=repair.signed)
        _end(hand, FIXED)
        end_dispatch(hand.found, DispatchState.DONE, clock.now(), FIXED.value)
        return None

    return once(actor, dispatch_id, token, "finish", do)


def collect(actor: Actor, dispatch_id: uuid.UUID, token: str, taken: Collected, signed: Signed) -> Saved:
    """Row 17: the device leaves with whoever came for it."""

    def do(hand: Hand) -> datetime | None:
        if hand.row.status == Status.COLLECTING:
            return _ended(hand, COLLECTED)
        field.collect(actor, hand.row.id, hand.ids, taken, signed=signed)
        _end(hand, COLLECTED)
        return None

    return once(actor, dispatch_id, token, "collect", do)


def await_parts(actor: Actor, dispatch_id: uuid.UUID, token: str, lines: Sequence[Wanted]) -> Saved:
    """Row 18: the visit ends, another follows when the parts are here."""

    def do(hand: Hand) -> datetime | None:
        if hand.row.status == Status.WAIT_PARTS:
            return _ended(hand, PARTS)
        field.await_parts(actor, hand.row.id, hand.ids, lines)
        _end(hand, PARTS)
        return None

    return once(actor, dispatch_id, token, "parts", do)


def cannot_fix(actor: Actor, dispatch_id: uuid.UUID, token: str, stuck: Stuck) -> Saved:
    """Row 31: the same person comes again, or somebody else is needed. Eligibility holds in the new window too."""

    def do(hand: Hand) -> None:
        known("reason", stuck.reason, STUCK_REASONS)
        row, found = hand.row, hand.found
        if not stuck.again:
            field.hand_over_visit(actor, row.id, hand.ids, stuck.reason, stuck.missing)
            _end(hand, INCOMPLETE)
            end_dispatch(found, DispatchState.WITHDRAWN, clock.now(), stuck.reason)
            return
        span, window = stuck.span, None
        if span is not None and span.since < span.until:
            window, plan = (span.since, span.until), plan_of(span)
            covering = contract_for(recheck(row, found, plan, clock.now()).candidate, plan)
            found.contract_id = covering.id if covering else found.contract_id
        call = stuck.call_first and window is None
        field.plan_return_visit(actor, row.id, hand.ids, stuck.reason, stuck.missing, window, call_first=call)
        _end(hand, INCOMPLETE)
        plan_again(row, found)

    return once(actor, dispatch_id, token, "stuck", do)


def give_back(actor: Actor, dispatch_id: uuid.UUID, token: str, signed: Signed) -> Saved:
    """Row 27: the repaired device is in the hospital's hands again."""

    def do(hand: Hand) -> datetime | None:
        if hand.row.status == Status.RESOLVED:
            return hand.row.changed_at
        has = signed.image is not None or bool(signed.words)
        field.hand_over_device(actor, hand.row.id, hand.ids, signed=has, signature=signed)
        return None

    return once(actor, dispatch_id, token, "deliver", do)


def count_photos(hand: Hand) -> int:
    """Taken since this visit began, by whoever does it."""
    since = hand.visit.arrived_at if hand.visit is not None else None
    query = sa.select(sa.func.count()).select_from(TicketFile)
    query = query.where(TicketFile.ticket_id == hand.row.id, TicketFile.kind == FileKind.CONDITION.value)
    query = query.where(TicketFile.at >= (since or hand.found.accepted_at or hand.found.offered_at))
    return db.session.scalar(query) or 0


def _ended(hand: Hand, outcome: VisitOutcome) -> datetime | None:
    """When a visit of this dispatch ended so; None lets the table say what is wrong."""
    query = sa.select(Visit.ended_at).where(Visit.dispatch_id == hand.found.id, Visit.outcome == outcome.value)
    return db.session.scalar(query.order_by(Visit.n.desc()).limit(1))


def _end(hand: Hand, outcome: VisitOutcome) -> None:
    """The visit's outcome, and the history that the score reads; a device fetched as planned is no failed repair."""
    now = clock.now()
    if hand.visit is not None:
        hand.visit.outcome, hand.visit.ended_at = outcome.value, now
        hand.visit.arrived_at = hand.visit.arrived_at or now
    if outcome is COLLECTED and hand.found.mode == ServiceMode.COLLECT:
        return
    engineer = hand.found.assignee_kind == AssigneeKind.ENGINEER
    table: Any = Engineer if engineer else Dealer
    key = Engineer.staff_id if engineer else Dealer.id
    more: dict[str, Any] = {"visits_done": table.visits_done + 1}
    if outcome is FIXED:
        more["visits_fixed"] = table.visits_fixed + 1
    query = sa.update(table).where(key == hand.found.assignee_id).values(**more)
    db.session.execute(query.execution_options(synchronize_session=False))
    db.session.flush()


def _fit(tests: Sequence[Measured]) -> None:
    if any(len(one.value) > VALUE_MAX_CHARS or len(one.gauge) > NUMBER_MAX_CHARS for one in tests):
        raise Invalid(fields={"tests": [_l("内容太长。")]})
