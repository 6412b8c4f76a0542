"""How values read on pages: times in China, durations in words, capped counts, masks. Jinja filters and globals.

Message ids are Chinese; every function is called while a request (hence a locale) is active.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from markupsafe import Markup, escape

from app.core import clock
from app.ui.navigation import COUNT_CAP

MINUTE, HOUR, DAY = 60, 3_600, 86_400
FUSE_SECONDS = DAY  # a deadline without a known budget burns over the last 24 hours
ATTRIBUTE_NAME = re.compile(r"^[a-z][a-z0-9:-]*$")
CHINESE = re.compile("[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]+(?:[ ·-][\u3000-\u303f\u3400-\u9fff\uff00-\uffef]+)*")
KEY_CAPS = {"enter": "Enter", "esc": "Esc", "space": "␣", "mod": "Ctrl", "shift": "⇧", "-": "−"}


def _local(at: datetime) -> datetime:
    return at.astimezone(clock.SHANGHAI)


def instant(at: datetime | None) -> str:
    """11-23 16:30; with the year in front when it is not this year's. A dash for nothing."""
    if at is None:
        return "—"
    local = _local(at)
    return local.strftime("%m-%d %H:%M" if local.year == clock.today().year else "%Y-%m-%d %H:%M")


def instant_full(at: datetime | None) -> str:
    """2026-11-23 16:30:05 北京时间, for titles."""
    return _("%(time)s 北京时间", time=_local(at).strftime("%Y-%m-%d %H:%M:%S")) if at else ""


def instant_iso(at: datetime | None) -> str:
    """The machine's form, for <time datetime>."""
    return _local(at).isoformat(timespec="seconds") if at else ""


def day(value: date | datetime | None) -> str:
    """2026-11-23; an instant is read as a day in China."""
    if value is None:
        return "—"
    return (_local(value).date() if isinstance(value, datetime) else value).isoformat()


def duration(seconds: float | timedelta) -> str:
    """Two units at most: 3 小时 12 分, 2 天 4 小时, 12 分; below a minute in seconds."""
    total = int(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)
    days, hours, minutes = total // DAY, total % DAY // HOUR, total % HOUR // MINUTE
    parts = [
        ngettext("%(num)s 天", "%(num)s 天", days) if days else "",
        ngettext("%(num)s 小时", "%(num)s 小时", hours) if hours else "",
        ngettext("%(num)s 分", "%(num)s 分", minutes) if minutes and not days else "",
    ]
    words = " ".join(part for part in parts if part)
    return words or ngettext("%(num)s 秒", "%(num)s 秒", max(total, 0))


def working(seconds: float | timedelta) -> str:
    """Working time to the minute, in hours: a working day has no length that everybody would guess. 26 小时 5 分."""
    total = int(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)
    if total < HOUR:
        return duration(total)
    hours, minutes = divmod(total // MINUTE, 60)
    words = ngettext("%(num)s 小时", "%(num)s 小时", hours)
    return f"{words} {ngettext('%(num)s 分', '%(num)s 分', minutes)}" if minutes else words


def relative(at: datetime | None, now: datetime | None = None) -> str:
    """4 小时前 or 2 天后, one unit; 刚刚 within a minute."""
    if at is None:
        return ""
    seconds = ((now or clock.now()) - at).total_seconds()
    size = abs(seconds)
    if size < MINUTE:
        return _("刚刚")
    unit = next(unit for unit in (DAY, HOUR, MINUTE) if size >= unit)
    words = duration(size // unit * unit)
    return _("%(time)s前", time=words) if seconds > 0 else _("%(time)s后", time=words)


@dataclass(frozen=True, slots=True)
class Due:
    """What ui.due draws: words, a tone of the tokens (late, soon, idle), the share left for the fuse or None."""

    words: str
    tone: str
    share: float | None


def due_facts(
    deadline: datetime,
    now: datetime | None = None,
    left: float | None = None,
    budget: float | None = None,
    soon: float = 3 * HOUR,
) -> Due:
    """Where a deadline stands. ``left`` and ``budget`` are seconds of working time; without them the wall clock."""
    remaining = left if left is not None else (deadline - (now or clock.now())).total_seconds()
    words = _coarse if left is None else _hours
    if remaining < 0 or (remaining == 0 and left is None):
        return Due(_("超时 %(time)s", time=words(-remaining)), "late", None)
    tone = "soon" if remaining < soon else "idle"
    return Due(_("剩余 %(time)s", time=words(remaining)), tone, min(1.0, remaining / (budget or FUSE_SECONDS)))


def _coarse(seconds: float) -> str:
    """Whole minutes at least; beyond two days only days."""
    if seconds >= 2 * DAY:
        return duration(seconds // DAY * DAY)
    return duration(max(MINUTE, seconds // MINUTE * MINUTE))


def _hours(seconds: float) -> str:
    """A length of working time, without days: nobody knows how long one is meant to be. As in the worklists."""
    hours, minutes = divmod(int(seconds) // MINUTE, 60)
    if not hours:
        return duration(max(MINUTE, minutes * MINUTE))
    words = ngettext("%(num)s 小时", "%(num)s 小时", hours)
    return words if hours >= 10 or not minutes else f"{words} {ngettext('%(num)s 分', '%(num)s 分', minutes)}"


def number(value: float | None) -> str:
    """Thousands in groups of three: 1,234."""
    return "—" if value is None else f"{value:,}"


def count_text(value: int | None) -> str:
    """Exact up to 1,000, then "1,000+" (decisions.md 13)."""
    if value is None:
        return ""
    return f"{COUNT_CAP:,}+" if value > COUNT_CAP else f"{value:,}"


def phone_mask(phone: str | None) -> str:
    """+8613800001234 reads 138****1234; other countries keep their prefix and the last four digits."""
    if not phone:
        return "—"
    digits = phone.removeprefix("+86")
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 9 else "****"


def key_cap(key: str) -> str:
    """How a key reads on its cap: "mod+enter" is Ctrl Enter."""
    if key == "+":
        return "+"
    return " ".join(KEY_CAPS.get(part, part.upper() if len(part) == 1 else part) for part in key.split("+"))


def aria_keys(key: str) -> str:
    """The same for aria-keyshortcuts: Control+Enter, A, Plus."""
    if key == "+":
        return "Plus"
    names = {"mod": "Control", "enter": "Enter", "esc": "Escape", "space": "Space"}
    return "+".join(names.get(part, part.upper() if len(part) == 1 else part) for part in key.split("+"))


def html_attrs(attributes: Mapping[str, Any] | None) -> Markup:
    """Keywords of a macro as attributes: hx_post → hx-post; True stands alone, None and False are left out.

    Raises ValueError on inline style or script, which the content policy would drop silently.
    """
    parts = []
    for raw, value in (attributes or {}).items():
        name = raw.rstrip("_").replace("_", "-")
        if not ATTRIBUTE_NAME.match(name) or name.startswith(("on", "hx-on")) or name == "style":
            raise ValueError(f"attribute {raw!r} is not allowed in a template")
        if value is None or value is False:
            continue
        parts.append(Markup(" {}").format(name) if value is True else Markup(' {}="{}"').format(name, escape(value)))
    return Markup("").join(parts)


def zh(value: Any) -> Any:
    """Names and words of people, which stay Chinese on English pages: their Chinese is marked as such (WCAG 3.1.2).

    On Chinese pages, and for what holds no Chinese, the value itself. Our own words come from the catalogue instead.
    """
    if value is None or get_locale() is None or get_locale().language == "zh" or not CHINESE.search(str(value)):
        return value
    return Markup(CHINESE.sub(r'<span lang="zh-CN">\g<0></span>', str(escape(value))))  # data escaped before


FILTERS = {
    "zh": zh,
    "instant": instant,
    "instant_full": instant_full,
    "instant_iso": instant_iso,
    "day": day,
    "duration": duration,
    "working": working,
    "relative": relative,
    "number": number,
    "count_text": count_text,
    "phone_mask": phone_mask,
    "key_cap": key_cap,
    "aria_keys": aria_keys,
    "html_attrs": html_attrs,
}
