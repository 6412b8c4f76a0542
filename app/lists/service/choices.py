"""What a person chose for a list: columns, their order, and the state it opens with. Kept with the account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.core.policy import Actor
from app.core.worklist import Worklist, choice
from app.staff import service as staff


def arrange_columns(actor: Actor, of: Worklist, order: Sequence[str], shown: Sequence[str]) -> None:
    """Columns in this order, those not in ``shown`` hidden; unknown keys are left out, the lead column stays."""
    declared = [column.key for _i, column in choice.drawable(of)]
    ordered = [key for key in dict.fromkeys(order) if key in declared]
    ordered += [key for key in declared if key not in ordered]
    hidden = [key for key in ordered if key not in shown and key != of.lead_column.key]
    if ordered == declared and not hidden:
        forget_columns(actor, of)
        return
    _keep(actor, of, {"order": ordered, "hidden": hidden})


def forget_columns(actor: Actor, of: Worklist) -> None:
    """Back to the list's own columns."""
    _keep(actor, of, {"order": None, "hidden": None})


def start_with(actor: Actor, of: Worklist, args: Mapping[str, str]) -> None:
    """Open the list in this state whenever its bare address is asked for."""
    actor.require(of.permission)
    _keep(actor, of, {"start": choice.state_of(of, args) or "view=all"})


def forget_start(actor: Actor, of: Worklist) -> None:
    """Open the list as it is declared."""
    _keep(actor, of, {"start": None})


def _keep(actor: Actor, of: Worklist, changes: Mapping[str, Any]) -> None:
    merged = {**choice.kept(of, actor), **changes}
    staff.save_list_choice(actor, of.key, {name: value for name, value in merged.items() if value})
