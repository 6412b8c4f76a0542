"""Reading a workbook that somebody uploads: the first sheet, its first row as heads, everything as text.

Nothing of it is believed: size and rows are bounded before and after reading, what is no workbook is refused, unknown
and missing columns are named. Formulas are never run; a cell's stored value is what counts.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from python_calamine import CalamineError, CalamineWorkbook

from app.core.errors import Invalid, TooLarge

MOST_BYTES = 2 * 1024 * 1024
MOST_UNPACKED = 40 * 1024 * 1024
MOST_ROWS = 1_000
MOST_CHARS = 400  # of one cell


@dataclass(frozen=True, slots=True)
class SheetRow:
    """``number`` as the spreadsheet counts; ``cells`` by column key."""

    number: int
    cells: Mapping[str, str]


def read(data: bytes, columns: Mapping[str, Any]) -> list[SheetRow]:
    """Rows that hold anything. ``columns``: key -> head as people write it; the key itself is a head too.

    Raises TooLarge, and Invalid at ``file`` for what is no workbook, lacks a column or has too many rows.
    """
    lines = _lines(data)
    if not lines:
        raise _wrong(_l("表格是空的。"))
    heads = [_text(cell).strip() for cell in lines[0]]
    by_head = {str(head): key for key, head in columns.items()} | {key: key for key in columns}
    placed = {by_head[head]: at for at, head in enumerate(heads) if head in by_head}
    missing = [str(head) for key, head in columns.items() if key not in placed]
    if missing:
        raise _wrong(_l("缺少这些列：%(heads)s", heads="、".join(missing)))
    found = []
    for number, line in enumerate(lines[1:], start=2):
        cells = {key: _text(line[at]).strip() if at < len(line) else "" for key, at in placed.items()}
        if any(cells.values()):
            found.append(SheetRow(number, cells))
    if len(found) > MOST_ROWS:
        raise _wrong(_l("最多 %(most)s 行，请分几次导入。", most=MOST_ROWS))
    if not found:
        raise _wrong(_l("表格里没有数据行。"))
    return found


def pack(rows: Sequence[SheetRow]) -> str:
    """Rows as a form carries them from the trial to the import, where they are judged anew."""
    return json.dumps([[row.number, row.cells] for row in rows], ensure_ascii=False)


def unpack(text: str, columns: Mapping[str, Any]) -> list[SheetRow]:
    """What `pack` wrote. Raises Invalid on anything else."""
    try:
        held = json.loads(text)
        rows = [SheetRow(int(number), {key: str(cells.get(key, "")) for key in columns}) for number, cells in held]
    except (ValueError, TypeError, AttributeError) as error:
        raise _wrong(_l("请重新选择表格文件。")) from error
    if not 0 < len(rows) <= MOST_ROWS or any(len(v) > MOST_CHARS for row in rows for v in row.cells.values()):
        raise _wrong(_l("请重新选择表格文件。"))
    return rows


def _lines(data: bytes) -> list[list[Any]]:
    if len(data) > MOST_BYTES:
        raise TooLarge()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            if sum(part.file_size for part in parts.infolist()) > MOST_UNPACKED:
                raise TooLarge()
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        return book.get_sheet_by_index(0).to_python(skip_empty_area=False)  # type: ignore[return-value]
    except (CalamineError, zipfile.BadZipFile, OSError, ValueError, IndexError) as error:
        raise _wrong(_l("这不是能读的 XLSX 表格。")) from error


def _text(cell: Any) -> str:
    """A number without its trailing zero, a day as a day."""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if not cell.time() else cell.isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell if cell is not None else "")[:MOST_CHARS]


def _wrong(message: Any) -> Invalid:
    return Invalid(message, code="workbook", fields={"file": [message]})
