"""The depot's closed lists in words, for the bench and for the ticket's page."""

from __future__ import annotations

from typing import Any

from app.core import clock
from app.tickets.bench import HOLDERS, PART_STATES, PART_STEPS, QUOTE_ANSWERS, check_label
from app.tickets.queries.depot import Workshop


def workshop_words(shop: Workshop) -> dict[str, Any]:
    """Lists with their words, for the bench and for the ticket's page."""
    return {
        "shop": shop, "holders": HOLDERS, "part_states": PART_STATES, "part_steps": PART_STEPS,
        "quote_answers": QUOTE_ANSWERS, "check_label": check_label, "now": clock.now(),
    }  # fmt: skip
