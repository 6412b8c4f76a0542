"""What kinds of harm there are, which clocks each starts, and how long they are. Calendar time, never working time.

Days and hours are those of 《医疗器械不良事件监测和再评价管理办法》 (SAMR order 1) as secondary sources give them
(design/requirements.md 2.1); regulatory affairs has to confirm them. They are rows on /settings that can be made
stricter there, never laxer. Before somebody has judged, a case counts as the worst single event.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from flask_babel import lazy_gettext as _l

from app.core import numbers
from app.core.numbers import NumberSpec


class Kind(StrEnum):
    """As stored; the order of the enum is the order of gravity, `UNJUDGED` aside."""

    UNJUDGED = ""
    OTHER = "other"
    SERIOUS = "serious"  # serious injury, or an event that could have caused one
    DEATH = "death"
    GROUP = "group"  # several people by the same device


class Step(StrEnum):
    """What a clock waits for."""

    JUDGE = "judge"  # the kind; our own limit
    FIRST = "first"  # a group event's first report, by telephone
    FOLLOW_UP = "follow_up"  # a group event's single cases
    REPORT = "report"


CLOCKS: dict[Kind, tuple[Step, ...]] = {
    Kind.UNJUDGED: (Step.JUDGE, Step.REPORT),
    Kind.OTHER: (),
    Kind.SERIOUS: (Step.REPORT,),
    Kind.DEATH: (Step.REPORT,),
    Kind.GROUP: (Step.FIRST, Step.FOLLOW_UP, Step.REPORT),
}
LIMITS: dict[tuple[Kind, Step], tuple[str, timedelta]] = {
    (Kind.UNJUDGED, Step.JUDGE): ("safety_judge_hours", timedelta(hours=1)),
    (Kind.UNJUDGED, Step.REPORT): ("safety_death_days", timedelta(days=1)),
    (Kind.SERIOUS, Step.REPORT): ("safety_serious_days", timedelta(days=1)),
    (Kind.DEATH, Step.REPORT): ("safety_death_days", timedelta(days=1)),
    (Kind.GROUP, Step.FIRST): ("safety_group_first_hours", timedelta(hours=1)),
    (Kind.GROUP, Step.FOLLOW_UP): ("safety_group_follow_hours", timedelta(hours=1)),
    (Kind.GROUP, Step.REPORT): ("safety_group_days", timedelta(days=1)),
}
LEVELS = (50, 75, 90, 100, 150)  # percent of a clock at which the safety role is told
ORDER = (Kind.OTHER, Kind.SERIOUS, Kind.DEATH, Kind.GROUP)


def worse(new: Kind, old: Kind) -> bool:
    """Knowledge may grow worse, never better: a harm judged too gravely is answered by the decision."""
    if new is Kind.UNJUDGED:
        return False
    return old is Kind.UNJUDGED or ORDER.index(new) > ORDER.index(old)


def limit(kind: Kind, step: Step) -> timedelta:
    """The time from awareness, by the numbers in force."""
    key, unit = LIMITS[kind, step]
    return numbers.get(key) * unit


def warn_at(started_at: datetime, due_at: datetime, after: int) -> datetime | None:
    """When the next level above ``after`` percent is reached; None above the last."""
    level = next((level for level in LEVELS if level > after), None)
    return None if level is None else started_at + (due_at - started_at) * level / 100


def level_at(started_at: datetime, due_at: datetime, now: datetime) -> int:
    """The highest level reached by ``now``, 0 below the first."""
    share = (now - started_at) / (due_at - started_at) * 100
    return max((level for level in LEVELS if level <= share), default=0)


def install() -> None:
    """The limits as business numbers. The ceiling is the law's limit as we know it, so that nobody relaxes it."""
    numbers.GROUP_TITLES["safety"] = _l("不良事件")
    day, hour = "days", "hours"
    for key, default, unit, words in (
        ("safety_death_days", 7, day, _l("死亡事件从知悉起多少天内上报；按自然日。依据须由法规事务确认。")),
        (
            "safety_serious_days",
            20,
            day,
            _l("严重伤害或可能导致严重伤害，多少天内上报；按自然日。依据须由法规事务确认。"),
        ),
        ("safety_group_first_hours", 12, hour, _l("群体事件多少小时内首次报告；昼夜计时。依据须由法规事务确认。")),
        ("safety_group_follow_hours", 24, hour, _l("群体事件多少小时内逐例报告；昼夜计时。依据须由法规事务确认。")),
        ("safety_group_days", 7, day, _l("群体事件多少天内提交调查报告；按自然日。依据须由法规事务确认。")),
        ("safety_judge_hours", 24, hour, _l("立案后多少小时内判定伤害类别；昼夜计时，本公司自定。")),
    ):
        numbers.register(NumberSpec(key, "safety", default, 1, default, unit, words))  # type: ignore[arg-type]
