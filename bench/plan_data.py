"""Weeks to be planned, drawn from a seed: people and hospitals around the towns of some provinces."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from app.dispatch.planner.snapshot import Job, Limits, Pair, Person, Slot, Snapshot

SLOTS = 10  # five days of two halves
HALF_MINUTES = (0, 270)  # where the two halves of a day begin, after nine o'clock
DAY = 1440
HALF_DAY = 300  # what fits into a half day, minutes of way and work
SKILLS = ("scope", "processor", "light", "reprocessor")
PRIORITIES, SHARES = ("p1", "p2", "p3", "p4"), (5, 20, 55, 20)
DUE_DAYS = {"p1": (0, 1), "p2": (0, 2), "p3": (1, 5), "p4": (3, 9)}
KM_AN_HOUR, START_MINUTES = 50.0, 15.0


@dataclass(frozen=True, slots=True)
class Size:
    """So many tickets for so many people in so many provinces."""

    tickets: int
    people: int
    provinces: int

    def __str__(self) -> str:
        return f"{self.tickets:,} × {self.people} in {self.provinces}"


def week(size: Size, seed: int, limits: Limits | None = None) -> Snapshot:
    """The same week for the same size and seed."""
    rng = random.Random(f"{size}:{seed}")
    slots = tuple(Slot("", "", day * DAY + begins) for day in range(SLOTS // 2) for begins in HALF_MINUTES)
    towns = [[(rng.gauss(0, 90), rng.gauss(0, 90)) for _ in range(5)] for _ in range(size.provinces)]
    centres = [(rng.uniform(0, 1500), rng.uniform(0, 1500)) for _ in range(size.provinces)]
    people, about = [], []
    for n in range(size.people):
        person, known = _person(rng, n, size.provinces, centres, towns)
        people.append(person)
        about.append(known)
    hospitals = [
        (p := n % size.provinces, _near(rng, centres[p], rng.choice(towns[p]), 25))
        for n in range(max(size.provinces * 6, size.tickets // 2))
    ]
    jobs = tuple(_job(rng, n, about, hospitals) for n in range(size.tickets))
    return Snapshot(slots, tuple(people), jobs, limits or Limits())


@dataclass(frozen=True, slots=True)
class _About:
    provinces: frozenset[int]
    skills: frozenset[str]
    at: tuple[float, float]
    here: frozenset[int]  # half days on which he works


def _person(
    rng: random.Random, n: int, provinces: int, centres: list[tuple[float, float]],
    towns: list[list[tuple[float, float]]],
) -> tuple[Person, _About]:  # fmt: skip
    """A quarter are dealers; one in eight serves a second province; one in twelve is away for two days."""
    home, dealer = n % provinces, rng.random() < 0.25
    served = {home} | ({rng.randrange(provinces)} if rng.random() < 0.125 else set())
    skills = frozenset(rng.sample(SKILLS, rng.choice((1, 2, 2, 3)))) if not dealer else frozenset(SKILLS)
    gone = set(range(day := 2 * rng.randrange(4), day + 4)) if rng.random() < 1 / 12 else set()
    most = rng.choice((1, 1, 2))
    room = tuple(0 if slot in gone else max(0, most - (rng.random() < 0.35)) for slot in range(SLOTS))
    at = _near(rng, centres[home], rng.choice(towns[home]), 8)
    held = sum(most - free for slot, free in enumerate(room) if slot not in gone)
    here = frozenset(slot for slot in range(SLOTS) if room[slot] > 0)
    return Person(f"person{n}", "dealer" if dealer else "engineer", room, held), _About(
        frozenset(served), skills, at, here
    )  # fmt: skip


def _job(rng: random.Random, n: int, about: list[_About], hospitals: list[tuple[int, tuple[float, float]]]) -> Job:
    which = rng.randrange(len(hospitals))
    province, at = hospitals[which]
    priority, skill = rng.choices(PRIORITIES, SHARES)[0], rng.choice(SKILLS)
    first, last = DUE_DAYS[priority]
    service, pairs = rng.choice((30, 120, 120)), []
    for index, known in enumerate(about):
        if province in known.provinces and skill in known.skills:
            way = round(math.dist(at, known.at) / KM_AN_HOUR * 60 + START_MINUTES)
            halves = 1 if service + 2 * way <= HALF_DAY else 2
            slots = tuple(s for s in sorted(known.here) if halves == 1 or (s % 2 == 0 and s + 1 in known.here))
            if slots:
                pairs.append(Pair(index, slots, way, halves))
    due = rng.randint(first * DAY, last * DAY) + 240
    return Job(
        f"ticket{n}", f"TKT-{n:06}", 1, f"{province:02}", f"hospital{which}", priority, service, due,
        tuple(pairs),
    )  # fmt: skip


def _near(
    rng: random.Random, centre: tuple[float, float], town: tuple[float, float], spread: float
) -> tuple[float, float]:  # fmt: skip
    return centre[0] + town[0] + rng.gauss(0, spread), centre[1] + town[1] + rng.gauss(0, spread)
