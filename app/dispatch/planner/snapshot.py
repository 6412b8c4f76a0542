"""The whole input of a plan as plain values, written to JSON and read back without loss.

Whom a ticket may go to, and in which half days, was asked of the rule engine when the snapshot was made; a ticket
nobody may take has no pairs and stays unplaced. An empty list never means "everybody".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Slot:
    """A half day. ``begins`` in minutes after the first slot's beginning; the instants are for those who apply."""

    since: str
    until: str
    begins: int


@dataclass(frozen=True, slots=True)
class Person:
    """An engineer or a dealer: ``room`` per half day, and the visits of the week that stay as they are."""

    id: str
    kind: str
    room: tuple[int, ...]
    load: int = 0


@dataclass(frozen=True, slots=True)
class Pair:
    """Somebody who may take the ticket, beginning in one of these half days.

    ``way``: minutes from his base, None where coordinates are missing; ``halves``: 2 where way, work and way back do
    not fit into one, so that the day is gone.
    """

    person: int
    slots: tuple[int, ...]
    way: int | None
    halves: int = 1

    def taken(self, slot: int) -> range:
        """The half days that are used up."""
        return range(slot, slot + self.halves)


@dataclass(frozen=True, slots=True)
class Job:
    """A ticket. ``due``: minutes after the first slot's beginning, None without a deadline; ``current``: its live
    offer as (person, slot), which is not counted in ``room`` and ``load``."""

    id: str
    number: str
    version: int
    province: str
    place: str
    priority: str
    service: int
    due: int | None
    pairs: tuple[Pair, ...]
    current: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """``effort``: the solver's own, deterministic seconds per part; ``seconds``: the hard end by the clock."""

    effort: float = 8.0
    seconds: float = 120.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is planned for whom."""

    slots: tuple[Slot, ...]
    people: tuple[Person, ...]
    jobs: tuple[Job, ...]
    limits: Limits = field(default_factory=Limits)
    format: int = FORMAT


def to_json(snapshot: Snapshot) -> str:
    """The same text for the same values."""
    return json.dumps(asdict(snapshot), separators=(",", ":"), sort_keys=True)


def from_json(text: str) -> Snapshot:
    """Raises ValueError for a text of another format."""
    found = json.loads(text)
    if found.get("format") != FORMAT:
        raise ValueError(f"a snapshot of format {found.get('format')}, not {FORMAT}")
    return Snapshot(
        tuple(Slot(**one) for one in found["slots"]),
        tuple(Person(**one | {"room": tuple(one["room"])}) for one in found["people"]),
        tuple(_job(one) for one in found["jobs"]),
        Limits(**found["limits"]),
    )


def _job(one: Mapping[str, Any]) -> Job:
    pairs = tuple(Pair(**pair | {"slots": tuple(pair["slots"])}) for pair in one["pairs"])
    current = (one["current"][0], one["current"][1]) if one["current"] is not None else None
    return Job(**{**one, "pairs": pairs, "current": current})
