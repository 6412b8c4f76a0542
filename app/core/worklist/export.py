"""CSV and XLSX of a worklist: chosen columns, the current filters, masked exactly as the page is.

Up to `DIRECT` rows are built while the reader waits, more by a job (`app.lists`; decisions.md 12). Both read one
streamed statement: a single snapshot, so that no row is missing or there twice because it moved meanwhile, and never
more than `STEP` rows in memory. A cell that a spreadsheet would take for a formula is neutralised.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import IO, Any

import xlsxwriter
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app.core import clock
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.errors import Forbidden, Invalid
from app.core.policy import Actor
from app.core.worklist import choice, query, sought
from app.core.worklist.choice import Placed
from app.core.worklist.declaration import Worklist
from app.core.worklist.page import readers_for

DIRECT = 5_000
MOST = 1_000_000  # rows of one file: a sheet holds 1,048,576
STEP = 2_000
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
Body = Iterable[list[Any]]


def require(worklist: Worklist, actor: Actor, kind: str) -> None:
    """Raise Forbidden without the right to export this list, Invalid for an unknown format."""
    if worklist.export_permission is None:
        raise Forbidden
    actor.require(worklist.permission)
    actor.require(worklist.export_permission)
    if kind not in MEDIA_TYPES:
        raise Invalid(_("导出格式只有 CSV 和 XLSX。"), code="export_format")


def columns(worklist: Worklist, actor: Actor, which: str) -> list[Placed]:
    """``shown``: this person's columns in this person's order; ``all``: every column that a file may hold."""
    found = choice.shown(worklist, actor) if which == "shown" else choice.drawable(worklist)
    return [(i, column) for i, column in found if column.export]


def named(worklist: Worklist, keys: Sequence[str]) -> list[Placed]:
    """The columns of these keys, as far as the declaration still has them."""
    known = {column.key: (i, column) for i, column in choice.drawable(worklist) if column.export}
    return [known[key] for key in keys if key in known]


def rows(
    worklist: Worklist, actor: Actor, args: MultiDict[str, str], placed: Sequence[Placed], *, limit: int
) -> Iterator[list[Any]]:
    """Plain values row by row, from one streamed statement of at most ``limit`` rows."""
    request = query.parse(worklist, sought.opened(worklist, actor, args), paged=False)
    select, _backwards = query.statement(worklist, request, actor, clock.now(), limit=limit)
    streamed = db.session.execute(select, execution_options={"stream_results": True, "yield_per": STEP})
    for part in streamed.partitions(STEP):
        readers = readers_for(worklist, part, actor)
        for row in part:
            yield [_plain(readers[i](row)) for i, _column in placed]


def write(kind: str, placed: Sequence[Placed], body: Body) -> IO[bytes]:
    """The file, at its beginning. It has no name on disk."""
    heads = [str(column.label) for _i, column in placed]
    return _csv(heads, body) if kind == "csv" else _xlsx(heads, body)


def file_name(worklist: Worklist, kind: str, at: datetime) -> str:
    return f"{worklist.key}-{at.astimezone(SHANGHAI):%Y%m%d-%H%M}.{kind}"


def table_file(kind: str, heads: list[str], rows: Iterable[Sequence[Any]]) -> tuple[IO[bytes], str]:
    """(file, media type) of a ready table, as a report has it. Raises Invalid on an unknown kind."""
    if kind not in MEDIA_TYPES:
        raise Invalid(_("导出格式只有 CSV 和 XLSX。"), code="export_format")
    body = ([_plain(value) for value in row] for row in rows)
    return (_csv if kind == "csv" else _xlsx)(heads, body), MEDIA_TYPES[kind]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
    if value is None or isinstance(value, int | float):
        return value
    return str(value)


def neutral(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula gets a leading apostrophe (ASVS 1.2.10)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _csv(heads: list[str], body: Body) -> IO[bytes]:
    out = tempfile.SpooledTemporaryFile(max_size=1 << 20)
    out.write(b"\xef\xbb\xbf")  # the mark by which Excel takes a CSV for UTF-8
    lines = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)  # type: ignore[type-var]
    writer = csv.writer(lines)
    writer.writerow(heads)
    writer.writerows([neutral(value) for value in row] for row in body)
    lines.detach()
    out.seek(0)
    return out  # type: ignore[return-value]


def _xlsx(heads: list[str], body: Body) -> IO[bytes]:
    out = tempfile.TemporaryFile()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(out, options)
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True})
    sheet.write_row(0, 0, heads, bold)
    sheet.freeze_panes(1, 0)
    for r, row in enumerate(body, start=1):
        for c, value in enumerate(row):
            sheet.write_string(r, c, neutral(value)) if isinstance(value, str) else sheet.write(r, c, value)
    book.close()
    out.seek(0)
    return out
