"""Deadlines that would move, as a page and a file show them: counted whole, the first of them in full."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from flask import Response, send_file
from flask_babel import gettext as _

from app.core import audit, worklist
from app.core.calendar import Moved
from app.core.policy import current_actor
from app.ui.formatters import duration

SHOWN = 100


@dataclass(slots=True)
class Moves:
    """``tickets`` have at least one deadline that moves; ``missing`` deadlines cannot be counted."""

    count: int = 0
    tickets: int = 0
    promised: int = 0
    earlier: int = 0
    later: int = 0
    missing: int = 0
    shown: list[Moved] = field(default_factory=list)


def summary(moves: Iterable[Moved]) -> Moves:
    """All of them counted, the first `SHOWN` kept."""
    found, numbers = Moves(), set()
    for one in moves:
        found.count += 1
        numbers.add(one.number)
        found.promised += one.promised
        found.earlier += one.seconds < 0
        found.later += one.seconds > 0
        found.missing += one.new_due is None
        if len(found.shown) < SHOWN:
            found.shown.append(one)
    found.tickets = len(numbers)
    return found


def by_how_much(one: Moved) -> str:
    """By the clock on the wall, which is what the customer sees."""
    if one.new_due is None:
        return _("无法计算")
    words = duration(abs(one.seconds))
    return _("晚 %(time)s", time=words) if one.seconds > 0 else _("早 %(time)s", time=words)


def moves_file(key: str, moves: Iterable[Moved], kind: str) -> Response:
    """The whole preview as CSV or XLSX, recorded as an export. Raises Invalid on another kind."""
    heads = [_("编号"), _("时钟"), _("原截止"), _("新截止"), _("移动"), _("对用户的承诺")]
    rows: Iterable[tuple[Any, ...]] = (
        (one.number, str(one.what), one.old_due, one.new_due, by_how_much(one), _("是") if one.promised else _("否"))
        for one in moves
    )
    file, media_type = worklist.table_file(kind, heads, rows)
    audit.record("report.exported", current_actor(), "report", f"moves.{key}", reason_code=kind)
    return send_file(file, mimetype=media_type, as_attachment=True, download_name=f"{key}-moves.{kind}")
