"""CSV and XLSX of a worklist: the visible columns, the current filters, masked exactly as the page is.

Built into a temporary file inside the transaction, the audit event written, then sent (decisions.md 12). A cell that
a spreadsheet would take for a formula is neutralised.
"""

from __future__ import annotations

import csv
import io
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import IO, Any

import xlsxwriter
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app.core import audit, clock
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.errors import Invalid
from app.core.policy import Actor
from app.core.worklist import query
from app.core.worklist.declaration import Worklist
from app.core.worklist.page import readers_for

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def export(
    worklist: Worklist,
    actor: Actor,
    args: MultiDict[str, str],
    kind: str,
    ids: Sequence[uuid.UUID] | None = None,
) -> tuple[IO[bytes], str, str]:
    """(file, media type, file name). Raises Invalid over 5,000 rows, saying so, and Forbidden without the right."""
    assert worklist.export_permission is not None
    actor.require(worklist.export_permission)
    if kind not in MEDIA_TYPES:
        raise Invalid(_("导出格式只有 CSV 和 XLSX。"), code="export_format")
    request = query.parse(worklist, args)
    now = clock.now()
    select, _backwards = query.statement(worklist, request, actor, now, limit=query.EXPORT_CAP + 1, ids=ids)
    rows = list(db.session.execute(select))
    if len(rows) > query.EXPORT_CAP:
        raise Invalid(
            _("符合条件的超过 %(n)s 条，请先缩小筛选范围再导出。", n=f"{query.EXPORT_CAP:,}"), code="export_too_large"
        )
    columns = [(i, c) for i, c in enumerate(worklist.columns) if c.export and not c.hidden]
    readers = readers_for(worklist, rows, actor)
    heads = [str(c.label) for _i, c in columns]
    body = ([_plain(readers[i](row)) for i, _c in columns] for row in rows)
    out = _csv(heads, body) if kind == "csv" else _xlsx(heads, body)
    audit.record(
        "worklist.exported",
        actor,
        "worklist",
        worklist.key,
        reason_code=kind,
        fields=[c.key for _i, c in columns],
        note=f"rows={len(rows)}",
    )
    stamp = now.astimezone(SHANGHAI).strftime("%Y%m%d-%H%M")
    return out, MEDIA_TYPES[kind], f"{worklist.key}-{stamp}.{kind}"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
    if value is None or isinstance(value, int | float):
        return value
    return str(value)


def neutral(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula gets a leading apostrophe (ASVS 1.2.10)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _csv(heads: list[str], body: Iterator[list[Any]]) -> IO[bytes]:
    out = tempfile.SpooledTemporaryFile(max_size=1 << 20)
    out.write(b"\xef\xbb\xbf")  # the mark by which Excel takes a CSV for UTF-8
    lines = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)  # type: ignore[type-var]
    writer = csv.writer(lines)
    writer.writerow(heads)
    writer.writerows([neutral(value) for value in row] for row in body)
    lines.detach()
    out.seek(0)
    return out  # type: ignore[return-value]


def _xlsx(heads: list[str], body: Iterator[list[Any]]) -> IO[bytes]:
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
