"""What this feature gives to the rooms below: navigation, palette, 今日, exports, previews."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import clock, counters
from app.core.columns import DataClass
from app.core.db import db
from app.core.policy import Actor, Permission
from app.customers.export import personal_data
from app.customers.models import Customer
from app.grants.preview import record_sources
from app.hospitals.models import Hospital
from app.staff.service import HandoverSource, handover
from app.tickets.models import NEVER, Ticket
from app.tickets.queries.preview import TicketSource
from app.tickets.queries.queue import NUMBER_HEAD, waiting
from app.tickets.service.reach import in_region
from app.tickets.service.time import held_in_triage, release_all_of
from app.tickets.sla import policy
from app.tickets.workflow import Status
from app.ui.duties import Duty, DutySource, duty_sources
from app.ui.navigation import NavItem, navigation
from app.ui.palette import PER_SOURCE, PaletteEntry, PaletteSource, palette_sources

WORDS_MIN = 4  # characters worth looking up
READ, TRIAGE = Permission.TICKETS_READ, Permission.TICKETS_TRIAGE


def install() -> None:
    navigation.add(
        "tickets",
        NavItem(
            "tickets", "work", _l("工单"), "ticket", "tickets.queue", READ, 40, counter=_counter,
            also=("tickets.page", "tickets.triage", "tickets.report", "tickets.print_sheet", "tickets.file_list"),
        ),
    )  # fmt: skip
    navigation.add(
        "promises",
        NavItem(
            "promises", "oversight", _l("服务时限"), "clock", "policies.index", Permission.PROMISES_MANAGE, 85,
            also=tuple(f"policies.{name}" for name in ("version", "edit", "compare", "rebase_preview")),
        ),
    )  # fmt: skip
    palette_sources.add("tickets", PaletteSource(_l("工单"), _find, order=20))
    duty_sources.add(
        "tickets", DutySource("tickets", _l("工单"), "ticket", TRIAGE, _duties, "tickets.queue", _waiting_text)
    )
    handover.add("tickets", HandoverSource(_held, _let_go, _l("正在分诊的报修")))
    personal_data.add("tickets", _own_data)
    record_sources.add("tickets", TicketSource())


def _held(staff_id: uuid.UUID) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(Ticket).where(*held_in_triage(staff_id))) or 0


def _let_go(_actor: Actor, staff_id: uuid.UUID, _heir: uuid.UUID | None) -> int:
    return release_all_of(staff_id)


def _counter(actor: Actor) -> sa.ScalarSelect[int]:
    if not actor.may(TRIAGE):
        return sa.select(sa.literal(0)).scalar_subquery()
    return waiting(actor)


def _waiting_text(actor: Actor) -> str:
    counters.want("tickets:waiting", waiting(actor))
    return counters.text(counters.value("tickets:waiting"))


def _find(actor: Actor, words: str) -> list[PaletteEntry]:
    """Numbers by their beginning or by their last four figures of today, serial numbers by their beginning."""
    head = "".join(words.split()).upper()
    if not actor.may(READ) or len(head) < WORDS_MIN:
        return []
    if head.startswith(NUMBER_HEAD):
        where = sa.and_(Ticket.number >= head, Ticket.number < head + "\uffff")
    elif head.isascii():
        today = Ticket.number == f"TKT-{clock.today():%Y%m%d}-{head}"
        begins = Ticket.serial_number.is_not(None), Ticket.serial_number >= head, Ticket.serial_number < head + "\uffff"
        where = sa.or_(today, sa.and_(*begins))
    else:
        return []
    query = sa.select(Ticket.number, Hospital.name, Ticket.device_model, Ticket.serial_number)
    query = query.join(Hospital, Hospital.id == Ticket.hospital_id).where(where, *in_region(actor, READ))
    return [
        PaletteEntry(
            row.number, url_for("tickets.page", number=row.number), icon="ticket",
            hint=" · ".join(filter(None, (row.name, row.device_model, row.serial_number))),
        )
        for row in db.session.execute(query.order_by(Ticket.number.desc()).limit(PER_SOURCE))
    ]  # fmt: skip


def _duties(actor: Actor, limit: int) -> Sequence[Duty]:
    """What the actor has in hands, then the reports whose deadline comes first; one statement."""
    now, T = clock.now(), Ticket
    mine = sa.and_(T.status == Status.TRIAGING, T.triager_id == actor.id, T.wakes_at > now)
    first = sa.case((mine, 0), else_=1)
    query = sa.select(
        T.opened_at, Hospital.name, T.device_model, T.number, T.due_at, T.priority, first.label("rank"),
        policy.every_hour().label("every_hour"),
    )  # fmt: skip
    query = query.join(Hospital, Hospital.id == T.hospital_id).where(*in_region(actor, TRIAGE))
    rows = db.session.execute(
        query.where(sa.or_(mine, T.status == Status.SUBMITTED)).order_by(first, T.due_at, T.id).limit(limit)
    )
    return [
        Duty(
            row.opened_at, " · ".join(filter(None, (row.name, row.device_model))), row.number,
            None if row.due_at >= NEVER else row.due_at,
            url_for("tickets.triage" if not row.rank else "tickets.page", number=row.number),
            verb=_("继续") if not row.rank else _("查看"),
            every_hour=policy.named_in(row.every_hour, row.priority),
        )
        for row in rows
    ]  # fmt: skip


def _own_data(person: Customer) -> Mapping[DataClass, Mapping[str, Any]]:
    """Everything the person ever reported, look-back or not: a right of access has no window."""
    rows = db.session.scalars(sa.select(Ticket).where(Ticket.customer_id == person.id).order_by(Ticket.opened_at)).all()
    return {
        DataClass.USAGE: {
            "tickets": [
                {
                    "number": row.number, "opened_at": row.opened_at, "closed_at": row.closed_at,
                    "status": row.status, "device_model": row.device_model, "serial_number": row.serial_number,
                }
                for row in rows
            ]
        },
        DataClass.SENSITIVE: {"ticket_harm": [{"number": row.number, "harm": row.harm} for row in rows if row.harm]},
        DataClass.FREE_TEXT: {"ticket_faults": [{"number": row.number, "fault": row.fault} for row in rows]},
    }  # fmt: skip
