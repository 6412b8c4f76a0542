"""The one statement behind a page: columns of the rows of all ranges, in order, one row more than is shown."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from werkzeug.datastructures import MultiDict

from app.core.policy import Actor
from app.core.worklist import keyset
from app.core.worklist.declaration import Clause, Tab, Worklist

MAX_VALUE = 64


@dataclass(frozen=True, slots=True)
class Request:
    """The state of a worklist as the URL holds it, parsed against the declaration's allow-lists."""

    tab: Tab | None
    sort: str
    descending: bool
    values: dict[str, str]
    after: str
    before: str

    @property
    def sort_text(self) -> str:
        return f"-{self.sort}" if self.descending else self.sort


def parse(worklist: Worklist, args: MultiDict[str, str], *, paged: bool = True) -> Request:
    """Read the query string; what the declaration does not know is ignored. Not ``paged``: from the first row on."""
    tab = worklist.tab(args.get("tab"))
    wanted = args.get("sort") or (tab.sort if tab and tab.sort else worklist.default_sort)
    if worklist.sort_column(wanted.lstrip("-")) is None:
        wanted = worklist.default_sort
    values = {f.key: value for f in worklist.filters if (value := _printable(args.get(f.key, ""))[:MAX_VALUE])}
    after, before = (args.get("after", ""), args.get("before", "")) if paged else ("", "")
    return Request(tab, wanted.lstrip("-"), wanted.startswith("-"), values, after, before)


def _printable(value: str) -> str:
    """Without control characters: HTML forbids them and PostgreSQL refuses NUL."""
    return "".join(c for c in value if c.isprintable()).strip()


def clauses(worklist: Worklist, request: Request, actor: Actor) -> list[Clause]:
    """Scope and filters; a filter that can match nothing becomes FALSE."""
    found: list[Clause] = list(worklist.scope(actor))
    for declared in worklist.filters:
        if declared.key in request.values:
            clause = declared.clause(request.values[declared.key], actor)
            found.append(sa.false() if clause is None else clause)
    return found


def _few(worklist: Worklist, request: Request) -> bool:
    """A filter leaves few rows: found by it and sorted, instead of looked for in each of the view's ranges."""
    return any(f.key in request.values and f.few(request.values[f.key]) for f in worklist.filters)


def statement(
    worklist: Worklist,
    request: Request,
    actor: Actor,
    now: Any,
    *,
    limit: int,
    ids: Sequence[uuid.UUID] | None = None,
) -> tuple[sa.Select[Any], bool]:
    """The select, and whether its rows come in reverse (a step back)."""
    table, tie = worklist.table, worklist.table.id
    column = worklist.sort_column(request.sort)
    backwards = bool(request.before) and keyset.decode(request.before, column) is not None
    descending = request.descending != backwards
    where = clauses(worklist, request, actor)
    position = keyset.decode(request.before if backwards else request.after, column)
    if position is not None:
        where.append(keyset.after(column, tie, position, descending=descending))
    if ids is not None:
        where.append(tie.in_(ids))
    order = (column.desc(), tie.desc()) if descending else (column, tie)
    ranges = request.tab.ranges(actor, now) if request.tab else [[]]
    if len(ranges) > 1 and _few(worklist, request):
        ranges = [[sa.or_(*(sa.and_(*some) for some in ranges))]]
    sources = [sa.literal_column("1").label("_") if c.source is None else c.source for c in worklist.columns]
    selected = [tie, column.label("_sort"), *(s.label(f"v{i}") for i, s in enumerate(map(_column, sources)))]
    if worklist.subject is not None:
        selected.append(worklist.subject.label("_subject"))
    query = sa.select(*selected)
    if len(ranges) == 1:
        query = _joined(worklist, query.select_from(table)).where(*where, *ranges[0])
    else:
        parts = [_range(worklist, tie, column, [*where, *r], order, limit) for r in ranges]
        keys = sa.union_all(*(sa.select(part.c.id) for part in parts)).subquery()
        query = _joined(worklist, query.select_from(table)).where(tie.in_(sa.select(keys.c.id)))
    return query.order_by(*order).limit(limit), backwards


def _range(
    worklist: Worklist, tie: Any, column: Any, where: Sequence[Clause], order: Sequence[Any], limit: int
) -> sa.Subquery:
    return (
        _joined(worklist, sa.select(tie.label("id"), column.label("_sort")).select_from(worklist.table))
        .where(*where)
        .order_by(*order)
        .limit(limit)
        .subquery()
    )


def _joined(worklist: Worklist, query: sa.Select[Any]) -> sa.Select[Any]:
    for target, on in worklist.joins:
        query = query.outerjoin(target, on)
    return query


def _column(source: Any) -> Any:
    """Mapped attributes lose their ORM entity here, so that rows are plain tuples."""
    return source.expression if hasattr(source, "expression") else source
