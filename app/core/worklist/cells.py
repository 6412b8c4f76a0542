"""Cells: how a value becomes HTML, as a fixed fragment with slots.

A cell returns a trusted fragment with ``%s`` slots and the raw texts that go into them. The engine joins the
fragments of a page, escapes all slots in one call and fills them in one operation, which is what makes drawing
50 rows cheap. A fragment never holds data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from markupsafe import escape

from app.core.clock import SHANGHAI

Drawn = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Ink:
    """What cells need to know of the page they are on, made once per page."""

    now: datetime
    label: str  # the column's label, for the phone layout
    row_url: Callable[[str], str]
    soon_seconds: int = 2 * 3600
    words: dict[str, str] = field(default_factory=dict)  # chips already put into the reader's language


Cell = Callable[[Any, Any, Ink], Drawn]
EMPTY = '<span class="s">—</span>'


def text(*, strong: bool = False) -> Cell:
    """Plain text; None is a dash."""

    def draw(value: Any, _row: Any, _ink: Ink) -> Drawn:
        if value is None or value == "":
            return EMPTY, ()
        return ("<b>%s</b>" if strong else "%s"), (str(value),)

    return draw


def code() -> Cell:
    """A technical value, in tabular figures."""

    def draw(value: Any, _row: Any, _ink: Ink) -> Drawn:
        return (EMPTY, ()) if value is None else ('<span class="code">%s</span>', (str(value),))

    return draw


def number() -> Cell:
    """A quantity, right-aligned by its column's class."""

    def draw(value: Any, _row: Any, _ink: Ink) -> Drawn:
        return (EMPTY, ()) if value is None else ("%s", (f"{value:,}",))

    return draw


def link() -> Cell:
    """The row's link: the first column of every worklist."""

    def draw(value: Any, _row: Any, ink: Ink) -> Drawn:
        return '<a href="%s">%s</a>', (ink.row_url(str(value)), str(value))

    return draw


def instant() -> Cell:
    """A moment in China time: 11-23 16:30, the whole of it in the title."""

    def draw(value: datetime | None, _row: Any, _ink: Ink) -> Drawn:
        if value is None:
            return EMPTY, ()
        local = value.astimezone(SHANGHAI)
        whole = local.strftime("%Y-%m-%d %H:%M:%S")
        return '<time datetime="%s" title="%s">%s</time>', (value.isoformat(), whole, local.strftime("%m-%d %H:%M"))

    return draw


@dataclass(frozen=True, slots=True)
class Chip:
    """A status chip: word, tone (act soon late done wait idle) and a shape of the sprite, never colour alone."""

    word: Any
    tone: str = "idle"
    shape: str = "ring"


def chip(chips: Mapping[str, Chip], *, extra: Callable[[Any, Ink], str | None] | None = None) -> Cell:
    """A status by its table of chips; ``extra`` adds a word behind a dot (审核中 · 陈)."""

    def draw(value: str, row: Any, ink: Ink) -> Drawn:
        known = chips.get(str(value), Chip(str(value)))
        more = extra(row, ink) if extra else None
        tail = " · %s" if more else ""
        shape = (
            f'<svg viewBox="0 0 8 8" aria-hidden="true"><use href="/static/images/sprite.svg#s-{known.shape}"/></svg>'
        )
        head = f'<span class="chip chip--{known.tone}">{shape}%s{tail}</span>'
        word = ink.words.get(str(value))
        if word is None:
            word = ink.words[str(value)] = str(known.word)
        return head, (word, more) if more else (word,)

    return draw


def due(*, closed: Callable[[Any], bool] | None = None) -> Cell:
    """A deadline: the moment, and what is left of it in words; late ones are said, not only coloured."""

    def draw(value: datetime | None, row: Any, ink: Ink) -> Drawn:
        if value is None:
            return EMPTY, ()
        at = value.astimezone(SHANGHAI).strftime("%m-%d %H:%M")
        if closed is not None and closed(row):
            return '<span class="due"><time>%s</time></span>', (at,)
        left = int((value - ink.now).total_seconds())
        tone = "late" if left < 0 else "soon" if left < ink.soon_seconds else "calm"
        word = _("超时 %(span)s", span=span(-left)) if left < 0 else _("剩余 %(span)s", span=span(left))
        fragment = f'<span class="due due--{tone}"><time>%s</time> <span class="left is-{tone}">%s</span></span>'
        return fragment, (at, word)

    return draw


def span(seconds: int) -> str:
    """A length of time in the two largest units: 2 天 3 小时, 3 小时 12 分, 28 分."""
    minutes = seconds // 60
    days, hours = divmod(minutes // 60, 24)
    if days:
        return _("%(d)d 天 %(h)d 小时", d=days, h=hours) if hours else _("%(d)d 天", d=days)
    if hours:
        return _("%(h)d 小时 %(m)d 分", h=hours, m=minutes % 60)
    return _("%(m)d 分", m=minutes)


def fill(fragments: str, slots: list[str]) -> str:
    """Escape all slots at once and fill them in. The separator cannot survive in a slot."""
    if not slots:
        return fragments.replace("%%", "%")
    joined = "\x1f".join(slot.replace("\x1f", " ") for slot in slots)
    return fragments % tuple(str(escape(joined)).split("\x1f"))
