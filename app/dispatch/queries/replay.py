"""What other weights would have said: offers of the past, judged again from what was on the table then.

Each offer kept the shares of its first candidates (`app.dispatch.service.prove.ranking`), so that a version of the
weights can be tried without today's facts leaking into yesterday. What was excluded then stays excluded: weights never
touch a hard rule. Offers made before shares were kept are counted and left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core.db import db
from app.dispatch.eligibility import FIRST_WEIGHTS
from app.dispatch.eligibility.score import EASY_HOURS, FAR_KM, THOUSAND, points_of
from app.dispatch.models import Dispatch, Weights

NEWEST = 5_000  # offers of one replay: what one page may reckon while somebody waits


@dataclass(frozen=True, slots=True)
class Choice:
    """One offer: who was on the table with which shares (best first), who was chosen, and why not the best."""

    table: tuple[tuple[str, Mapping[str, int]], ...]
    chosen: str
    reason: str

    @property
    def best(self) -> str:
        return self.table[0][0]

    @property
    def overridden(self) -> bool:
        return self.chosen != self.best

    def best_by(self, weights: Mapping[str, int]) -> str:
        """Equal totals keep the order they had."""
        return max(self.table, key=lambda one: sum(points_of(s, weights.get(k, 0)) for k, s in one[1].items()))[0]

    def shares_of(self, who: str) -> Mapping[str, int]:
        return next((shares for one, shares in self.table if one == who), {})


@dataclass(slots=True)
class Replay:
    """What a set of weights would have done to the choices of a time."""

    offers: int = 0
    changed: int = 0  # offers whose best candidate would have been another
    overrides: int = 0  # offers in which somebody else than the best was chosen
    agreed: int = 0  # of these: the chosen one would have been the best
    against: int = 0  # the best was chosen then, and would not be the best any more
    before: Counter[str] = field(default_factory=Counter)  # sums of the best one's shares, by part
    after: Counter[str] = field(default_factory=Counter)

    def kilometres(self, sums: Counter[str]) -> int | None:
        """Mean way of the best one; unknown ways earn nothing and count as far."""
        return round(FAR_KM * (1 - sums["travel"] / THOUSAND / self.offers)) if self.offers else None

    def hours(self, sums: Counter[str]) -> int | None:
        """Mean room before the deadline, up to the two days that earn anything."""
        return round(EASY_HOURS * sums["slack"] / THOUSAND / self.offers) if self.offers else None


@dataclass(frozen=True, slots=True)
class Reason:
    """Choices against the best candidate for one reason: how many, and by which part the chosen one was stronger."""

    code: str
    count: int
    stronger: str
    by: int  # thousandths of the part, on average


@dataclass(frozen=True, slots=True)
class History:
    choices: tuple[Choice, ...]
    unknown: int  # offers without shares


def history(since: datetime) -> History:
    """The newest offers since an instant. One statement."""
    d = Dispatch
    query = sa.select(d.ranking, d.assignee_id, d.override_reason).where(d.offered_at >= since)
    rows = db.session.execute(query.order_by(d.offered_at.desc(), d.id.desc()).limit(NEWEST)).all()
    choices = [
        Choice(_table(row.ranking), row.assignee_id.hex, row.override_reason) for row in rows if _known(row.ranking)
    ]
    return History(tuple(choices), len(rows) - len(choices))


def _known(ranking: Sequence[Mapping[str, Any]]) -> bool:
    return bool(ranking) and all("shares" in one for one in ranking)


def _table(ranking: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, Mapping[str, int]], ...]:
    return tuple((one["id"], one["shares"]) for one in ranking)


def replay(choices: Iterable[Choice], weights: Mapping[str, int]) -> Replay:
    """Pure: the same choices and weights give the same figures."""
    found = Replay()
    for choice in choices:
        best = choice.best_by(weights)
        found.offers += 1
        found.changed += best != choice.best
        found.overrides += choice.overridden
        found.agreed += choice.overridden and best == choice.chosen
        found.against += not choice.overridden and best != choice.chosen
        found.before.update(choice.shares_of(choice.best))
        found.after.update(choice.shares_of(best))
    return found


def reasons(choices: Iterable[Choice]) -> list[Reason]:
    """Why others than the best were chosen, the most frequent first."""
    counts: Counter[str] = Counter()
    lead: dict[str, Counter[str]] = {}
    for choice in choices:
        if choice.overridden:
            counts[choice.reason] += 1
            ours, best = choice.shares_of(choice.chosen), choice.shares_of(choice.best)
            lead.setdefault(choice.reason, Counter()).update({key: ours.get(key, 0) - best.get(key, 0) for key in best})
    found = []
    for code, count in counts.most_common():
        part, total = max(lead[code].items(), key=lambda item: item[1], default=("", 0))
        found.append(Reason(code, count, part if total > 0 else "", max(0, round(total / count))))
    return found


@dataclass(frozen=True, slots=True)
class InForce:
    version: int
    content: Mapping[str, int]
    row: Weights | None  # None: the first ones, built in


def in_force() -> InForce:
    """The published version with the highest number."""
    query = sa.select(Weights).where(Weights.published_at.is_not(None)).order_by(Weights.version.desc()).limit(1)
    row = db.session.scalars(query).one_or_none()
    return InForce(row.version, row.content, row) if row is not None else InForce(1, FIRST_WEIGHTS, None)


def waiting() -> Weights | None:
    """The version that nobody has published yet."""
    return db.session.scalars(sa.select(Weights).where(Weights.published_at.is_(None))).one_or_none()


def versions(limit: int = 20) -> Sequence[Weights]:
    """Published ones, the latest first."""
    query = sa.select(Weights).where(Weights.published_at.is_not(None)).order_by(Weights.version.desc())
    return db.session.scalars(query.limit(limit)).all()
