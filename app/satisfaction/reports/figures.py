"""Counts of rated jobs that closed within a period, in the actor's regions: kept sums of whole months, and the ratings
themselves where there are none yet (a month begun or ended within the period, a change since the worker's last run).

So figures are exact at any moment. Nothing of fewer than `K` raters leaves this module (decisions.md 24).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.policy import Actor, Permission
from app.core.sql_time import hours_between
from app.hospitals.span import Span
from app.satisfaction import sums
from app.satisfaction.models import FollowUp, RatedJob, RatingStale, RatingSum
from app.satisfaction.models.sums import K
from app.satisfaction.queries import hints
from app.satisfaction.queries.hints import ThemeShown
from app.satisfaction.sums import COUNTS, Cell, Clause, Tally
from app.satisfaction.workflow import Following, Status

REPORT = Permission.SATISFACTION_REPORT
J = RatedJob
NOTHING = Tally()


@dataclass(frozen=True, slots=True)
class Group:
    """One stratum: ``satisfied`` (4 and 5) of ``answered`` ratings by ``raters`` people, counted up to `K`."""

    key: Any
    label: str
    satisfied: int
    answered: int
    raters: int


@dataclass(frozen=True, slots=True)
class Response:
    """From those who could have rated to those who did."""

    eligible: int
    invited: int
    delivered: int
    answered: int
    satisfied: int
    raters: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that the report counts: totals by dimension and key, and of each month. ``still``: whole hours that
    open follow-ups have waited so far -> how many. ``themes`` are of a year's comments whatever the period."""

    totals: Mapping[tuple[str, str], Tally]
    months: Mapping[str, Tally]
    still: Counter[float]
    comments: int | None = None  # read for themes; None: never looked
    themes: Sequence[ThemeShown] = ()

    @property
    def response(self) -> Response:
        """The denominators (S15)."""
        found = self.totals.get(("all", ""), NOTHING)
        return Response(
            found.eligible, found.asked, found.delivered, found.answered, found.satisfied, found.raters
        )  # fmt: skip

    @property
    def distribution(self) -> Mapping[int, int]:
        """Score -> ratings; empty below `K` raters."""
        if self.response.raters < K:
            return {}
        return {int(key): tally.answered for key, tally in self._of("score")}

    @property
    def by_month(self) -> Sequence[Group]:
        """Months of the closing, in order, those with raters enough."""
        found = [_group(month, tally) for month, tally in sorted(self.months.items())]
        return [group for group in found if group.raters >= K]

    @property
    def by_engineer(self) -> tuple[Sequence[Group], int]:
        """Whoever did it, by name and in no other order, and how many are left out for want of raters."""
        found = self._groups("engineer")
        shown = enough(found)
        return sorted(shown, key=lambda group: (group.label, str(group.key))), len(found) - len(shown)

    @property
    def by_kind(self) -> Sequence[Group]:
        return enough(self._groups("kind"))

    @property
    def by_product(self) -> Sequence[Group]:
        return sorted(enough(self._groups("product")), key=lambda group: group.label)

    @property
    def waits(self) -> tuple[Counter[float], Counter[float]]:
        """Whole hours from opening to the first written round; and of those still open, hours so far."""
        return Counter({float(key): tally.answered for key, tally in self._of("wait")}), self.still

    @property
    def invitation_gap(self) -> Sequence[tuple[str, int, int, int, int]]:
        """Kind of job -> (long ones invited, long ones not, short ones invited, short ones not)."""
        return [
            (key, t.long_asked, t.long_eligible - t.long_asked, t.asked - t.long_asked,
             t.eligible - t.long_eligible - t.asked + t.long_asked)
            for key, t in sorted(self._of("kind"))
        ]  # fmt: skip

    def _of(self, dimension: str) -> Iterator[tuple[str, Tally]]:
        return ((key, tally) for (name, key), tally in self.totals.items() if name == dimension)

    def _groups(self, dimension: str) -> list[Group]:
        return [_group(key, tally) for key, tally in self._of(dimension) if tally.answered]


def _group(key: str, tally: Tally) -> Group:
    return Group(key, tally.label, tally.satisfied, tally.answered, tally.raters)


def enough(found: Sequence[Group]) -> list[Group]:
    """Groups of `K` raters or more. A single small group could be read off the total, so that the smallest of the
    others goes with it until those left out are `K` together."""
    shown = sorted((g for g in found if g.raters >= K), key=lambda g: g.answered)
    hidden = sum(g.raters for g in found if 0 < g.raters < K)
    while shown and 0 < hidden < K:
        hidden += shown.pop(0).raters
    return shown


def read(actor: Actor, span: Span) -> Figures:
    """All figures of the period; six statements at most. Raises Forbidden without the right."""
    provinces = _provinces(actor, span)
    whole, ragged = _months(span)
    stale = _stale(whole, provinces)
    totals: dict[tuple[str, str], Tally] = {}
    months: dict[str, Tally] = {}

    def take(month: str, place: tuple[str, str], tally: Tally) -> None:
        totals.setdefault(place, Tally()).take(tally)
        if place[0] == "all":
            months.setdefault(month, Tally()).take(tally)

    for month, place, tally in _kept(whole, provinces, stale):
        take(month, place, tally)
    for (month, _province), counts in _fresh(ragged, stale, provinces).items():
        for place, tally in counts.items():
            take(month, place, tally)
    run, themes = hints.themes(actor, span.province)
    return Figures(totals, months, _still(span, provinces), run.comments if run is not None else None, themes)


def _provinces(actor: Actor, span: Span) -> Sequence[str] | None:
    """Those to count; None: all."""
    mine = actor.scope(REPORT)
    if span.province is None:
        return None if mine is None else sorted(mine)
    return [span.province] if mine is None or span.province in mine else []


def _months(span: Span) -> tuple[list[str], list[tuple[Any, Any]]]:
    """Months wholly within the period, and what is left of it before and after. A month that still runs counts as
    whole when the period goes on to now: nothing closes tomorrow."""
    whole, ragged, at = [], [], span.since
    while at < span.until:
        month = sums.month_of(at)
        begins, ends = sums.month_begins(month), sums.month_begins(month, 1)
        if at == begins and (ends <= span.until or clock.now() < span.until):
            whole.append(month)
        else:
            ragged.append((at, min(ends, span.until)))
        at = ends
    return whole, ragged


def _where(months: Sequence[str], provinces: Sequence[str] | None, table: Any) -> list[Clause]:
    found: list[Clause] = [table.month.in_(months)]
    return found if provinces is None else [*found, table.province.in_(provinces)]


def _stale(whole: Sequence[str], provinces: Sequence[str] | None) -> set[Cell]:
    s = RatingStale
    query = sa.select(s.month, s.province).where(*_where(whole, provinces, s)).distinct()
    return {(month, province) for month, province in db.session.execute(query)}


def _kept(
    whole: Sequence[str], provinces: Sequence[str] | None, stale: set[Cell]
) -> Iterator[tuple[str, tuple[str, str], Tally]]:
    """Kept sums: of each month for the totals, else together."""
    s = RatingSum
    month = sa.case((s.dimension == "all", s.month), else_="")
    query = sa.select(
        month, s.dimension, s.key, sa.func.max(s.label), sa.func.max(s.raters),
        sa.func.aggregate_strings(s.witnesses, ""),
        *(sa.func.sum(getattr(s, name)) for name in COUNTS),
    ).where(*_where(whole, provinces, s))  # fmt: skip
    if stale:
        query = query.where(sa.tuple_(s.month, s.province).not_in(sorted(stale)))
    for at, dimension, key, label, raters, seen, *counts in db.session.execute(
        query.group_by(month, s.dimension, s.key)
    ):
        named = {name: int(n) for name, n in zip(COUNTS, counts, strict=True)}
        made = Tally(label, seen=sums.witnesses(seen or ""), many=raters >= K, **named)  # type: ignore[arg-type]
        yield at, (dimension, key), made


def _fresh(
    ragged: Sequence[tuple[Any, Any]], stale: set[Cell], provinces: Sequence[str] | None
) -> Mapping[Cell, sums.Counts]:
    """What has no sums, or none that hold, counted from the ratings."""
    parts = [sa.and_(J.closed_at >= since, J.closed_at < until) for since, until in ragged]
    parts = parts if provinces is None else [sa.and_(part, J.province.in_(provinces)) for part in parts]
    by_month: dict[str, list[str]] = {}
    for month, province in sorted(stale):
        by_month.setdefault(month, []).append(province)
    parts += [sa.and_(*sums.within(month, found)) for month, found in by_month.items()]
    return sums.count(sa.or_(*parts)) if parts else {}


def _still(span: Span, provinces: Sequence[str] | None) -> Counter[float]:
    f, now = FollowUp, sa.literal(clock.now(), J.closed_at.type)
    hours = hours_between(f.opened_at, now)
    query = sa.select(hours, sa.func.count()).join(J, J.id == f.job_id).where(
        f.status == Following.OPEN, f.finished_at.is_(None), J.status != Status.WITHDRAWN,
        J.closed_at >= span.since, J.closed_at < span.until,
        *([] if provinces is None else [J.province.in_(provinces)]),
    )  # fmt: skip
    found: Counter[float] = Counter()
    for waited, n in db.session.execute(query.group_by(sa.text("1"))):
        found[float(max(waited, 0))] += n
    return found
