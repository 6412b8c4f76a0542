"""What this feature gives to the rooms below: navigation, an act and a panel of the ticket's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.policy import Actor, Permission
from app.dispatch.queries.pool import history, waiting
from app.dispatch.queries.told import told
from app.dispatch.service.tell import window_words
from app.dispatch.words import DECLINE_REASONS, OVERRIDE_REASONS, RECALL_REASONS, STATE_CHIPS, WITHDRAW_REASONS
from app.tickets.models import Ticket
from app.tickets.panels import TicketAction, TicketPanel, ticket_actions, ticket_panels
from app.tickets.workflow import Status
from app.ui.navigation import NavItem, navigation

DISPATCH, ENGINEERS = Permission.TICKETS_DISPATCH, Permission.ENGINEERS_READ
REASONS: Mapping[str, Any] = {**DECLINE_REASONS, **RECALL_REASONS, **WITHDRAW_REASONS}
BOARD_PAGES = tuple(f"dispatch.{name}" for name in ("pool", "candidates", "offer", "move_form", "move", "weights"))
ENGINEER_PAGES = ("detail", "new", "create", "edit", "update", "new_skill", "add_skill", "shifts", "set_shifts")


def install() -> None:
    navigation.add(
        "dispatch",
        NavItem("dispatch", "work", _l("派工"), "dispatch", "dispatch.board", DISPATCH, 50, counter=waiting,
                also=BOARD_PAGES),
    )  # fmt: skip
    pages = tuple(f"engineers.{name}" for name in ENGINEER_PAGES)
    navigation.add(
        "engineers",
        NavItem("engineers", "records", _l("工程师"), "engineer", "engineers.index", ENGINEERS, 35, also=pages),
    )
    ticket_actions.add(
        "candidates",
        TicketAction("candidates", _l("选择上门人员"), "dispatch.candidates", DISPATCH,
                     (Status.TO_DISPATCH, Status.OFFERED, Status.SCHEDULED), order=5, icon="dispatch"),
    )  # fmt: skip
    ticket_panels.add(
        "dispatch", TicketPanel("dispatch", _l("派工"), 30, DISPATCH, "dispatch/ticket_panel.html", _history, side=True)
    )


def _history(actor: Actor, ticket: Ticket) -> Mapping[str, Any] | None:
    rows = history(ticket)
    if not rows:
        return None
    shown = {"chips": STATE_CHIPS, "words": window_words, "reasons": REASONS, "overrides": OVERRIDE_REASONS}
    return {"rows": rows, "told": told(actor, rows), **shown}
