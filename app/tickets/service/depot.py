"""The verbs of the depot's bench: receive, parts, repair, give to the courier, delivered (rows 18, 19, 20, 23, 24, 27).

Whoever once tested a device for release does not work on it afterwards, and the other way round: the table asks.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock
from app.core.db import db
from app.core.errors import Conflict, Invalid, TransitionRefused
from app.core.files.images import CleanImage
from app.core.policy import Actor, Permission
from app.tickets.bench import PART_STEPS, RETURN_REASONS
from app.tickets.facts import Facts, Work
from app.tickets.models import CustodyLeg, FileKind, PartLine, RepairRecord, Ticket, TicketEvent
from app.tickets.models.workshop import LONG_TEXT
from app.tickets.queries.devices import plain_serial
from app.tickets.service.custody import LINE_MAX_CHARS, NUMBER_MAX_CHARS, Hands, fits, give_back, open_leg, pass_to
from app.tickets.service.files import attach_photos
from app.tickets.service.move import move
from app.tickets.service.reach import load
from app.tickets.service.time import confirm_until
from app.tickets.service.triage import Seen, changed
from app.tickets.workflow import Status

WORK, LEAD = Permission.DEPOT_WORK, Permission.TICKETS_LEAD
BENCH_ACTIONS = ("receive_device", "await_depot_parts", "resume_repair", "send_quote", "finish_depot_repair")
TEST_ACTIONS = ("fail_release", "release_device")
PART_NAME_MAX_CHARS, QUANTITY_MAX = 80, 999


@dataclass(frozen=True, slots=True)
class Received:
    """What is read off the parcel and the device at the gate."""

    serial: str
    seal: str
    accessories: str = ""
    seal_reason: str = ""  # why the seal is not the one of the collection


@dataclass(frozen=True, slots=True)
class Wanted:
    """A part that is ordered."""

    part_number: str
    name: str
    quantity: int
    eta: date | None


@dataclass(frozen=True, slots=True)
class Sending:
    """How a device leaves the depot."""

    holder: str  # courier | engineer
    holder_name: str = ""
    courier_number: str = ""
    seal: str = ""
    accessories: str = ""
    label: bool = False  # "not repaired, do not use" is on it


def seen_now(row: Ticket, seen: Seen) -> Ticket:
    """``row``, if it still is what the page was made from. Raises Conflict naming who was faster."""
    if row.version != seen.version:
        raise changed(row)
    return row


def people(ticket_id: uuid.UUID) -> dict[str, Any]:
    """Who worked on the device in the depot, and who tested it: for the guards that keep the two apart."""
    e, r = TicketEvent, RepairRecord
    acts = sa.select(e.action, e.by_id).where(e.ticket_id == ticket_id, e.by_id.is_not(None))
    done = db.session.execute(acts.where(e.action.in_((*BENCH_ACTIONS, *TEST_ACTIONS)))).all()
    records = db.session.scalars(sa.select(r.repairer_id).where(r.ticket_id == ticket_id, r.repairer_id.is_not(None)))
    bench = {row.by_id for row in done if row.action in BENCH_ACTIONS} | set(records)
    return {
        "repairers": frozenset(bench), "testers": frozenset(row.by_id for row in done if row.action in TEST_ACTIONS)
    }  # fmt: skip


def receive(actor: Actor, ticket_id: uuid.UUID, seen: Seen, got: Received, photos: Sequence[CleanImage]) -> Ticket:
    """The parcel is here: serial and seal as they were collected, and photos of the state it is in."""
    row = seen_now(load(actor, ticket_id, WORK), seen)
    leg, now = open_leg(row.id), clock.now()
    serial, seal = plain_serial(got.serial) or "", got.seal.strip()
    expected = (leg.seal_number or None) if leg is not None else None
    why = got.seal_reason.strip() if expected and seal != expected else ""
    fits(seal_reason=(why, LINE_MAX_CHARS), serial=(serial, NUMBER_MAX_CHARS), seal=(seal, NUMBER_MAX_CHARS),
         accessories=(got.accessories, LINE_MAX_CHARS))  # fmt: skip
    if not photos:
        raise Invalid(code="photos_required", fields={"photos": [_l("请拍下收到时的外观。")]})
    facts = Facts(
        now=now, serial_scanned=serial, seal_found=seal, seal_reason=why, note=why, **people(row.id),
        serial_expected=(leg.serial_scanned if leg is not None else "") or row.serial_number,
        seal_expected=expected,
    )  # fmt: skip
    move(row, "receive_device", actor, facts, changes={"field_job": False})
    here = Hands("depot", actor.id, actor.name, serial, got.accessories.strip(), seal_found=seal)
    made = pass_to(row, here, now)
    attach_photos(row, actor, photos, kind=FileKind.CONDITION, leg_id=made.id)
    return row


def await_parts(actor: Actor, ticket_id: uuid.UUID, seen: Seen, lines: Sequence[Wanted]) -> Ticket:
    """Nothing goes on without these; each line with a quantity and the day it is expected."""
    row = seen_now(load(actor, ticket_id, WORK), seen)
    now = clock.now()
    want(row, actor, lines)
    facts = Facts(now=now, parts=count_wanted(row.id), **people(row.id))
    move(row, "await_depot_parts", actor, facts)
    return row


def want(row: Ticket, actor: Actor, lines: Sequence[Wanted]) -> None:
    """Write the lines down. Raises Invalid naming what a line lacks."""
    wrong: list[Any] = []
    for n, line in enumerate(lines, start=1):
        if not line.part_number or not line.name or line.eta is None:
            wrong.append(_l("第 %(n)s 行：编号、名称、预计到货都要填。", n=n))
        elif not 1 <= line.quantity <= QUANTITY_MAX:
            wrong.append(_l("第 %(n)s 行：数量为 1 到 %(most)s。", n=n, most=QUANTITY_MAX))
        elif len(line.part_number) > NUMBER_MAX_CHARS or len(line.name) > PART_NAME_MAX_CHARS:
            wrong.append(_l("第 %(n)s 行：内容太长。", n=n))
        elif line.eta < clock.today():
            wrong.append(_l("第 %(n)s 行：预计到货不能早于今天。", n=n))
    if wrong:
        raise Invalid(code="parts_invalid", fields={"parts": wrong})
    now = clock.now()
    db.session.add_all(
        PartLine(
            ticket_id=row.id, part_number=line.part_number, name=line.name, quantity=line.quantity, state="wanted",
            eta=line.eta, wanted_by=actor.id, wanted_at=now,
        )
        for line in lines
    )  # fmt: skip
    db.session.flush()


def account_parts(actor: Actor, ticket_id: uuid.UUID, seen: Seen, steps: Mapping[uuid.UUID, str]) -> Ticket:
    """What became of each line. Once nothing is waited for any more, the repair goes on."""
    row = seen_now(load(actor, ticket_id, WORK), seen)
    _step_parts(row, actor, steps)
    if row.status == Status.WAIT_PARTS and not row.field_job and not count_wanted(row.id):
        move(row, "resume_repair", actor, Facts(now=clock.now(), field_job=row.field_job, **people(row.id)))
    return row


def _step_parts(row: Ticket, actor: Actor, steps: Mapping[uuid.UUID, str]) -> None:
    now = clock.now()
    lines = {line.id: line for line in db.session.scalars(sa.select(PartLine).where(PartLine.ticket_id == row.id))}
    taken = {one: state for one, state in steps.items() if state}
    if not taken:
        raise Invalid(code="parts_required", fields={"parts": [_l("请至少选一行。")]})
    for line_id, state in taken.items():
        line = lines.get(line_id)
        if line is None or state not in PART_STEPS.get(line.state, ()):
            raise Conflict(_l("备件已由同事更新，请看最新内容。"), code="parts_changed")
        if state == "scrapped" and row.safety_hold:
            raise TransitionRefused(_l("这张工单暂缓结束，备件不能报废。"), code="on_hold")
        line.state = state
        if state == "arrived":
            line.arrived_at = now
        else:
            line.settled_at = now
    audit.record("ticket.parts_accounted", actor, "ticket", row.id, note=f"lines={len(taken)}")
    db.session.flush()


def count_wanted(ticket_id: uuid.UUID) -> int:
    """How many lines are not here yet."""
    query = sa.select(sa.func.count()).select_from(PartLine)
    return db.session.scalar(query.where(PartLine.ticket_id == ticket_id, PartLine.state == "wanted")) or 0


def finish_repair(
    actor: Actor, ticket_id: uuid.UUID, seen: Seen, fault: str, action: str, steps: Mapping[uuid.UUID, str]
) -> Ticket:
    """The record is complete: what was found, what was done, what became of the parts."""
    row = seen_now(load(actor, ticket_id, WORK), seen)
    leg, now = open_leg(row.id), clock.now()
    if row.status == Status.IN_DEPOT and (leg is None or leg.holder != "depot"):
        raise Conflict(_l("设备还没有回到返厂车间，请先收件。"), code="not_here")
    fault, action = fault.strip(), action.strip()
    fits(fault=(fault, LONG_TEXT), action=(action, LONG_TEXT))
    if any(steps.values()):
        _step_parts(row, actor, steps)
    facts = Facts(now=now, work=Work(fault, action, in_depot=True), **people(row.id))
    move(row, "finish_depot_repair", actor, facts)
    db.session.add(
        RepairRecord(
            ticket_id=row.id, cycle=row.cycle, in_depot=True, fault=fault, action=action, repairer_id=actor.id,
            repairer_name=actor.name, at=now,
        )
    )  # fmt: skip
    db.session.flush()
    return row


def take_in(actor: Actor, ticket_id: uuid.UUID, seen: Seen, got: Received, photos: Sequence[CleanImage]) -> CustodyLeg:
    """A device that comes back after an objection: the ticket is in the depot already, the device only now."""
    row = seen_now(load(actor, ticket_id, WORK), seen)
    if row.status != Status.IN_DEPOT or open_leg(row.id) is not None:
        raise TransitionRefused()
    serial = plain_serial(got.serial) or ""
    fits(serial=(serial, NUMBER_MAX_CHARS), accessories=(got.accessories, LINE_MAX_CHARS))
    if not serial or (row.serial_number and serial != row.serial_number):
        raise Invalid(code="serial_mismatch", fields={"serial": [_l("序列号与工单上的不一致。")]})
    if not photos:
        raise Invalid(code="photos_required", fields={"photos": [_l("请拍下收到时的外观。")]})
    made = pass_to(row, Hands("depot", actor.id, actor.name, serial, got.accessories.strip()), clock.now())
    attach_photos(row, actor, photos, kind=FileKind.CONDITION, leg_id=made.id)
    audit.record("ticket.taken_in_again", actor, "ticket", row.id)
    return made


def return_unrepaired(actor: Actor, ticket_id: uuid.UUID, reason: str) -> Ticket:
    """A lead decides that it goes back as it came."""
    row = load(actor, ticket_id, LEAD)
    if reason and reason not in RETURN_REASONS:
        raise Invalid(fields={"reason": [_l("没有这个选项。")]})
    move(row, "return_unrepaired", actor, Facts(now=clock.now(), reason=reason), changes={"unrepaired": True})
    return row


def send_back(actor: Actor, ticket_id: uuid.UUID, seen: Seen, how: Sending) -> CustodyLeg:
    """Out of the depot's hands. An unrepaired device leaves with its label or not at all."""
    row = seen_now(load(actor, ticket_id, WORK), seen)
    leg = open_leg(row.id)
    if row.status != Status.RETURNING or leg is None or leg.holder != "depot":
        raise TransitionRefused(_l("这台设备现在不在返厂车间等寄出。"))
    fits(courier_number=(how.courier_number, NUMBER_MAX_CHARS), seal=(how.seal, NUMBER_MAX_CHARS),
         accessories=(how.accessories, LINE_MAX_CHARS), holder_name=(how.holder_name, 60))  # fmt: skip
    wrong: dict[str, list[Any]] = {}
    if how.holder not in ("courier", "engineer"):
        wrong["holder"] = [_l("没有这个选项。")]
    if how.holder == "courier" and not how.courier_number.strip():
        wrong["courier_number"] = [_l("请填快递单号。")]
    if how.holder == "engineer" and not how.holder_name.strip():
        wrong["holder_name"] = [_l("请写明由谁带回。")]
    if row.unrepaired and not how.label:
        wrong["label"] = [_l("未经维修的设备必须贴“未维修，请勿使用”标签才能离开。")]
    if wrong:
        raise Invalid(code="label_required" if "label" in wrong else None, fields=wrong)
    gone = Hands(
        how.holder, None, how.holder_name.strip(), leg.serial_scanned, how.accessories.strip(), how.seal.strip(),
        courier_number=how.courier_number.strip(), do_not_use=row.unrepaired,
    )  # fmt: skip
    audit.record("ticket.sent_back", actor, "ticket", row.id, reason_code=how.holder)
    return pass_to(row, gone, clock.now())


def confirm_delivery(
    actor: Actor, ticket_id: uuid.UUID, seen: Seen, signed: bool, photos: Sequence[CleanImage]
) -> Ticket:
    """The hospital signed for it; a photo of the receipt goes with it where there is one."""
    row = seen_now(load(actor, ticket_id, WORK), seen)
    leg, now = open_leg(row.id), clock.now()
    if row.status == Status.RETURNING and leg is not None and leg.holder == "depot":
        raise Conflict(_l("设备还没有寄出。"), code="not_sent")
    facts = Facts(now=now, receipt_signed=signed)
    move(row, "confirm_delivery", actor, facts, changes={"wakes_at": confirm_until(now)})
    give_back(row, now)
    if photos:
        attach_photos(row, actor, photos, kind=FileKind.SIGNATURE, leg_id=leg.id if leg is not None else None)
    return row
