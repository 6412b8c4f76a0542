"""What a version of the promises says, as a plain value: checked, compared, and written down as a policy's row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.errors import Invalid
from app.tickets.facts import PRIORITY_LABELS, Priority
from app.tickets.models.promise import SlaPolicy
from app.tickets.sla.metrics import METRIC_LABELS, PAUSE_REASONS, Metric

HOURS_LEAST, HOURS_MOST = 0.25, 2_000
PAUSE_MOST = 2_000
LEVELS_MOST = 8
LEVEL_LEAST, LEVEL_MOST = 10, 300
DEADLINE = 100  # percent: the deadline itself must be told
IN_ORDER = (Metric.FIRST_TOUCH, Metric.RESPONSE, Metric.RESOLUTION)  # each ends no earlier than the one before


@dataclass(frozen=True, slots=True)
class Content:
    """``hours``: priority -> clock -> working hours; ``pauses``: reason -> {stops: clocks, hours: at most}."""

    hours: Mapping[str, Mapping[str, float]]
    around_the_clock: tuple[str, ...]
    levels: tuple[int, ...]
    pauses: Mapping[str, Mapping[str, Any]]

    def plain(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {**asdict(self), "around_the_clock": list(self.around_the_clock), "levels": list(self.levels)}


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a comparison, in words."""

    what: str
    old: str
    new: str
    promised: bool = field(default=False)  # a budget, not only how we work


def of(row: SlaPolicy) -> Content:
    return read(
        {"hours": row.hours, "around_the_clock": row.around_the_clock, "levels": row.levels, "pauses": row.pauses}
    )


def read(plain: Mapping[str, Any]) -> Content:
    """The value of what `Content.plain` wrote."""
    return Content(plain["hours"], tuple(plain["around_the_clock"]), tuple(plain["levels"]), plain["pauses"])


def checked(found: Content) -> Content:
    """Raises Invalid whose fields are named as on the form (``p1_response``, ``levels``, ``max_site_closed``)."""
    errors: dict[str, list[Any]] = {}
    for priority in Priority:
        hours = found.hours[priority.value]
        for metric in Metric:
            value = hours.get(metric.value)
            if value is None or not HOURS_LEAST <= value <= HOURS_MOST:
                errors[f"{priority.value}_{metric.value}"] = [
                    _l("请填 %(least)s 到 %(most)s 小时。", least=HOURS_LEAST, most=HOURS_MOST)
                ]
        for sooner, later in pairwise(IN_ORDER):
            if (hours.get(sooner.value) or 0) > (hours.get(later.value) or HOURS_MOST):
                errors.setdefault(f"{priority.value}_{later.value}", []).append(
                    _l("不能短于“%(what)s”。", what=METRIC_LABELS[sooner])
                )
    levels = found.levels
    if not 0 < len(levels) <= LEVELS_MOST or list(levels) != sorted(set(levels)) or DEADLINE not in levels:
        errors["levels"] = [_l("请从小到大填写百分比，用顿号隔开，其中要有 100。")]
    elif not LEVEL_LEAST <= levels[0] <= levels[-1] <= LEVEL_MOST:
        errors["levels"] = [_l("百分比在 %(least)s 到 %(most)s 之间。", least=LEVEL_LEAST, most=LEVEL_MOST)]
    for key in PAUSE_REASONS:
        if not 1 <= found.pauses[key]["hours"] <= PAUSE_MOST:
            errors[f"max_{key}"] = [_l("请填 1 到 %(most)s 个工作小时。", most=PAUSE_MOST)]
    if errors:
        raise Invalid(fields=errors)
    return found


def changes(old: Content, new: Content) -> Iterator[Change]:
    """What differs, in the order of the page."""
    for priority in Priority:
        for metric in Metric:
            was, now = (side.hours[priority.value].get(metric.value) for side in (old, new))
            if was != now:
                what = f"{PRIORITY_LABELS[priority]} · {METRIC_LABELS[metric]}"
                yield Change(what, hours_words(was), hours_words(now), promised=True)
    for priority in Priority:
        was_all, now_all = (priority.value in side.around_the_clock for side in (old, new))
        if was_all != now_all:
            what = _("%(priority)s · 怎么计时", priority=PRIORITY_LABELS[priority])
            yield Change(what, calendar_words(was_all), calendar_words(now_all), promised=True)
    if old.levels != new.levels:
        yield Change(_("提醒级别"), levels_words(old.levels), levels_words(new.levels))
    for key, reason in PAUSE_REASONS.items():
        before, after = old.pauses[key], new.pauses[key]
        if sorted(before["stops"]) != sorted(after["stops"]):
            what = _("暂停“%(reason)s” · 停哪些时钟", reason=reason.label)
            yield Change(what, clocks_words(before["stops"]), clocks_words(after["stops"]))
        if before["hours"] != after["hours"]:
            what = _("暂停“%(reason)s” · 最长", reason=reason.label)
            yield Change(what, hours_words(before["hours"]), hours_words(after["hours"]))


def hours_words(value: float | None) -> str:
    return "—" if value is None else _("%(n)s 小时", n=f"{value:g}")


def calendar_words(every_hour: bool) -> str:
    return _("每个小时都计") if every_hour else _("按工作日历")


def levels_words(levels: tuple[int, ...]) -> str:
    return " · ".join(f"{level}%" for level in levels)


def clocks_words(stops: Any) -> str:
    return _("、").join(str(METRIC_LABELS[metric]) for metric in Metric if metric.value in stops) or "—"
