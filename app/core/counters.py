"""Counters of a page: everything that a page counts (navigation, tabs) is fetched in one statement.

Whoever needs a number asks for it with `want` and reads it with `value`; the first read fetches all that were asked
for. Counts are capped: a page never counts a table (decisions.md 13).
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import g
from sqlalchemy.sql.elements import ColumnElement

from app.core.db import db

CAP = 1_000


def capped(*where: ColumnElement[bool], table: Any) -> sa.ScalarSelect[int]:
    """How many rows of ``table`` satisfy ``where``, counting no further than CAP + 1."""
    limited = sa.select(sa.literal(1)).select_from(table).where(*where).limit(CAP + 1).subquery()
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
        keys = list(wanted)
        row = db.session.execute(sa.select(*(wanted.pop(name).label(f"c{i}") for i, name in enumerate(keys)))).one()
        known.update(zip(keys, row, strict=True))
    return known[key]


def text(number: int) -> str:
    """How a capped count is written: exact up to 1,000, then "1,000+"."""
    return f"{CAP:,}+" if number > CAP else f"{number:,}"


def _state() -> tuple[dict[str, sa.ScalarSelect[int]], dict[str, int]]:
    if "counters" not in g:
        g.counters = ({}, {})
    return g.counters
