"""What happens where the device is (rows 15 to 19, 27, 31): verbs for whoever carries a visit out.

``stands_for`` are the ids of engineers or dealers that the actor acts for: the floor that knows them says so, the
table's guard asks whether the ticket is theirs. Typed facts in, no page and no session read here.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core import audit, clock
from app.core.db import db
from app.core.errors import Invalid, TransitionRefused
from app.core.files.images import CleanImage
from app.core.policy import Actor, Permission
from app.tickets.facts import Facts, Work
from app.tickets.models import FileKind, RepairRecord, Ticket
from app.tickets.models.workshop import LONG_TEXT
from app.tickets.queries.devices import plain_serial, registered
from app.tickets.service.custody import LINE_MAX_CHARS, NUMBER_MAX_CHARS, Hands, fits, give_back, open_leg, pass_to
from app.tickets.service.depot import Wanted, count_wanted, want
from app.tickets.service.depot_release import Measured, keep_sheet, lines_of
from app.tickets.service.files import attach_photos
from app.tickets.service.move import move
from app.tickets.service.reach import load
from app.tickets.service.time import NO_ASSIGNEE, confirm_until
from app.tickets.workflow import Status

VISIT, DISPATCH, LEAD = Permission.VISITS_DO, Permission.TICKETS_DISPATCH, Permission.TICKETS_LEAD
MISSING_MAX_CHARS = 200
Ids = frozenset[uuid.UUID]
Window = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Collected:
    """What is noted when a device leaves the hospital."""

    serial: str
    decontaminated: bool  # the department declared that it was reprocessed
    signed: bool  # the department signed the receipt
    accessories: str = ""
    seal: str = ""
    courier_number: str = ""


def arrive(actor: Actor, ticket_id: uuid.UUID, stands_for: Ids, *, serial: str = "", reason: str = "") -> Ticket:
    """At the device. A serial that cannot be read has a reason (code of triage.NO_SERIAL_REASONS)."""
    row = load(actor, ticket_id, VISIT)
    read = plain_serial(serial) or ""
    facts = _own(row, stands_for, serial_scanned=read, serial_reason=reason, reason=reason)
    move(row, "arrive_on_site", actor, facts)
    return row


@dataclass(frozen=True, slots=True)
class Signed:
    """How a department signed: by hand on the screen, or in words that say who and why not by hand.

    The words name somebody, so they go into the event's sealed note.
    """

    image: CleanImage | None = None
    words: str = ""


UNSIGNED = Signed()


def finish_repair(
    actor: Actor, ticket_id: uuid.UUID, stands_for: Ids, work: Work, tests: Sequence[Measured],
    photos: Sequence[CleanImage] = (), signed: Signed = UNSIGNED,
) -> Ticket:  # fmt: skip
    """Repaired on the spot, tested, signed for by the department."""
    row = load(actor, ticket_id, VISIT)
    fits(fault=(work.fault, LONG_TEXT), action=(work.action, LONG_TEXT))
    facts = _own(
        row, stands_for, work=work, tests=lines_of(tests), may_repair=row.may_repair, note=signed.words
    )  # fmt: skip
    move(row, "finish_repair", actor, facts, changes={"wakes_at": confirm_until(facts.now)})
    db.session.add(
        RepairRecord(
            ticket_id=row.id, cycle=row.cycle, in_depot=False, fault=work.fault.strip(), action=work.action.strip(),
            repairer_id=actor.id, repairer_name=actor.name, at=facts.now,
        )
    )  # fmt: skip
    keep_sheet(row, actor, tests, facts.now, for_release=False)
    attach_photos(row, actor, photos, kind=FileKind.CONDITION)
    _keep_signature(row, actor, signed)
    return row


def plan_return_visit(
    actor: Actor, ticket_id: uuid.UUID, stands_for: Ids, reason: str, missing: str, window: Window | None,
    *, call_first: bool = False,
) -> Ticket:  # fmt: skip
    """Not to be repaired today; the same person comes again."""
    row = load(actor, ticket_id, VISIT)
    fits(missing=(missing, MISSING_MAX_CHARS))
    facts = _own(row, stands_for, reason=reason, missing=missing, note=missing, window=window, call_first=call_first)
    move(row, "plan_return_visit", actor, facts, changes=_window(window, call_first))
    return row


def hand_over_visit(actor: Actor, ticket_id: uuid.UUID, stands_for: Ids, reason: str, missing: str) -> Ticket:
    """Not to be repaired by this person: back to dispatch with what is needed."""
    row = load(actor, ticket_id, VISIT)
    fits(missing=(missing, MISSING_MAX_CHARS))
    facts = _own(row, stands_for, reason=reason, missing=missing, note=missing)
    move(row, "hand_over_visit", actor, facts, changes=dict(NO_ASSIGNEE))
    return row


def collect(
    actor: Actor, ticket_id: uuid.UUID, stands_for: Ids, taken: Collected, photos: Sequence[CleanImage] = (),
    signed: Signed = UNSIGNED,
) -> Ticket:  # fmt: skip
    """Refused without declaration or a lead's approved biohazard packing. A lead's approval is used up by it."""
    row = load(actor, ticket_id, VISIT)
    serial, approved = plain_serial(taken.serial) or "", row.biohazard_by
    fits(serial=(serial, NUMBER_MAX_CHARS), seal=(taken.seal, NUMBER_MAX_CHARS),
         accessories=(taken.accessories, LINE_MAX_CHARS),
         courier_number=(taken.courier_number, NUMBER_MAX_CHARS))  # fmt: skip
    if not (taken.seal.strip() or taken.courier_number.strip()):
        raise Invalid(code="seal_required", fields={"seal": [_l("请填封条编号或快递单号。")]})
    facts = _own(
        row, stands_for, serial_scanned=serial, serial_expected=row.serial_number, receipt_signed=taken.signed,
        decontaminated=taken.decontaminated, biohazard_approved=approved is not None, note=signed.words,
    )  # fmt: skip
    known = registered(serial, row.hospital_id)
    named = {} if row.serial_number else {"serial_number": serial, "device_id": known.id if known else None}
    move(row, "collect_device", actor, facts, changes={"biohazard_by": None, **named})
    hands = Hands(
        row.assignee_kind or "engineer", row.assignee_id, row.assignee_name or actor.name, serial,
        taken.accessories.strip(), taken.seal.strip(), courier_number=taken.courier_number.strip(),
        decontaminated=taken.decontaminated, biohazard_by=None if taken.decontaminated else approved,
    )  # fmt: skip
    leg = pass_to(row, hands, facts.now)
    attach_photos(row, actor, photos, kind=FileKind.CONDITION, leg_id=leg.id)
    _keep_signature(row, actor, signed, leg.id)
    return row


def approve_biohazard(actor: Actor, ticket_id: uuid.UUID) -> Ticket:
    """A lead lets one collection go without a declaration, packed as a biohazard."""
    row = load(actor, ticket_id, LEAD)
    if row.status not in (Status.SCHEDULED, Status.ON_SITE):
        raise TransitionRefused()
    row.biohazard_by = actor.id
    audit.record("ticket.biohazard_approved", actor, "ticket", row.id)
    db.session.flush()
    return row


def await_parts(actor: Actor, ticket_id: uuid.UUID, stands_for: Ids, lines: Sequence[Wanted]) -> Ticket:
    """Parts for a repair on the spot."""
    row = load(actor, ticket_id, VISIT)
    want(row, actor, lines)
    move(row, "await_parts", actor, _own(row, stands_for, parts=count_wanted(row.id)))
    return row


def resume_visit(actor: Actor, ticket_id: uuid.UUID, window: Window | None, *, call_first: bool = False) -> Ticket:
    """The parts are here: dispatch agrees on the next visit."""
    row = load(actor, ticket_id, DISPATCH)
    facts = Facts(now=clock.now(), window=window, call_first=call_first, field_job=row.field_job)
    move(row, "resume_visit", actor, facts, changes=_window(window, call_first))
    return row


def hand_over_device(
    actor: Actor, ticket_id: uuid.UUID, stands_for: Ids, *, signed: bool, photos: Sequence[CleanImage] = (),
    signature: Signed = UNSIGNED,
) -> Ticket:  # fmt: skip
    """Back in the hospital's hands, signed for. An unrepaired one was labelled when it left the depot, or stays."""
    row = load(actor, ticket_id, VISIT)
    leg = open_leg(row.id)
    if row.status == Status.RETURNING and row.unrepaired and not (leg is not None and leg.do_not_use):
        raise Invalid(code="label_required", fields={"label": [_l("设备上没有“未维修，请勿使用”标签。")]})
    facts = _own(row, stands_for, receipt_signed=signed, note=signature.words)
    move(row, "hand_over_device", actor, facts, changes={"wakes_at": confirm_until(facts.now)})
    give_back(row, facts.now)
    attach_photos(row, actor, photos, kind=FileKind.SIGNATURE, leg_id=leg.id if leg is not None else None)
    _keep_signature(row, actor, signature, leg.id if leg is not None else None)
    return row


def _keep_signature(row: Ticket, actor: Actor, signed: Signed, leg_id: uuid.UUID | None = None) -> None:
    if signed.image is not None:
        attach_photos(row, actor, [signed.image], kind=FileKind.SIGNATURE, leg_id=leg_id)


def _own(row: Ticket, stands_for: Ids, **more: Any) -> Facts:
    return Facts(now=clock.now(), assignee_ids=stands_for, assigned_to=row.assignee_id, field_job=row.field_job, **more)


def _window(window: Window | None, call_first: bool) -> dict[str, Any]:
    begins, ends = window if window is not None else (None, None)
    return {"window_from": begins, "window_until": ends, "call_first": call_first and window is None}
