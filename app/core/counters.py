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
    *where: ColumnElement[bool],
    table: Any,
    ranges: Sequence[Sequence[ColumnElement[bool]]] = ((),),
    order: Sequence[Any] = (),
) -> sa.ScalarSelect[int]:
    """How many rows of ``table`` satisfy ``where``, counting no further than CAP + 1.

    ``ranges`` are disjoint lists of clauses of which one must hold too. Each is counted by its own index range up to
    the cap; as one OR, PostgreSQL would gather all of them first, however many there are. ``order`` names the index
    to walk: without it PostgreSQL reads the table from its beginning until enough rows are found.
    """
    one: sa.Label[int] = sa.literal_column("1").label("n")
    some = sa.select(one).select_from(table).where(*where).order_by(*order).limit(CAP + 1)
    parts = [some.where(*more).subquery() for more in ranges]
    limited = parts[0]
    if len(parts) > 1:
        limited = sa.union_all(*(sa.select(part.c.n) for part in parts)).limit(CAP + 1).subquery()
    return sa.select(sa.func.count()).select_from(limited).scalar_subquery()


def want(key: str, counter: sa.ScalarSelect[int]) -> None:
    """Ask for a counter under ``key``; asking twice costs nothing, nor does a counter that was fetched already."""
    wanted, known, fetched = _state()
    if key not in known:
        if id(counter) in fetched and plans.is_kept(counter):
            known[key] = fetched[id(counter)]
        else:
            wanted.setdefault(key, counter)


def value(key: str) -> int:
    """The number asked for under ``key``; CAP + 1 means "more than CAP"."""
    wanted, known, fetched = _state()
    if wanted:
        select, places = _joined(tuple(wanted.values()))
        row = db.session.connection().execute(select).one()
        for (name, counter), place in zip(wanted.items(), places, strict=True):
            known[name] = fetched[id(counter)] = row[place]
        wanted.clear()
    return known[key]


def _joined(parts: tuple[sa.ScalarSelect[int], ...]) -> Joined:
    """One statement for all, kept while its parts are; what is asked for twice (a tab, the navigation) counts once."""
    if not all(map(plans.is_kept, parts)):
        whole: list[Any] = [part.label(f"c{i}") for i, part in enumerate(parts)]
        return sa.select(*whole), tuple(range(len(parts)))
    key = tuple(map(id, parts))
    found = _kept.get(key)
    if found is None:
        if len(_kept) >= plans.KEPT_MAX:
            _kept.clear()
        marks = [_fingerprint(part) for part in parts]
        single = list(dict.fromkeys(marks))
        columns: list[Any] = [parts[marks.index(mark)].label(f"c{i}") for i, mark in enumerate(single)]
        found = _kept[key] = sa.select(*columns), tuple(map(single.index, marks))
    return found


def _fingerprint(part: sa.ScalarSelect[int]) -> tuple[str, ...]:
    """Text and values of a count: equal ones count the same rows."""
    compiled = part.compile()
    return str(compiled), *(f"{name}={bind.value!r}" for bind, name in compiled.bind_names.items())


def text(number: int) -> str:
    """How a capped count is written: exact up to 1,000, then "1,000+"."""
    return f"{CAP:,}+" if number > CAP else f"{number:,}"


def _state() -> tuple[dict[str, sa.ScalarSelect[int]], dict[str, int], dict[int, int]]:
    """Wanted, known by name, and fetched by the counter's identity: a kept counter is the same object everywhere."""
    if "counters" not in g:
        g.counters = ({}, {}, {})
    return g.counters
