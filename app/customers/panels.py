"""What features above show on a customer's page, each from its own package (decisions.md 3).

`customer_panels`: the page draws every panel whose right the actor holds, in order; the template gets ``panel``,
``customer`` and what ``context`` returns, and draws one ``ui.panel``. `field_marks`: what was verified of each field of
the profile. `traces`: ids of rows about the person, whose audit events belong into the person's timeline;
`event_words` and `reason_words`: what those events and their reason codes are called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.policy import Actor, Permission
from app.core.registry import Registry
from app.customers.models import Customer, CustomerProfile


@dataclass(frozen=True, slots=True)
class CustomerPanel:
    """One panel. ``context`` reads for this actor, who was already found to see this customer; it raises nothing for
    a person without data: an empty panel says so. ``side``: in the narrow column."""

    key: str
    label: Any
    order: int
    permission: Permission
    template: str
    context: Callable[[Actor, Customer], Mapping[str, Any]]
    side: bool = False


@dataclass(frozen=True, slots=True)
class DrawnPanel:
    """A panel with what it shows of one person."""

    panel: CustomerPanel
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FieldMark:
    """What was verified about one field: a tone of the chips, the words."""

    tone: str
    word: Any


customer_panels: Registry[CustomerPanel] = Registry("panels of a customer's page")
# of a profile: name, hospital, department, position, title -> mark
field_marks: Registry[Callable[[CustomerProfile], Mapping[str, FieldMark]]] = Registry("what was verified of a profile")
traces: Registry[Callable[[Customer], Sequence[str]]] = Registry("rows about a customer")
event_words: Registry[Mapping[str, Any]] = Registry("audit events in words")
reason_words: Registry[Callable[[], Mapping[str, str]]] = Registry("reason codes of audit events in words")


def panels_for(actor: Actor, customer: Customer) -> list[DrawnPanel]:
    """What this actor sees of this person, in order."""
    seen = sorted((p for p in customer_panels if actor.may(p.permission)), key=lambda p: (p.order, p.key))
    return [DrawnPanel(panel, panel.context(actor, customer)) for panel in seen]
