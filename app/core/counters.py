"""Counters of a page: everything that a page counts (navigation, tabs) is fetched in one statement.

Whoever needs a number asks for it with `want` and reads it with `value`; the first read fetches all that were asked
for. Counts are capped: a page never counts a table (decisions.md 13).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask import g
from sqlalchemy.sql.elements import ColumnElement

from app.core import plans
from app.core.db import db

CAP = 1_000
Joined = tuple[sa.Select[Any], tuple[int, ...]]  # the statement, and the column of each part
_kept: dict[tuple[int, ...], Joined] = {}


def capped(
    *where: ColumnElement[bool], table: Any, ranges: Sequence[Sequence[ColumnElement[bool]]] = ((),)
) -> sa.ScalarSelect[int]:
    """How many rows of ``table`` satisfy ``where``, counting no further than CAP + 1.

    ``ranges`` are disjoint lists of clauses of which one must hold too. Each is counted by its own index range up to
    the cap; as one OR, PostgreSQL would gather all of them first, however many there are.
    """
    one: sa.Label[int] = sa.literal_column("1").label("n")
    parts = [sa.select(one).select_from(table).where(*where, *more).limit(CAP + 1).subquery() for more in ranges]
    limited = parts[0]
    if len(parts) > 1:
        limited = sa.union_all(*(sa.select(part.c.n) for part in parts)).limit(CAP + 1).subquery()
    return sa.select(sa.func.count()).select_from(limited).scalar_subquery()


def want(key: str, counter: sa.ScalarSelect[int]) -> None:
    """Ask for a counter under ``key``; asking twice costs nothing."""
    wanted, known = _state()
    if key not in known:
        wanted.setdefault(key, counter)


def value(key: str) -> int:
    """The number asked for under ``key``; CAP + 1 means "more than CAP"."""
    wanted, known = _state()
    if wanted:
        select, places = _joined(tuple(wanted.values()))
        row = db.session.connection().execute(select).one()
        known.update((name, row[place]) for name, place in zip(wanted, places, strict=True))
        wanted.clear()
    return known[key]


def _joined(parts: tuple[sa.ScalarSelect[int], ...]) -> Joined:
    """One statement for all, kept while its parts are; what is asked for twice (a tab, the navigation) counts once."""
    if not all(map(plans.is_kept, parts)):
        return _join(parts)
    key = tuple(map(id, parts))
    found = _kept.get(key)
    if found is None:
        if len(_kept) >= plans.KEPT_MAX:
            _kept.clear()
        found = _kept[key] = _join(parts)
    return found


def _join(parts: tuple[sa.ScalarSelect[int], ...]) -> Joined:
    single: list[sa.ScalarSelect[int]] = []
    places = []
    for part in parts:
        same = next((i for i, other in enumerate(single) if part is other or part.compare(other)), len(single))
        single += [part] if same == len(single) else []
        places.append(same)
    columns: list[Any] = [part.label(f"c{i}") for i, part in enumerate(single)]
    return sa.select(*columns), tuple(places)


def text(number: int) -> str:
    """How a capped count is written: exact up to 1,000, then "1,000+"."""
    return f"{CAP:,}+" if number > CAP else f"{number:,}"


def _state() -> tuple[dict[str, sa.ScalarSelect[int]], dict[str, int]]:
    if "counters" not in g:
        g.counters = ({}, {})
    return g.counters
