"""The rule of who reads what, told again in plain Python, and random worlds to try it on. Knows no SQL of the portal."""

from __future__ import annotations

import calendar
import random
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

NOW = datetime(2026, 3, 31, 15, 30, tzinfo=ZoneInfo("UTC"))  # a month's last day in China: months differ in length
CHINA = ZoneInfo("Asia/Shanghai")
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
OWN_MONTHS = 12
LOOKBACKS = (3, 6, 12, 18, 24, 36)


@dataclass
class Ward:
    id: uuid.UUID
    hospital: uuid.UUID
    parent: uuid.UUID | None = None
    merged_into: uuid.UUID | None = None


@dataclass
class Profile:
    effective: datetime
    ended: datetime | None
    suspended: datetime | None
    hospital: uuid.UUID
    ward: uuid.UUID
    position: str
    title: str
    badge_until: date | None


@dataclass
class Given:
    """A grant: what was frozen, and its departments as (id, parent then, removed)."""

    status: str
    starts: datetime
    ends: datetime
    review_due: datetime | None
    pause_until: datetime | None
    hospital: uuid.UUID
    ward: uuid.UUID
    position: str
    title: str
    months: int
    nodes: list[tuple[uuid.UUID, uuid.UUID | None, bool]]


@dataclass
class Record:
    number: str
    owner: uuid.UUID | None
    ward: uuid.UUID | None
    at: datetime


@dataclass
class Person:
    id: uuid.UUID
    profiles: list[Profile] = field(default_factory=list)
    grants: list[Given] = field(default_factory=list)


@dataclass
class World:
    hospitals: dict[uuid.UUID, bool]  # id -> merged away
    wards: dict[uuid.UUID, Ward]
    people: list[Person]
    records: list[Record]


def back(months: int) -> datetime:
    """The same day and time earlier, or the last day of a shorter month."""
    local = NOW.astimezone(CHINA)
    year, month = local.year, local.month
    for _n in range(months):
        year, month = (year - 1, 12) if month == 1 else (year, month - 1)
    return local.replace(year=year, month=month, day=min(local.day, calendar.monthrange(year, month)[1]))


def in_force(person: Person) -> Profile | None:
    begun = [p for p in person.profiles if p.effective <= NOW and (p.ended is None or p.ended > NOW)]
    return max(begun, key=lambda p: p.effective) if begun else None


def opens(world: World, person: Person, given: Given) -> bool:
    """Whether a grant is active at this moment."""
    p = in_force(person)
    if given.status not in ("active", "scheduled") or not given.starts <= NOW < given.ends:
        return False
    if given.review_due is not None and given.review_due <= NOW:
        return False
    if p is None or (p.suspended is not None and p.suspended <= NOW):
        return False
    if (p.hospital, p.ward, p.position, p.title) != (given.hospital, given.ward, given.position, given.title):
        return False
    if p.badge_until is not None and p.badge_until < NOW.astimezone(CHINA).date():
        return False
    if world.hospitals[given.hospital]:
        return False
    live = [(world.wards[ward], parent) for ward, parent, removed in given.nodes if not removed]
    return all(w.merged_into is None and w.hospital == given.hospital and w.parent == parent for w, parent in live)


def mine(person: Person, record: Record) -> bool:
    return record.owner == person.id and record.at >= back(OWN_MONTHS)


def theirs(world: World, person: Person, record: Record) -> bool:
    return any(
        record.ward == ward and not removed and record.at >= back(given.months)
        for given in person.grants
        if opens(world, person, given)
        for ward, _parent, removed in given.nodes
    )


def any_open(world: World, person: Person) -> bool:
    return any(opens(world, person, g) and any(not removed for _w, _p, removed in g.nodes) for g in person.grants)


def make(rng: random.Random, number: int) -> World:
    """A small world full of edges: a second before, at, and a second after what decides."""
    new = lambda: uuid.UUID(int=rng.getrandbits(128), version=4)
    near = lambda at: at + rng.choice((-SECOND, timedelta(), SECOND, -DAY, DAY, 40 * DAY, -40 * DAY))
    maybe = lambda value, chance: value if rng.random() < chance else None
    hospital, other = new(), new()
    wards: dict[uuid.UUID, Ward] = {}
    for _n in range(5):
        ward = Ward(new(), hospital, maybe(rng.choice(list(wards)) if wards else None, 0.3))
        wards[ward.id] = ward
    people = [Person(new()) for _n in range(2)]
    ids = list(wards)
    for person in people:
        home = rng.choice(ids)
        facts = dict(hospital=hospital, ward=home, position="护士长", title="主管护师")
        for p in range(rng.choice((1, 1, 1, 2))):
            changed = {
                **facts,
                **(
                    rng.choice(({}, {}, {"title": "护师"}, {"position": "护士"}, {"ward": rng.choice(ids)}))
                    if p
                    else {}
                ),
            }
            person.profiles.append(
                Profile(
                    near(NOW - 300 * DAY) if p == 0 else near(NOW), maybe(near(NOW), 0.1), maybe(near(NOW), 0.1),
                    badge_until=maybe(NOW.astimezone(CHINA).date() + timedelta(days=rng.choice((-1, 0, 1, 90))), 0.3), **changed,
                )
            )  # fmt: skip
        for _g in range(rng.choice((0, 1, 1, 2))):
            start = near(rng.choice((NOW, NOW - 100 * DAY)))
            chosen = rng.sample(ids, rng.randint(1, 3))
            person.grants.append(
                Given(
                    rng.choice(("active", "active", "active", "scheduled", "paused", "expired", "revoked", "renewed")),
                    start, max(near(rng.choice((NOW, NOW + 200 * DAY))), start + SECOND), maybe(near(NOW), 0.15),
                    maybe(near(NOW), 0.5), months=rng.choice(LOOKBACKS),
                    nodes=[(w, wards[w].parent, rng.random() < 0.15) for w in chosen], **facts,
                )
            )  # fmt: skip
    hospitals = {hospital: rng.random() < 0.04, other: False}
    for ward in wards.values():  # the tree changes after the grants
        if rng.random() < 0.06:
            ward.merged_into = rng.choice([w for w in ids if w != ward.id])
        elif rng.random() < 0.05:
            ward.parent = None if ward.parent else rng.choice([w for w in ids if w != ward.id])
    records = [
        Record(
            f"TKT-W{number:04d}-{n:02d}", rng.choice((None, people[0].id, people[1].id)), maybe(rng.choice(ids), 0.9),
            rng.choice((near(back(rng.choice((OWN_MONTHS, *LOOKBACKS)))), NOW - rng.randint(1, 1000) * DAY)),
        )
        for n in range(10)
    ]  # fmt: skip
    return World(hospitals, wards, people, records)
