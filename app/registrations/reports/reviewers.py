"""Reviewers: how much each decided, how long it took, and whether applicants of one place fare alike with everybody.

No league tables: people stand in the order of their names, below ten decisions words stand instead of shares, and a
share is compared within the same province or hospital only, since cases differ between them (reference/review.md 3,
no. 9, and 6, rules of use). What is outside the range of chance is a reason to look, not a verdict.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor, Permission
from app.core.statistics.interval import wilson
from app.core.statistics.survival import kaplan_meier
from app.hospitals import provinces
from app.registrations.models import Registration
from app.registrations.reports import figures
from app.registrations.reports.figures import E, Span
from app.staff.models import StaffAccount
from app.ui.charts import SMALL_N, Chart, Figures, Percent, Ranges, Tone
from app.ui.frame import language
from app.ui.shares import share_heads, share_row, share_words

LEAD, DECIDE = Permission.REGISTRATIONS_LEAD, Permission.REGISTRATIONS_DECIDE
APPROVE, AGAIN = "approve_registration", "ask_resubmission"
HOSPITALS_MOST = 20
Verdicts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Person:
    """A reviewer with decisions in the period, or oneself."""

    id: uuid.UUID
    name: str


def person(actor: Actor, reviewer_id: uuid.UUID) -> Person:
    """Oneself, or for a lead anybody. Raises NotFound for a colleague's page without lead, and for no such account."""
    actor.require(DECIDE)
    if reviewer_id != actor.id and not actor.may(LEAD):
        raise NotFound()
    if reviewer_id == actor.id:
        return Person(reviewer_id, actor.name)
    name = db.session.scalar(sa.select(StaffAccount.name).where(StaffAccount.id == reviewer_id))
    if name is None:
        raise NotFound()
    return Person(reviewer_id, name)


def overview(actor: Actor, span: Span) -> tuple[list[Person], Chart]:
    """Everybody who decided in the span, by name, with the re-photo share of each (one chart, one table)."""
    by_person = {who: found for who, found in figures.verdicts(actor, span, E.by_id).items() if who is not None}
    people, waits = _people(by_person), figures.waits_by_reviewer(actor, span)
    rows, drawn = [], []
    for one in people:
        found = by_person[one.id]
        n = sum(found.values())
        row, point = share_row(one.name, found.get(AGAIN, 0), n)
        approved = share_row(one.name, found.get(APPROVE, 0), n)[0]
        rows.append((one.name, n, approved[3], row[3], row[4], _median(*waits.get(one.id, ({}, {})))))
        drawn.append(point)
    again = sum(found.get(AGAIN, 0) for found in by_person.values())
    total = sum(sum(found.values()) for found in by_person.values())
    whole = wilson(again, total)
    heads = (
        _("审核员"),
        *((w, "num") for w in (_("决定"), _("通过"), _("要求重拍"), _("95% 区间"), _("一半用时（小时）"))),
    )
    chart = Chart(
        "reviewers", _("大家要求重拍得一样多吗？"), share_words(again, total, _("要求重拍")), Figures(heads, rows),
        Ranges(drawn, whole.value if whole else None, _("全部")) if rows else None,
        _("按姓名排列，不排名次：件不同、医院不同，比例不说明谁好谁差。不足 %(n)s 件不计比例。", n=SMALL_N),
        "s" if len(rows) < 8 else "l",
    )  # fmt: skip
    return people, chart


def totals(actor: Actor, span: Span) -> list[tuple[str, int]]:
    """Decisions of one reviewer by kind."""
    found: Verdicts = figures.verdicts(actor, span, E.by_id).get(span.reviewer, {})
    names = {APPROVE: _("通过"), AGAIN: _("要求重拍"), "reject_registration": _("不予通过")}
    return [(_("决定"), sum(found.values())), *((name, found.get(action, 0)) for action, name in names.items())]


def by_province(actor: Actor, span: Span, action: str) -> Chart:
    """One reviewer's share per province, beside everybody else's in the same province."""
    names = dict(provinces.choices(language()))
    label = lambda code: names.get(code, _("医院未对应"))
    return _compared(actor, span, Registration.province, action, label, f"province-{action}", len(names))


def by_hospital(actor: Actor, span: Span, action: str) -> Chart:
    """The same per hospital, the twenty with most of this reviewer's decisions."""
    return _compared(
        actor, span, Registration.hospital_text, action, lambda text: text, f"hospital-{action}", HOSPITALS_MOST
    )


def _compared(actor: Actor, span: Span, key: Any, action: str, label: Any, name: str, most: int) -> Chart:
    own = figures.verdicts(actor, span, key)
    everybody = figures.verdicts(actor, Span(span.since, span.until, span.province, None, span.permission), key)
    chosen = sorted(own, key=lambda value: -sum(own[value].values()))[:most]
    rows, drawn, expected, hits, n_all, outside = [], [], 0.0, 0, 0, []
    for value in sorted(chosen, key=lambda v: str(label(v))):
        k, n = own[value].get(action, 0), sum(own[value].values())
        others_k = everybody[value].get(action, 0) - k
        others_n = sum(everybody[value].values()) - n
        tone, words = compare(k, n, others_k, others_n)
        row, point = share_row(str(label(value)), k, n, tone)
        others = Percent(others_k / others_n) if others_n >= SMALL_N else None
        rows.append((*row, others, words))
        drawn.append(point)
        if others_n:
            expected, hits, n_all = expected + n * others_k / others_n, hits + k, n_all + n
        if tone == "late":
            outside.append(str(label(value)))
    verb = {APPROVE: _("通过"), AGAIN: _("要求重拍")}[action]
    where = _("医院") if name.startswith("hospital") else _("省份")
    heads = (*share_heads(where, verb, _("决定")), (_("同事"), "num"), _("看法"))
    title = _("各%(where)s%(verb)s得一样多吗？", where=where, verb=verb)
    return Chart(name, title, _mix(hits, n_all, expected, outside), Figures(heads, rows),
                 Ranges(drawn) if rows else None,
                 _("只与同一%(where)s里同事的决定相比；红色为区间之外，值得看一看，不是结论。", where=where),
                 "s" if len(rows) < 6 else "m" if len(rows) < 12 else "l")  # fmt: skip


def compare(hits: int, n: int, others_hits: int, others_n: int) -> tuple[Tone, str]:
    """Where one reviewer's share lies against colleagues' in the same place: both intervals must part to be told."""
    own, others = wilson(hits, n), wilson(others_hits, others_n)
    if own is None or n < SMALL_N:
        return "idle", _("太少，看不出")
    if others is None or others_n < SMALL_N:
        return "act", _("没有足够的同事决定可比")
    if own.low > others.high:
        return "late", _("高于同事，请看一看")
    if own.high < others.low:
        return "late", _("低于同事，请看一看")
    return "act", _("在正常范围内")


def _mix(hits: int, n: int, expected: float, outside: Sequence[str]) -> str:
    """Observed beside expected from colleagues' shares at this reviewer's own mix of places."""
    if n < SMALL_N:
        return _("%(n)s 件可以与同事相比，太少，看不出。", n=n)
    words = _(
        "实际 %(hits)s 件；同事在同样的件数构成下约 %(expected)s 件（%(n)s 件）。",
        hits=hits, expected=f"{expected:.1f}", n=n,
    )  # fmt: skip
    return words + (
        _("值得看：%(places)s。", places=_("、").join(outside)) if outside else _("没有哪一处超出正常范围。")
    )


def _people(by_person: Mapping[uuid.UUID, Verdicts]) -> list[Person]:
    if not by_person:
        return []
    rows = db.session.execute(sa.select(StaffAccount.id, StaffAccount.name).where(StaffAccount.id.in_(list(by_person))))
    return sorted((Person(i, name) for i, name in rows), key=lambda one: (one.name, str(one.id)))


def _median(ended: Any, still_open: Any) -> str:
    curve = kaplan_meier(ended, still_open)
    if curve is None or curve.n < SMALL_N:
        return _("太少")
    return _("还说不出") if curve.median is None else f"{curve.median:g}"
