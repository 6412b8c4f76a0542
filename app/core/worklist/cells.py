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

from flask_babel import lazy_gettext as _l
from markupsafe import escape

from app.core.calendar import Left
from app.core.clock import SHANGHAI

Drawn = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Ink:
    """What cells need to know of the page they are on, made once per page."""

    now: datetime
    label: str  # the column's label, for the phone layout
    row_url: Callable[[str], str]
    soon_seconds: int = 3 * 3600
    words: dict[int, tuple[Any, str]] = field(default_factory=dict)  # by id: a lazy message hashes by its translation

    def say(self, message: Any) -> str:
        """A lazy message in the reader's language, looked up once per column: fifty rows say the same few."""
        found = self.words.get(id(message))
        if found is None:
            found = self.words[id(message)] = message, str(message)
        return found[1]


Cell = Callable[[Any, Any, Ink], Drawn]
EMPTY = '<span class="s">—</span>'
SECONDS, DAY_TO_MINUTE = 19, slice(5, 16)  # of 2026-11-23 16:30:05
LATE, LEFT = _l("超时 %(span)s"), _l("剩余 %(span)s")
DAYS, DAYS_HOURS = _l("%(d)d 天"), _l("%(d)d 天 %(h)d 小时")
HOURS, HOURS_ALONE = _l("%(h)d 小时"), 10  # from so many hours on, minutes are left out
HOURS_MINUTES, MINUTES = _l("%(h)d 小时 %(m)d 分"), _l("%(m)d 分")


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
        whole = str(value.astimezone(SHANGHAI))  # 2026-11-23 16:30:05.123456+08:00: cheaper cut than formatted
        return '<time datetime="%s" title="%s">%s</time>', (value.isoformat(), whole[:SECONDS], whole[DAY_TO_MINUTE])

    return draw


@dataclass(frozen=True, slots=True)
class Chip:
    """A status chip: word, tone (act soon late done wait idle) and a shape of the sprite, never colour alone."""

    word: Any
    tone: str = "idle"
    shape: str = "ring"


def chip(chips: Mapping[str, Chip], *, extra: Callable[[Any, Ink], str | None] | None = None) -> Cell:
    """A status by its table of chips; ``extra`` adds a word behind a dot (审核中 · 陈)."""
    heads = {key: _chip_head(known) for key, known in chips.items()}

    def draw(value: str, row: Any, ink: Ink) -> Drawn:
        known = chips.get(value) or Chip(str(value))
        head = heads.get(value) or _chip_head(known)
        more = extra(row, ink) if extra else None
        word = ink.say(known.word)
        return (head % "%s · %s", (word, more)) if more else (head, (word,))

    return draw


def _chip_head(chip: Chip) -> str:
    shape = f'<svg viewBox="0 0 8 8" aria-hidden="true"><use href="/static/images/sprite.svg#s-{chip.shape}"/></svg>'
    return f'<span class="chip chip--{chip.tone}">{shape}%s</span>'


def due(
    *,
    closed: Callable[[Any], bool] | None = None,
    working: Callable[[datetime, Any, datetime], Left | None] | None = None,
) -> Cell:
    """A deadline: the moment, and what is left of it in words; late ones are said, not only coloured.

    ``working`` (deadline, row, now) gives it in working time, in hours and with a fuse; else, and where it gives
    None, the wall clock counts.
    """

    def draw(value: datetime | None, row: Any, ink: Ink) -> Drawn:
        if value is None:
            return EMPTY, ()
        at = str(value.astimezone(SHANGHAI))[DAY_TO_MINUTE]
        if closed is not None and closed(row):
            return '<span class="due"><time>%s</time></span>', (at,)
        counted = working(value, row, ink.now) if working is not None else None
        left = counted.seconds if counted is not None else int((value - ink.now).total_seconds())
        tone = "late" if left < 0 else "soon" if left < ink.soon_seconds else "calm"
        words = span(abs(left), ink) if counted is None else hours(abs(left), ink)
        word = ink.say(LATE if left < 0 else LEFT) % {"span": words}
        line = fuse(counted.share, tone) if counted is not None and left >= 0 else ""
        fragment = f'<span class="due due--{tone}"><time>%s</time> <span class="left is-{tone}">%s{line}</span></span>'
        return fragment, (at, word)

    return draw


def span(seconds: int, ink: Ink) -> str:
    """A length of time in the two largest units: 2 天 3 小时, 3 小时 12 分, 28 分."""
    minutes = seconds // 60
    days, hours = divmod(minutes // 60, 24)
    if days:
        return ink.say(DAYS_HOURS if hours else DAYS) % {"d": days, "h": hours}
    if hours:
        return ink.say(HOURS_MINUTES) % {"h": hours, "m": minutes % 60}
    return ink.say(MINUTES) % {"m": minutes}


def hours(seconds: int, ink: Ink) -> str:
    """Working time without days, since nobody knows how long one is meant to be: 37 小时, 3 小时 12 分, 28 分."""
    whole, minutes = divmod(seconds // 60, 60)
    if whole >= HOURS_ALONE or (whole and not minutes):
        return ink.say(HOURS) % {"h": whole}
    return ink.say(HOURS_MINUTES if whole else MINUTES) % {"h": whole, "m": minutes if whole else max(minutes, 1)}


def fuse(share: float, tone: str) -> str:
    """What is left of the promise as a thin line; the words beside it say the same."""
    return (
        f'<svg class="fuse is-{tone}" width="48" height="4" viewBox="0 0 48 4" preserveAspectRatio="none" '
        f'aria-hidden="true" focusable="false"><rect width="48" height="4" rx="2"/>'
        f'<rect class="v" width="{48 * share:.1f}" height="4" rx="2"/></svg>'
    )


def fill(fragments: str, slots: list[str]) -> str:
    """Escape all slots at once and fill them in. The separator cannot survive in a slot."""
    if not slots:
        return fragments.replace("%%", "%")
    joined = "\x1f".join(slot.replace("\x1f", " ") for slot in slots)
    return fragments % tuple(str(escape(joined)).split("\x1f"))
