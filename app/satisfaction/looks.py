"""Looks for signs of manipulation over many ratings: pure counting, each look with n and a p-value.

Every look asks how surprising something is when nothing is behind it; all looks of a run are corrected together
(Benjamini-Hochberg), so that of what is told 5% at most is chance. They rest on time, score, text, account and
invitations only (decisions.md 24): no network address, no device number is kept of whoever rates.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.core.clock import SHANGHAI
from app.core.statistics.chance import benjamini_hochberg, fisher, poisson_tail
from app.core.statistics.funnel import tail_below

FEWEST = 10  # ratings of somebody before his are looked at
QUICK = timedelta(minutes=10)  # after the closing
FEWEST_OF_RATER = 3
FALSE_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Seen:
    """One rating. ``rater`` stands for the account, or the telephone of a contact without one."""

    job_id: uuid.UUID
    ticket: str
    province: str
    engineer: uuid.UUID | None
    name: str
    rater: str
    hospital: uuid.UUID
    closed_at: datetime
    answered_at: datetime
    score: int
    parts: tuple[int | None, ...]
    praise_negative: bool
    raised: bool

    @property
    def quick(self) -> bool:
        return self.answered_at - self.closed_at < QUICK

    @property
    def straight(self) -> bool | None:
        """All parts the same; None while one is missing."""
        return None if None in self.parts or not self.parts else len(set(self.parts)) == 1


@dataclass(frozen=True, slots=True)
class Asked:
    """Of ``jobs`` that closed ``asked`` were asked about: an engineer's, or the long and the short ones of a kind."""

    kind: str  # gap, or gap_long
    who: uuid.UUID | None
    label: str
    asked: int
    jobs: int
    others_asked: int
    others: int
    provinces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """``hits`` of ``n`` where ``expected`` were usual."""

    kind: str
    who: uuid.UUID | None
    label: str
    hits: int
    n: int
    expected: float
    p: float
    behind: Sequence[Seen] = ()
    provinces: Sequence[str] = ()
    q: float = 1.0


def all_of(seen: Sequence[Seen], asked: Sequence[Asked] = ()) -> list[Found]:
    """Every look, corrected together, the most surprising first."""
    by: dict[uuid.UUID, list[Seen]] = {}
    for one in seen:
        if one.engineer is not None:
            by.setdefault(one.engineer, []).append(one)
    by = {who: found for who, found in by.items() if len(found) >= FEWEST}
    looks = [
        *_shares("quick", by, seen, lambda one: one.quick),
        *_shares("straight", by, seen, lambda one: one.straight),
        *_shares("negative", by, seen, lambda one: one.praise_negative if one.score >= 4 else None),
        *_shares("raised", by, seen, lambda one: one.raised),
        *_bursts(by, seen),
        *_raters(seen),
        *(_gap(one) for one in asked if one.jobs >= FEWEST and one.others),
    ]  # fmt: skip
    corrected = benjamini_hochberg([look.p for look in looks])
    found = [replace(look, q=q) for look, q in zip(looks, corrected, strict=True)]
    return sorted(found, key=lambda look: (look.q, look.p))


def told(looks: Sequence[Found]) -> list[Found]:
    """Those that chance explains badly after all looks."""
    return [look for look in looks if look.q <= FALSE_SHARE]


def _shares(
    kind: str, by: Mapping[uuid.UUID, Sequence[Seen]], seen: Sequence[Seen], test: Callable[[Seen], bool | None]
) -> Iterator[Found]:
    """Each engineer's share against that of all others (Fisher); fewer than usual is no sign."""
    total = Counter(said for one in seen if (said := test(one)) is not None)
    for who, own in by.items():
        mine = Counter(said for one in own if (said := test(one)) is not None)
        hits, n = mine[True], mine.total()
        if n < FEWEST or total.total() == n:
            continue
        others, rest = total[True] - hits, total.total() - n
        more = hits * rest > others * n
        p = fisher(hits, n - hits, others, rest - others) if more else 1.0
        behind = [one for one in own if test(one)]
        yield Found(kind, who, own[-1].name, hits, n, n * others / rest, p, behind, _provinces(own))


def _bursts(by: Mapping[uuid.UUID, Sequence[Seen]], seen: Sequence[Seen]) -> Iterator[Found]:
    """The day that stands out most, against his part of what all got that day (Poisson, corrected for the days)."""
    days = Counter(_day(one) for one in seen)
    for who, own in by.items():
        mine = Counter(_day(one) for one in own)
        usual = {day: len(own) * days[day] / len(seen) for day in mine}
        chances = {day: poisson_tail(n, usual[day]) for day, n in mine.items()}
        worst = min(chances, key=lambda day: chances[day])
        behind = [one for one in own if _day(one) == worst]
        p = min(1.0, chances[worst] * len(days))
        yield Found("burst", who, own[-1].name, mine[worst], len(own), usual[worst], p, behind, _provinces(own))


def _raters(seen: Sequence[Seen]) -> Iterator[Found]:
    """One rater for several hospitals: how many of his ratings are of another than his usual one."""
    by: dict[str, list[Seen]] = {}
    for one in seen:
        by.setdefault(one.rater, []).append(one)
    outside = {rater: len(own) - Counter(one.hospital for one in own).most_common(1)[0][1] for rater, own in by.items()}
    several = {rater: own for rater, own in by.items() if len(own) >= FEWEST_OF_RATER}
    all_out, all_n = sum(outside[rater] for rater in several), sum(map(len, several.values()))
    for rater, own in several.items():
        n, hits = len(own), outside[rater]
        share = (all_out - hits + 1) / (all_n - n + 2)
        p = 1 - tail_below(hits - 1, n, share) if hits else 1.0
        usual = Counter(one.hospital for one in own).most_common(1)[0][0]
        behind = [one for one in own if one.hospital != usual]
        yield Found("rater", None, "", hits, n, n * share, max(0.0, p), behind, _provinces(own))


def _gap(one: Asked) -> Found:
    fewer = one.asked * one.others < one.others_asked * one.jobs
    missed, others = one.jobs - one.asked, one.others - one.others_asked
    p = fisher(missed, one.asked, others, one.others_asked) if fewer else 1.0
    return Found(one.kind, one.who, one.label, missed, one.jobs, one.jobs * others / one.others, p, (), one.provinces)


def _day(one: Seen) -> object:
    return one.answered_at.astimezone(SHANGHAI).date()


def _provinces(own: Sequence[Seen]) -> list[str]:
    return sorted({one.province for one in own})
