"""What this feature gives to the rooms below: navigation, an act and a panel of the ticket's page."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core.db import db
from app.core.policy import Actor, Permission
from app.dispatch.queries.pool import history, waiting
from app.dispatch.queries.told import told
from app.dispatch.service.lapse import held_by, let_go_all_of
from app.dispatch.service.tell import window_words
from app.dispatch.words import DECLINE_REASONS, OVERRIDE_REASONS, RECALL_REASONS, STATE_CHIPS, WITHDRAW_REASONS
from app.staff.service import HandoverSource, handover
from app.tickets.models import Ticket
from app.tickets.panels import TicketAction, TicketPanel, ticket_actions, ticket_panels
from app.tickets.workflow import Status
from app.ui.navigation import NavItem, navigation

DISPATCH, ENGINEERS = Permission.TICKETS_DISPATCH, Permission.ENGINEERS_READ
REASONS: Mapping[str, Any] = {**DECLINE_REASONS, **RECALL_REASONS, **WITHDRAW_REASONS}
BOARD_PAGES = tuple(
    f"dispatch.{name}"
    for name in (
        "pool", "candidates", "offer", "move_form", "move", "weights", "map_page", "plans", "request_plan", "plan",
        "cancel_plan", "apply_plan", "undo_plan_row",
    )
)  # fmt: skip
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
    handover.add("dispatch", HandoverSource(_held, _let_go, _l("要去的上门任务")))
    ticket_panels.add(
        "dispatch", TicketPanel("dispatch", _l("派工"), 30, DISPATCH, "dispatch/ticket_panel.html", _history, side=True)
    )


def _held(staff_id: uuid.UUID) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(held_by(staff_id).subquery())) or 0


def _let_go(_actor: Actor, staff_id: uuid.UUID, _heir: uuid.UUID | None) -> int:
    """Back to the pool: an heir may not be eligible, so a dispatcher chooses."""
    return let_go_all_of(staff_id)


def _history(actor: Actor, ticket: Ticket) -> Mapping[str, Any] | None:
    rows = history(ticket)
    if not rows:
        return None
    shown = {"chips": STATE_CHIPS, "words": window_words, "reasons": REASONS, "overrides": OVERRIDE_REASONS}
    return {"rows": rows, "told": told(actor, rows), **shown}
