"""A hint to the planner: few rows satisfy this clause."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class rare(FunctionElement[bool]):
    """``rare(clause)`` says what ``clause`` says.

    SQLite, which keeps no statistics here, takes an index that serves the order over one that serves an inequality,
    and walks past everything that does not match; told that matches are few, it searches for them. PostgreSQL knows.
    """

    name = "rare"
    type = sa.Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """As it stands: ``unlikely(…) = 1`` could use no index."""
        return self


@compiles(rare)
def _plain(element: Any, compiler: Any, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)  # type: ignore[no-any-return]


@compiles(rare, "sqlite")
def _unlikely(element: Any, compiler: Any, **kw: Any) -> str:
    return f"unlikely({compiler.process(element.clauses, **kw)})"
