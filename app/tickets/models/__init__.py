"""Tables of the repair: the ticket, its device, what is said about it, what was promised, what is done."""

from __future__ import annotations

from app.tickets.models.daily import WHOLE_COUNTRY, StaleDay, TicketDay
from app.tickets.models.device import UDI_MAX_CHARS, Device
from app.tickets.models.promise import Escalation, SlaClock, SlaDraft, SlaEvent, SlaPolicy, SlaRebase
from app.tickets.models.talk import Direction, FileKind, TicketFile, TicketLook, TicketMessage
from app.tickets.models.ticket import (
    FAULT_MAX_CHARS,
    MODEL_MAX_CHARS,
    NAME_MAX_CHARS,
    NEVER,
    SERIAL_MAX_CHARS,
    Source,
    Ticket,
    TicketContact,
    TicketEvent,
    fault_tokens,
)
from app.tickets.models.workshop import CustodyLeg, PartLine, Quote, RepairRecord, SheetRow

__all__ = [
    "FAULT_MAX_CHARS",
    "MODEL_MAX_CHARS",
    "NAME_MAX_CHARS",
    "NEVER",
    "SERIAL_MAX_CHARS",
    "UDI_MAX_CHARS",
    "WHOLE_COUNTRY",
    "CustodyLeg",
    "Device",
    "Direction",
    "Escalation",
    "FileKind",
    "PartLine",
    "Quote",
    "RepairRecord",
    "SheetRow",
    "SlaClock",
    "SlaDraft",
    "SlaEvent",
    "SlaPolicy",
    "SlaRebase",
    "Source",
    "StaleDay",
    "Ticket",
    "TicketContact",
    "TicketDay",
    "TicketEvent",
    "TicketFile",
    "TicketLook",
    "TicketMessage",
    "fault_tokens",
]
