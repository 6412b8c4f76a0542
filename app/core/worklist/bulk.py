"""One act over many rows, with a result per row: who is refused, and why, is known before anything is done.

`picked` reads what the bulk bar sent (ticked ids, or all that match, at most `LIMIT`). `rehearse` runs the act on each
row in a savepoint of its own and takes everything back: the preview refuses exactly what the run would refuse.
`carry_out` runs it for good over the rows that the preview named, each with the version it had there; a row that
changed since is refused, and one refused row never undoes another. `ui/bulk_preview.html` and `ui/bulk_result.html`
draw both.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import sqlalchemy as sa
from flask import url_for
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import MultiDict

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict, DomainError, Invalid, NotFound, StepUpRequired, Unauthenticated
from app.core.policy import Actor
from app.core.unit_of_work import savepoint
from app.core.worklist import query, sought
from app.core.worklist.declaration import Worklist

LIMIT = 1_000  # rows of one bulk act: what one transaction and one page of results bear
Act = Callable[[uuid.UUID], Any]  # one row's act; raises a DomainError to refuse; may return words for the result


@dataclass(frozen=True, slots=True)
class Row:
    """A chosen row as the reader saw it. ``name`` is the text of its link; None: not there, or out of scope."""

    id: uuid.UUID
    name: str | None
    version: str

    @property
    def ticket(self) -> str:
        """What the preview's form carries for this row."""
        return f"{self.id.hex}:{self.version}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row, or would become of it: ``refused`` is the reason, None where it went well."""

    row: Row
    refused: Any = None
    words: Any = None

    @property
    def ok(self) -> bool:
        return self.refused is None


@dataclass(frozen=True, slots=True)
class Picked:
    """The chosen rows in the list's order; ``capped`` when more match than one act takes."""

    rows: list[Row]
    back_url: str
    query: str
    capped: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """Outcomes in the order of the list, for the preview and for the result."""

    outcomes: list[Outcome]
    back_url: str
    query: str
    capped: bool = False

    @property
    def done(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.ok]

    @property
    def refused(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if not outcome.ok]


def picked(worklist: Worklist, actor: Actor, form: MultiDict[str, str]) -> Picked:
    """The rows that the bulk bar names (``id`` …, or ``all_matching`` with ``query``), or that a preview carries.

    Raises Invalid when nothing, or more than `LIMIT` single rows, are named, or an id is none.
    """
    actor.require(worklist.permission)
    state = form.get("query", "")[:2_000]
    back = f"{url_for(worklist.endpoint, **worklist.view_args)}{'?' if state else ''}{state}"
    carried = _carried(form)
    if carried:
        found = _read(worklist, actor, carried)
        rows = [Row(i, found[i].name if i in found else None, version) for i, version in carried.items()]
        return Picked(rows, back, state)
    capped = False
    if form.get("all_matching") == "1":
        request = query.parse(worklist, sought.opened(worklist, actor, MultiDict(parse_qsl(state))), paged=False)
        select, _backwards = query.statement(worklist, request, actor, clock.now(), limit=LIMIT + 1)
        ids = [row[0] for row in db.session.execute(select)]
        capped, ids = len(ids) > LIMIT, ids[:LIMIT]
    else:
        ids = list(dict.fromkeys(_id(value) for value in form.getlist("id")))
    _bounded(len(ids))
    found = _read(worklist, actor, ids)
    return Picked([found.get(i, Row(i, None, "")) for i in ids], back, state, capped)


def rehearse(worklist: Worklist, chosen: Picked, act: Act) -> Report:
    """What each row would say. Nothing of it stays: every row's savepoint is rolled back."""
    return _report(worklist, chosen, act, for_good=False)


def carry_out(worklist: Worklist, chosen: Picked, act: Act) -> Report:
    """Do it, row by row; stale, refused and vanished rows are told with their reason and change nothing."""
    return _report(worklist, chosen, act, for_good=True)


class _TakenBack(Exception):
    """Ends a rehearsal's savepoint."""


def _report(worklist: Worklist, chosen: Picked, act: Act, *, for_good: bool) -> Report:
    outcomes: dict[uuid.UUID, Outcome] = {}
    for row in sorted(chosen.rows, key=lambda row: row.id):  # one order for everybody: no two runs wait for each other
        outcomes[row.id] = _one(worklist, row, act, for_good=for_good)
    return Report([outcomes[row.id] for row in chosen.rows], chosen.back_url, chosen.query, chosen.capped)


def _one(worklist: Worklist, row: Row, act: Act, *, for_good: bool) -> Outcome:
    words: Any = None
    try:
        with savepoint():
            _unchanged(worklist, row)
            words = act(row.id)
            db.session.flush()
            if not for_good:
                raise _TakenBack
    except _TakenBack:
        return Outcome(row, words=words)
    except (StepUpRequired, Unauthenticated):
        raise
    except DomainError as error:
        return Outcome(row, refused=error.message)
    except IntegrityError:
        return Outcome(row, refused=Conflict.message)
    return Outcome(row, words=words)


def _unchanged(worklist: Worklist, row: Row) -> None:
    """Lock the row and compare its version. Raises NotFound, Conflict."""
    if row.name is None:
        raise NotFound
    held = sa.select(worklist.version).where(worklist.table.id == row.id).with_for_update()
    now = db.session.execute(held).first()
    if now is None:
        raise NotFound
    if str(now[0]) != row.version:
        raise Conflict(_l("预览之后有人改动了这一条，没有办理；请刷新列表再看。"), code="stale_row")


def _read(worklist: Worklist, actor: Actor, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Row]:
    name, table = worklist.lead_column.source, worklist.table
    select = sa.select(table.id, name, worklist.version).where(*worklist.scope(actor), table.id.in_(list(ids)))
    return {found[0]: Row(found[0], str(found[1]), str(found[2])) for found in db.session.execute(select)}


def _carried(form: MultiDict[str, str]) -> dict[uuid.UUID, str]:
    values = form.getlist("row")
    if values:
        _bounded(len(values))
    split = (value.partition(":") for value in values)
    return {_id(head): version[:32] for head, _colon, version in split}


def _id(value: str) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except ValueError as error:
        raise Invalid(_l("选中的内容无法识别，请回到列表重新勾选。"), code="bulk_row") from error


def _bounded(count: int) -> None:
    if not count:
        raise Invalid(_l("还没有选中任何一条。"), code="bulk_empty")
    if count > LIMIT:
        raise Invalid(_l("一次最多办理 1,000 条，请分几次办理。"), code="bulk_too_many")
