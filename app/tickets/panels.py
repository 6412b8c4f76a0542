"""What colleagues' files put on the ticket's page: panels, and acts in its head (decisions.md 3).

`ticket_panels`: the page draws every panel whose right the actor holds, in order; its template gets ``panel``,
``ticket`` (the row) and what ``context`` returns, and draws one ``ui.panel``. `ticket_actions`: links of the head,
each to a page at ``/…/<number>/…`` that asks what the act needs; shown by right and by status.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core.policy import Actor, Permission
from app.core.registry import Registry
from app.tickets.models import Ticket
from app.tickets.workflow import Status


@dataclass(frozen=True, slots=True)
class TicketPanel:
    """One panel. ``context`` reads for this actor, who was already found to see this ticket, and raises nothing for a
    ticket without data; None: the panel is not drawn at all. ``side``: in the narrow column of facts."""

    key: str
    label: Any
    order: int
    permission: Permission
    template: str
    context: Callable[[Actor, Ticket], Mapping[str, Any] | None]
    side: bool = False


@dataclass(frozen=True, slots=True)
class TicketAction:
    """One act: ``endpoint`` takes ``number`` and answers a GET. ``kind``: "" or "harm"; empty ``statuses``: always.

    ``suits`` may look closer at the ticket than its status does.
    """

    key: str
    label: Any
    endpoint: str
    permission: Permission
    statuses: tuple[Status, ...] = ()
    kind: str = ""
    order: int = 100
    icon: str | None = None
    suits: Callable[[Actor, Ticket], bool] | None = None
    values: Mapping[str, str] = field(default_factory=dict)  # further arguments of the endpoint
    dialog: bool = False  # the page can be loaded into the dialog


@dataclass(frozen=True, slots=True)
class DrawnPanel:
    """A panel with what it shows of one ticket."""

    panel: TicketPanel
    values: Mapping[str, Any]


BELOW = 900  # panels of this order and above stand below the conversation
ticket_panels: Registry[TicketPanel] = Registry("panels of a ticket's page")
ticket_actions: Registry[TicketAction] = Registry("acts of a ticket's page")


def panels_for(actor: Actor, ticket: Ticket) -> list[DrawnPanel]:
    """What this actor sees of this ticket, in order."""
    seen = sorted((p for p in ticket_panels if actor.may(p.permission)), key=lambda p: (p.order, p.key))
    drawn = ((panel, panel.context(actor, ticket)) for panel in seen)
    return [DrawnPanel(panel, values) for panel, values in drawn if values is not None]


def actions_for(actor: Actor, ticket: Ticket) -> list[TicketAction]:
    """What this actor could do to this ticket now, in order."""
    found = [
        a for a in ticket_actions
        if actor.may(a.permission)
        and (not a.statuses or ticket.status in a.statuses)
        and (a.suits is None or a.suits(actor, ticket))
    ]  # fmt: skip
    return sorted(found, key=lambda a: (a.order, a.key))
