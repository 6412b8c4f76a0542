"""Panels of a customer's page: what features above show of a person, each from its own package (decisions.md 3).

A feature registers its panel in `install()`. The page draws every panel whose right the actor holds, in order; the
template gets ``panel``, ``customer`` and what ``context`` returns, and draws one ``ui.panel``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.core.policy import Actor, Permission
from app.core.registry import Registry
from app.customers.models import Customer


@dataclass(frozen=True, slots=True)
class CustomerPanel:
    """One panel. ``context`` reads for this actor, who was already found to see this customer; it may raise nothing
    for a person without data: an empty panel says so."""

    key: str
    label: Any
    order: int
    permission: Permission
    template: str
    context: Callable[[Actor, Customer], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class DrawnPanel:
    """A panel with what it shows of one person."""

    panel: CustomerPanel
    values: Mapping[str, Any]


customer_panels: Registry[CustomerPanel] = Registry("panels of a customer's page")


def panels_for(actor: Actor, customer: Customer) -> list[DrawnPanel]:
    """What this actor sees of this person, in order."""
    seen = sorted((p for p in customer_panels if actor.may(p.permission)), key=lambda p: (p.order, p.key))
    return [DrawnPanel(panel, panel.context(actor, customer)) for panel in seen]
