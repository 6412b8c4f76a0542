"""Statements kept between requests: what a page asks depends on the actor and on now, and is built once for each.

Building a queue's statement and its counts in Python costs as much as running them. A kept statement must depend on
nothing but the actor: its builder reads no table and no setting, and takes the moment as `Now`, which is read when the
statement runs. A statement that holds a moment fixed while building is built anew each time instead.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import date, timedelta
from functools import cache
from typing import Any, TypeVar

from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import BindParameter, ClauseElement

from app.core import clock
from app.core.db import UtcDateTime
from app.core.policy import Actor

Statement = TypeVar("Statement", bound=ClauseElement)
KEPT_MAX = 500  # statements of one process, of some 20 KB each; with more, all are dropped

_kept: dict[Hashable, ClauseElement] = {}
_ids: set[int] = set()


class Now(BindParameter[Any]):
    """The moment at which the statement runs. Compares with columns, and shifts by a timedelta as a datetime does."""

    inherit_cache = True

    def __init__(self, shift: timedelta) -> None:
        name = f"now_{int(shift.total_seconds())}".replace("-", "m")
        super().__init__(name, callable_=lambda: clock.now() + shift, type_=UtcDateTime())
        self.shift = shift

    def __add__(self, other: Any) -> Any:
        return now(self.shift + other)

    def __sub__(self, other: Any) -> Any:
        return now(self.shift - other)


@cache
def now(shift: timedelta = timedelta()) -> Now:
    """One object per shift, so that equal counts of a page are seen to be equal."""
    return Now(shift)


def kept(key: Hashable, actor: Actor, build: Callable[[], Statement]) -> Statement:
    """The statement named ``key`` for what this actor may see, built at the first request."""
    whole = (key, actor.id, actor.phone_index, actor.roles, frozenset(actor.rights.items()))
    found = _kept.get(whole)
    if found is None:
        found = build()
        if not _holds_a_moment(found):
            if len(_kept) >= KEPT_MAX:
                _kept.clear()
                _ids.clear()
            _kept[whole] = found
            _ids.add(id(found))
    return found  # type: ignore[return-value]


def is_kept(statement: ClauseElement) -> bool:
    """Whether this very object will be given out again."""
    return id(statement) in _ids


def _holds_a_moment(statement: ClauseElement) -> bool:
    """Whether a fixed time stands in it: it would be wrong a minute later."""
    return any(
        isinstance(part, BindParameter) and not isinstance(part, Now) and isinstance(part.value, date)
        for part in visitors.iterate(statement)
    )
