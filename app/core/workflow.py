"""Workflow: a table of (status, action) -> status, as data, and the one function that changes a status.

Unlisted pairs are refused. A change is a compare-and-set on the row's version: the loser of a race gets a Conflict
that says who decided, what and when. Statuses that time changes store ``wakes_at`` and are settled first, stamped
with the time at which the change became true (decisions.md 8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import sqlalchemy as sa

from app.core import audit, clock
from app.core.db import db
from app.core.errors import Conflict, TransitionRefused
from app.core.policy import SYSTEM, Actor, Permission


class Stateful(Protocol):
    """A row under a workflow."""

    id: Any
    status: str
    version: int
    wakes_at: datetime | None


Guard = Callable[[Any, Actor, Any], None]


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table. ``who`` is 'customer', 'system' or a staff permission."""

    source: StrEnum | None  # None: the row is created by this action
    action: str  # verb_object
    target: StrEnum
    who: Permission | str
    audit_event: str
    message: str | None  # template of the message to the customer; None = decided: none
    guard: Guard | None = None  # raises a DomainError to refuse; gets (row, actor, facts)
    undoable: bool = False


class Workflow:
    """A named table of transitions over one status enum."""

    def __init__(self, name: str, statuses: type[StrEnum], transitions: Sequence[Transition]) -> None:
        self.name, self.statuses, self.transitions = name, statuses, tuple(transitions)
        self._table: dict[tuple[str | None, str], Transition] = {}
        for row in self.transitions:
            key = (row.source.value if row.source else None, row.action)
            if key in self._table:
                raise ValueError(f"{name}: {key} is listed twice")
            self._table[key] = row

    @property
    def actions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(row.action for row in self.transitions))

    def pairs(self) -> Iterator[tuple[StrEnum, str, Transition | None]]:
        """Every status x action pair, with its transition or None: what the generated tests walk over."""
        for status in self.statuses:
            for action in self.actions:
                yield status, action, self._table.get((status.value, action))

    def find(self, status: str | None, action: str) -> Transition:
        """The transition, or TransitionRefused when the pair is not listed."""
        row = self._table.get((status, action))
        if row is None:
            raise TransitionRefused(facts_status=status, facts_action=action)
        return row

    def allowed(self, row: Stateful, actor: Actor) -> list[Transition]:
        """Transitions the table lists for this row and this actor's rights; guards not asked."""
        return [t for t in self.transitions if t.source == row.status and _entitled(t, actor)]

    def fire(
        self,
        row: Any,
        action: str,
        actor: Actor,
        *,
        facts: Any = None,
        at: datetime | None = None,
        expected_version: int | None = None,
        changes: dict[str, Any] | None = None,
        reason_code: str | None = None,
    ) -> Transition:
        """Change the row's status: table, rights, guard, compare-and-set, audit event. Flushes.

        ``expected_version`` is what the actor saw (default: what is loaded now); ``changes`` are columns set by the
        same statement. Raises TransitionRefused, Forbidden, Conflict or what the guard raises.
        """
        if expected_version is not None and expected_version != row.version:
            raise Conflict()
        transition = self.find(row.status, action)
        if not _entitled(transition, actor):
            actor.require(transition.who) if isinstance(transition.who, Permission) else _wrong_kind()
        if transition.guard is not None:
            transition.guard(row, actor, facts)
        self._compare_and_set(row, transition, changes or {})
        audit.record(
            transition.audit_event,
            actor,
            type(row).__tablename__,
            row.id,
            reason_code=reason_code,
            at=at or clock.now(),
        )
        return transition

    def _compare_and_set(self, row: Any, transition: Transition, changes: dict[str, Any]) -> None:
        table = type(row)
        db.session.flush()
        values: dict[str, Any] = {"wakes_at": None, **changes}
        done = db.session.execute(
            sa.update(table)
            .where(table.id == row.id, table.version == row.version, table.status == row.status)
            .values(status=transition.target.value, version=table.version + 1, **values)
            .execution_options(synchronize_session=False)
        )
        db.session.refresh(row)
        if done.rowcount != 1:  # type: ignore[attr-defined]
            raise Conflict(what=row.status)


def _entitled(transition: Transition, actor: Actor) -> bool:
    if isinstance(transition.who, Permission):
        return actor.may(transition.who)
    return actor.kind == transition.who or actor is SYSTEM


def _wrong_kind() -> None:
    raise TransitionRefused()
