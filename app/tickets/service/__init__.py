"""The only writer of tickets. Verbs take the actor first, then plain values; they flush, the frame commits."""

from __future__ import annotations

from app.tickets.service.move import Said, locked, move
from app.tickets.service.record import Intake, record_ticket, take_over

__all__ = ["Intake", "Said", "locked", "move", "record_ticket", "take_over"]
