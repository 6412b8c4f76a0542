"""What this room shows elsewhere, to its own role alone; and the act of the ticket's page that everybody has."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import counters
from app.core.db import db
from app.core.policy import Actor, Permission
from app.safety import queries
from app.safety.models import NEVER, SafetyCase
from app.safety.service.extend import leave_all_of, owned_by
from app.safety.words import CHIPS, KIND_CHIPS
from app.staff.service import HandoverSource, handover
from app.tickets import viewing
from app.tickets.models import Ticket
from app.tickets.panels import TicketAction, TicketPanel, ticket_actions, ticket_panels
from app.ui.duties import Duty, DutySource, duty_sources
from app.ui.navigation import NavItem, navigation
from app.ui.palette import PER_SOURCE, PaletteEntry, PaletteSource, palette_sources

SAFETY, READ = Permission.SAFETY_WORK, Permission.TICKETS_READ
NUMBER_HEAD = "SAF-"


def install() -> None:
    also = ("safety.case", "safety.new")
    item = NavItem(
        "safety", "work", _l("不良事件"), "shield", "safety.queue", SAFETY, 45, counter=queries.waiting, also=also
    )
    navigation.add("safety", item)
    duty_sources.add(
        "safety", DutySource("safety", _l("不良事件"), "shield", SAFETY, _duties, "safety.queue", _waiting_text)
    )
    palette_sources.add("safety", PaletteSource(_l("不良事件"), _find, order=25))
    ticket_panels.add(
        "safety", TicketPanel("safety", _l("不良事件"), 5, SAFETY, "safety/panel.html", _panel, side=True)
    )
    act = TicketAction("harm", _l("有人受伤"), "safety.ask_harm", READ, kind="", order=95, icon="warn", dialog=True)
    ticket_actions.add("harm", act)
    viewing.sources.add("safety", _task)
    handover.add("safety", HandoverSource(_held, _let_go, _l("负责的不良事件")))


def _held(staff_id: uuid.UUID) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(SafetyCase).where(*owned_by(staff_id))) or 0


def _let_go(_actor: Actor, staff_id: uuid.UUID, _heir: uuid.UUID | None) -> int:
    return leave_all_of(staff_id)


def _task(actor: Actor, row: Ticket, _now: datetime) -> str | None:
    """An open case is a task on the ticket's photos and recordings, whatever became of the ticket."""
    return viewing.RESTRICTED if actor.may(SAFETY) and queries.live_case(actor, row.id) else None


def _panel(actor: Actor, ticket: Ticket) -> Mapping[str, Any]:
    found = queries.of_ticket(actor, ticket.id)
    due = None if found is None or found.next_due_at >= NEVER else found.next_due_at
    return {"found": found, "chip": CHIPS[found.status] if found else None, "due": due}


def _waiting_text(actor: Actor) -> str:
    counters.want("safety:waiting", queries.waiting(actor))
    return counters.text(counters.value("safety:waiting"))


def _duties(actor: Actor, limit: int) -> Sequence[Duty]:
    return [
        Duty(
            row.opened_at, f"{KIND_CHIPS[row.kind].word} · {row.name}", row.number,
            None if row.next_due_at >= NEVER else row.next_due_at, url_for("safety.case", number=row.number),
            verb=_("决定") if row.status == "open" else _("移交"),
        )
        for row in queries.soonest(actor, limit)
    ]  # fmt: skip


def _find(actor: Actor, words: str) -> list[PaletteEntry]:
    head = "".join(words.split()).upper()
    if not actor.may(SAFETY) or not head.startswith(NUMBER_HEAD):
        return []
    return [
        PaletteEntry(row.number, url_for("safety.case", number=row.number), icon="shield", hint=row.name)
        for row in queries.begins(actor, head, PER_SOURCE)
    ]
