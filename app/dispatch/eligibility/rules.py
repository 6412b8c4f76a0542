"""The hard rules. Each looks at plain values and answers with what is wrong, and the smallest change that mends it.

All rules are asked, always: who is excluded learns every reason at once. A contract and a certificate must hold both
now and for the whole planned visit (reference/dispatch.md 4.2). A dealer without a contract in force now is offered
nothing, since the offer itself shows where the device stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.policy import Permission
from app.dealers.lines import LINE_LABELS
from app.dispatch.eligibility.facts import Candidate, Contract, Job, Plan, day_of, first_free, last_day_of
from app.dispatch.models import HALF_LABELS, SKILL_LABELS, AssigneeKind

ENGINEERS, DEALERS = Permission.ENGINEERS_MANAGE, Permission.DEALERS_MANAGE
DISPATCH = Permission.TICKETS_DISPATCH


class Rule(StrEnum):
    ACTIVE = "active"
    TERRITORY = "territory"
    LINE = "product_line"
    SKILL = "skill"
    CONTRACT = "contract"
    MODE = "mode"
    SHIFT = "shift"
    ABSENCE = "absence"
    CAPACITY = "capacity"
    CONFLICT = "conflict"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Fix:
    """What would admit him: the words of a link, the screen's endpoint with its values, and who may go there."""

    label: Any
    endpoint: str
    permission: Permission
    values: Mapping[str, Any] = field(default_factory=dict)
    post: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule that says no, in words."""

    rule: Rule
    text: Any
    fix: Fix


@dataclass(frozen=True, slots=True)
class Question:
    """One candidate for one job in one plan, asked now; ``later``: the plans that follow, for "not before"."""

    job: Job
    candidate: Candidate
    plan: Plan
    now: datetime
    later: tuple[Plan, ...] = ()

    @property
    def is_dealer(self) -> bool:
        return self.candidate.kind is AssigneeKind.DEALER

    @property
    def page(self) -> str:
        return "dealers.edit" if self.is_dealer else "engineers.edit"

    @property
    def keeper(self) -> Permission:
        return DEALERS if self.is_dealer else ENGINEERS

    def edit(self, label: Any, **values: Any) -> Fix:
        key = "dealer_id" if self.is_dealer else "engineer_id"
        return Fix(label, self.page, self.keeper, {key: self.candidate.id, **values})

    def another_time(self) -> Fix | None:
        """The candidate panel for the first half day in which he is free."""
        free = first_free(self.candidate, self.later)
        if free is None:
            return None
        label = _l("改到 %(day)s %(half)s", day=free.day.strftime("%m-%d"), half=HALF_LABELS[free.half.value])
        values = {"number": self.job.number, "day": free.day.isoformat(), "half": free.half.value}
        return Fix(label, "dispatch.candidates", DISPATCH, values)


Answer = Failure | None


def active(q: Question) -> Answer:
    if q.candidate.active:
        return None
    return Failure(Rule.ACTIVE, _l("已停用"), q.edit(_l("重新启用"), activate="1"))


def territory(q: Question) -> Answer:
    if q.job.province in q.candidate.provinces:
        return None
    fix = q.edit(_l("把这个省份加入服务区域"), add_province=q.job.province)
    return Failure(Rule.TERRITORY, _l("不在服务区域"), fix)


def product_line(q: Question) -> Answer:
    """Asked only where the model says its line; that it does not is said once, on the panel."""
    line = q.job.line
    if line is None or line.value in q.candidate.lines:
        return None
    fix = q.edit(_l("加入产品线 %(line)s", line=LINE_LABELS[line]), add_line=line.value)
    return Failure(Rule.LINE, _l("产品线不含 %(line)s", line=LINE_LABELS[line]), fix)


def skill(q: Question) -> Answer:
    """An engineer's certificate holds on today's day and on every day of the visit."""
    needed = q.job.skill
    if needed is None or q.is_dealer:
        return None
    held = [found for found in q.candidate.certificates if found.skill == needed]
    days = (day_of(q.now), q.plan.day, last_day_of(q.plan.span))
    missing = [day for day in days if not any(one.since <= day <= one.until for one in held)]
    if not missing:
        return None
    label = SKILL_LABELS[needed]
    values = {"engineer_id": q.candidate.id, "skill": needed.value, "until": days[-1].isoformat()}
    if not held:
        fix = Fix(_l("登记证书：%(skill)s", skill=label), "engineers.new_skill", ENGINEERS, values)
        return Failure(Rule.SKILL, _l("没有证书：%(skill)s", skill=label), fix)
    fix = Fix(_l("续证至少到 %(day)s", day=_short(days[-1])), "engineers.new_skill", ENGINEERS, values)
    latest = max(held, key=lambda one: one.until)
    if latest.until < missing[0]:
        words = _l("%(skill)s 证书 %(until)s 到期，上门 %(visit)s", skill=label, until=_short(latest.until),
                   visit=_short(q.plan.day))  # fmt: skip
    else:
        words = _l("%(skill)s 证书 %(since)s 才生效", skill=label, since=_short(latest.since))
    return Failure(Rule.SKILL, words, fix)


def contract(q: Question) -> Answer:
    """The gate: in force now, and until the planned visit is over. The dates are shown."""
    if not q.is_dealer:
        return None
    signed = [one for one in q.candidate.contracts if one.confirmed]
    values = {"dealer_id": q.candidate.id, "until": last_day_of(q.plan.span).isoformat()}
    if not signed:
        fix = Fix(_l("登记数据安全合同"), "dealers.new_contract", DEALERS, values)
        return Failure(Rule.CONTRACT, _l("没有数据安全合同"), fix)
    latest = max(signed, key=lambda one: one.span.until)
    fix = Fix(
        _l("续签合同至少到 %(day)s", day=_short(last_day_of(q.plan.span))), "dealers.new_contract", DEALERS, values
    )
    ends = _short(last_day_of(latest.span))
    if not any(one.holds(q.now) for one in signed):
        if latest.span.since > q.now:
            words = _l("合同 %(since)s 才生效", since=_short(day_of(latest.span.since)))
            return Failure(Rule.CONTRACT, words, fix)
        return Failure(Rule.CONTRACT, _l("合同已于 %(until)s 到期", until=ends), fix)
    if contract_for(q.candidate, q.plan) is None:
        words = _l("合同 %(until)s 到期，上门 %(visit)s", until=ends, visit=_short(q.plan.day))
        return Failure(Rule.CONTRACT, words, fix)
    return None


def contract_for(candidate: Candidate, plan: Plan) -> Contract | None:
    """The contract that covers the whole visit; of several the one that lasts longest."""
    covering = [
        one for one in candidate.contracts
        if one.confirmed and one.span.since <= plan.span.since and plan.span.until <= one.span.until
    ]  # fmt: skip
    return max(covering, key=lambda one: one.span.until, default=None)


def mode(q: Question) -> Answer:
    """A dealer fetches devices only where its contract says so. Checking on site every contract allows."""
    if not q.is_dealer or q.job.mode != "collect":
        return None
    covering = contract_for(q.candidate, q.plan)
    if covering is None or covering.may_collect:
        return None
    fix = Fix(_l("登记允许取件的合同"), "dealers.new_contract", DEALERS, {"dealer_id": q.candidate.id})
    return Failure(Rule.MODE, _l("合同不允许取件"), fix)


def shift(q: Question) -> Answer:
    """Without shifts of his own an engineer works on working days; on a make-up day at a weekend everybody does."""
    if q.is_dealer:
        return None
    weekend = q.plan.day.weekday() >= 5
    if q.candidate.has_shifts and not (weekend and q.plan.working):
        works = q.plan.halves <= q.candidate.shifts
    else:
        works = q.plan.working
    if works:
        return None
    fix = Fix(_l("调整班次"), "engineers.shifts", ENGINEERS, {"engineer_id": q.candidate.id})
    return Failure(Rule.SHIFT, _l("这半天不当班"), fix)


def absence(q: Question) -> Answer:
    gone = next((one for one in q.candidate.absences if one.overlaps(q.plan.span)), None)
    if gone is None:
        return None
    back = _short(last_day_of(gone))
    swap = Fix(_l("调整缺勤"), "engineers.detail", ENGINEERS, {"engineer_id": q.candidate.id, "_anchor": "absences"})
    return Failure(Rule.ABSENCE, _l("缺勤到 %(day)s", day=back), q.another_time() or swap)


def capacity(q: Question) -> Answer:
    taken = sum(busy.overlaps(q.plan.span) for busy in q.candidate.busy)
    if taken < q.candidate.capacity:
        return None
    words = _l("这半天已有 %(taken)s 单，最多 %(most)s 单", taken=taken, most=q.candidate.capacity)
    more = q.edit(_l("提高每半天单数"), capacity=q.candidate.capacity + 1)
    return Failure(Rule.CAPACITY, words, q.another_time() or more)


def conflict(q: Question) -> Answer:
    """Two fixed hours that overlap; half days that are not yet fixed count for capacity alone."""
    if not q.plan.span.fixed or q.is_dealer:
        return None
    clash = next((busy for busy in q.candidate.busy if busy.fixed and busy.overlaps(q.plan.span)), None)
    if clash is None:
        return None
    swap = Fix(_l("查看他的日程"), "engineers.detail", Permission.ENGINEERS_READ, {"engineer_id": q.candidate.id})
    return Failure(Rule.CONFLICT, _l("这个时间已有预约"), q.another_time() or swap)


def declined(q: Question) -> Answer:
    if not q.candidate.declined:
        return None
    values = {"number": q.job.number, "assignee_id": q.candidate.id}
    fix = Fix(_l("允许再次询问"), "dispatch.lift_exclusion", DISPATCH, values, post=True)
    return Failure(Rule.DECLINED, _l("已拒绝过这张工单"), fix)


RULES: tuple[Callable[[Question], Answer], ...] = (
    active, territory, product_line, skill, contract, mode, shift, absence, capacity, conflict, declined,
)  # fmt: skip


# What keeps somebody from any job in a half day, whatever the job: what the week board hatches
PRESENCE: tuple[Callable[[Question], Answer], ...] = (active, shift, absence, contract, capacity)


def failures(question: Question, rules: Iterable[Callable[[Question], Answer]] = RULES) -> tuple[Failure, ...]:
    """Every rule that says no, in the order of the list."""
    return tuple(found for found in (rule(question) for rule in rules) if found is not None)


def admits(question: Question) -> bool:
    """Whether no rule says no: for whoever asks very often and shows no reasons."""
    return all(rule(question) is None for rule in RULES)


def _short(day: date) -> str:
    return day.strftime("%Y-%m-%d")
