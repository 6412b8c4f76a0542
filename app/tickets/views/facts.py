"""What every view of one ticket shows of its head: chips, the deadline in working time, who has it, what comes next."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.core import calendar, clock
from app.core.policy import Actor, Permission
from app.hospitals import provinces
from app.tickets.facts import PRIORITY_LABELS
from app.tickets.queries.dossier import Clock, Dossier
from app.tickets.sla.metrics import METRIC_LABELS
from app.tickets.triage import FAULT_CLASSES, MODE_LABELS, NO_SERIAL_REASONS, WARRANTY_LABELS
from app.tickets.words import CHIPS, PRIORITY_CHIPS
from app.tickets.workflow import Status
from app.ui.frame import language, url_or_none

TRIAGE, LEAD, DEVICES = Permission.TICKETS_TRIAGE, Permission.TICKETS_LEAD, Permission.DEVICES_READ


def head(actor: Actor, found: Dossier) -> dict[str, Any]:
    """For the drawer, the page and the triage screen alike."""
    row = found.row
    soonest = found.clocks[0] if found.clocks and found.due_at is not None else None
    return {
        "found": found,
        "row": row,
        "chip": CHIPS[row.status],
        "priority": PRIORITY_CHIPS[row.priority or ""],
        "province": provinces.title(row.province, language()),
        "clock_label": METRIC_LABELS.get(soonest.metric) if soonest else None,
        "due_left": working_left(soonest) if soonest else None,
        "due_budget": soonest.budget_seconds if soonest else None,
        "device_url": _device_url(actor, found),
        "receipt_url": url_or_none("promises.receipt", number=row.number),
        "labels": {
            "fault": FAULT_CLASSES.get(row.fault_class), "mode": MODE_LABELS.get(row.service_mode),
            "warranty": WARRANTY_LABELS.get(row.warranty_basis),
            "no_serial": NO_SERIAL_REASONS.get(row.no_serial_reason),
            "priority": PRIORITY_LABELS.get(row.priority or ""),
        },
        "may_triage": actor.may(TRIAGE),
        "may_lead": actor.may(LEAD),
        "mine": found.held_by(actor),
        "holder": row.triager_name if row.status == Status.TRIAGING and not found.idle else "",
        "free": row.status == Status.SUBMITTED or found.idle,
    }  # fmt: skip


def _device_url(actor: Actor, found: Dossier) -> str | None:
    """The register's page of the device, for whoever may read the register where the device stands now."""
    device = found.device
    if device is None or not actor.may(DEVICES):
        return None
    provinces = actor.scope(DEVICES)
    elsewhere = device.hospital_id != found.row.hospital_id  # another hospital's: perhaps of another province
    if provinces is not None and (elsewhere or found.row.province not in provinces):
        return None
    return url_for("devices.detail", device_id=device.id)


def working_left(running: Clock) -> float | None:
    """Seconds of working time left, negative when late; None beyond the loaded calendar."""
    now = clock.now()
    if running.every_hour:
        return (running.due_at - now).total_seconds()
    try:
        return calendar.working_seconds_between(now, running.due_at)
    except calendar.CalendarMissing:
        return None
