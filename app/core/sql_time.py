"""Two expressions of time that both databases compute, so that reports can group in SQL."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class china_day(FunctionElement[date]):
    """The calendar day in China (UTC+8, no summer time since 1991) of an instant, as a date."""

    name = "china_day"
    type = sa.Date()
    inherit_cache = True


class hours_between(FunctionElement[int]):
    """Whole hours from the first instant to the second, rounded down; negative when the second is earlier."""

    name = "hours_between"
    type = sa.Integer()
    inherit_cache = True


@compiles(china_day, "sqlite")
def _day_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"date({compiler.process(element.clauses, **kw)}, '+8 hours')"


@compiles(china_day, "postgresql")
def _day_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"CAST(({compiler.process(element.clauses, **kw)}) AT TIME ZONE 'Asia/Shanghai' AS DATE)"


@compiles(hours_between, "sqlite")
def _hours_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    begin, end = (compiler.process(part, **kw) for part in element.clauses)
    seconds = f"(CAST(strftime('%s', {end}) AS INTEGER) - CAST(strftime('%s', {begin}) AS INTEGER))"
    return f"CAST({seconds} / 3600 AS INTEGER)"


@compiles(hours_between, "postgresql")
def _hours_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    begin, end = (compiler.process(part, **kw) for part in element.clauses)
    return f"CAST(TRUNC(EXTRACT(EPOCH FROM ({end}) - ({begin})) / 3600) AS INTEGER)"
