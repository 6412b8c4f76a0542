"""Hints to the planner: few rows satisfy this clause, or most do.

SQLite, which keeps no statistics here, guesses between an index that serves the order and one that serves an
inequality. Where few rows match it must search for them, where most do it must walk the order and sort nothing.
PostgreSQL has statistics, but multiplies those of two columns as if they hung on nothing: of 60,000 cases on hold it
expects 3,500 that still wait, and gathers and sorts all of them to count 1,001. ``(…) IS TRUE`` is a clause that no
index serves, so it walks the order too.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class _Hint(FunctionElement[bool]):
    """Says what its one clause says."""

    type = sa.Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """As it stands: ``unlikely(…) = 1`` could use no index."""
        return self


class rare(_Hint):
    """Few rows satisfy the clause."""

    name = "rare"
    inherit_cache = True


class usual(_Hint):
    """Most rows that satisfy the rest satisfy the clause."""

    name = "usual"
    inherit_cache = True


@compiles(rare)
def _plain(element: Any, compiler: Any, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)  # type: ignore[no-any-return]


@compiles(usual)
def _no_index(element: Any, compiler: Any, **kw: Any) -> str:
    return f"({compiler.process(element.clauses, **kw)}) IS TRUE"


@compiles(rare, "sqlite")
def _unlikely(element: Any, compiler: Any, **kw: Any) -> str:
    return f"unlikely({compiler.process(element.clauses, **kw)})"


@compiles(usual, "sqlite")
def _likely(element: Any, compiler: Any, **kw: Any) -> str:
    return f"likely({compiler.process(element.clauses, **kw)})"
