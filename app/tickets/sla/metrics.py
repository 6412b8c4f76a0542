"""What is measured, and what may stop a clock (reference/dispatch.md 7)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l


class Metric(StrEnum):
    """The clocks of a ticket. Stored; must not be renamed."""

    FIRST_TOUCH = "first_touch"  # report -> somebody of ours has it in hands
    RESPONSE = "response"  # report -> triaged
    DISPATCH = "dispatch"  # triaged -> accepted by an engineer or dealer
    ARRIVAL = "arrival"  # triaged -> on site
    QUOTE = "quote"  # received in the depot -> quoted
    TURNAROUND = "turnaround"  # collected -> returned
    RESOLUTION = "resolution"  # report -> resolved


METRIC_LABELS: dict[str, Any] = {
    Metric.FIRST_TOUCH: _l("首次受理"),
    Metric.RESPONSE: _l("响应"),
    Metric.DISPATCH: _l("派工"),
    Metric.ARRIVAL: _l("到场"),
    Metric.QUOTE: _l("报价"),
    Metric.TURNAROUND: _l("返厂周期"),
    Metric.RESOLUTION: _l("解决"),
}

# in both languages: staff read mail without our pages' language
METRIC_WORDS: dict[str, tuple[str, str]] = {
    Metric.FIRST_TOUCH: ("首次受理", "first touch"),
    Metric.RESPONSE: ("响应", "response"),
    Metric.DISPATCH: ("派工", "dispatch"),
    Metric.ARRIVAL: ("到场", "arrival"),
    Metric.QUOTE: ("报价", "quote"),
    Metric.TURNAROUND: ("返厂周期", "turnaround"),
    Metric.RESOLUTION: ("解决", "resolution"),
}


@dataclass(frozen=True, slots=True)
class PauseReason:
    """Why a clock stands still: which clocks, for how long at most (working hours), and whether staff may set it.

    What stands here is version 1; later versions of the promises change clocks and hours (`sla.policy`).
    """

    key: str
    label: Any
    stops: frozenset[Metric]
    most_hours: int
    by_staff: bool = True  # False: only a transition of the ticket sets it


def _reason(key: str, label: Any, *stops: Metric, most_hours: int, by_staff: bool = True) -> PauseReason:
    return PauseReason(key, label, frozenset(stops), most_hours, by_staff)


M = Metric
_ours = (M.RESPONSE, M.DISPATCH, M.ARRIVAL, M.QUOTE, M.TURNAROUND, M.RESOLUTION)
PAUSE_REASONS: dict[str, PauseReason] = {
    reason.key: reason
    for reason in (
        _reason("customer_info", _l("等用户补充信息"), *_ours, most_hours=80, by_staff=False),
        _reason("customer_quote", _l("等用户确认报价"), M.TURNAROUND, M.RESOLUTION, most_hours=240, by_staff=False),
        _reason("customer_confirm", _l("等用户确认结果"), M.RESOLUTION, most_hours=24, by_staff=False),
        _reason("customer_window", _l("用户要求改期"), M.ARRIVAL, M.RESOLUTION, most_hours=240),
        _reason("site_closed", _l("科室停诊，无法进入"), M.ARRIVAL, M.RESOLUTION, most_hours=80),
        _reason("force_majeure", _l("不可抗力"), *_ours, most_hours=240),
    )
}
# What a customer counts on; the others are how we work among ourselves. Owner to confirm.
TO_CUSTOMER = (M.RESPONSE, M.ARRIVAL, M.QUOTE, M.TURNAROUND, M.RESOLUTION)
