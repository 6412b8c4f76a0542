"""The rule of who reads what: own and department tickets through grants, against a plain query of one's own."""

from __future__ import annotations

import random
import statistics
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from app.core import clock, keys, numbers
from app.core.db import UtcDateTime, db, new_id
from app.core.policy import Actor
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.customers.models import Customer, CustomerProfile
from app.grants.lookback import GENERAL
from app.grants.models import Grant, GrantNode
from app.grants.scope import bound, visible
from app.hospitals.models import Department, Hospital
from app.registrations.models import Registration
from app.tickets.models import Ticket, TicketEvent
from app.tickets.queries import readable
from bench import copies
from bench.measure import Backends
from bench.portals import portal
from bench.registry import Run, bench

BATCH = 10_000
WARDS = 4  # departments of a hospital
MADE = 20_000  # tickets of the world that is made row by row; the rest are copies of that world, made by the database
READERS = 40  # people whose reads are timed; each has 40 own tickets of the last year
T = Ticket


@bench("scope")
def scope(run: Run) -> None:
    """List, count and one ticket: own and department through grants, against a plain query of one's own."""
    for database in run.databases:
        for size in run.sizes:
            with portal(database.url) as app:
                began = time.monotonic()
                readers = fill(app, size)
                run.line(f"  {database.name}: {size:,} tickets filled in {time.monotonic() - began:.0f} s")
                with app.test_request_context("/api/v1/tickets"):  # business numbers are read once per request
                    numbers.get(GENERAL)
                    figures = _measure(readers, max(20, run.requests // 2))
                    grants = max(READERS, size // 200)
                    run.line(f"  {database.name}, {size:,} tickets, {size // 10:,} customers, {grants:,} active grants")
                    for name, (ours, plain, ratio) in figures.items():
                        run.line(
                            f"    {name:<8} {ours * 1e3:7.3f} ms   plain own {plain * 1e3:7.3f} ms   × {ratio:.2f}"
                        )
                    if size == run.sizes[-1]:
                        for line in plan(readers[0]):
                            run.line(f"      {line}")


def fill(app: Portal, count: int, seed: int = 11) -> list[uuid.UUID]:
    """A world of hospitals, departments, people, grants over two departments, tickets; and copies of it.

    A larger table has more hospitals, not larger ones. Returns people whose reads are timed, spread over the copies.
    """
    made = min(count, MADE)
    with app.app_context():
        granted = _world(made, seed)
        copies.worlds(count // made, WORLD, frozenset({("ticket", "subject_id")}))
        copies.settle()
    times = count // made
    return [_copy_of(p, n * times // READERS) for n, p in enumerate(granted[:READERS])]


WORLD = (Hospital, Department, Customer, Registration, CustomerProfile, Grant, GrantNode, Ticket)


def _copy_of(person: uuid.UUID, k: int) -> uuid.UUID:
    return uuid.UUID(f"{k:08x}{person.hex[8:]}") if k else person


def _world(count: int, seed: int) -> list[uuid.UUID]:
    rng, now = random.Random(seed), clock.now()
    hospitals = [new_id() for _n in range(max(20, count // 500))]
    wards = [(new_id(), h) for h in hospitals for _n in range(WARDS)]
    people = [new_id() for _n in range(max(READERS * 2, count // 10))]
    granted = people[: max(READERS, count // 200)]
    with unit_of_work():
        subject = keys.new_subject()
    places = {p: wards[rng.randrange(len(wards))] for p in people}
    _insert(Hospital, (_hospital(h) for h in hospitals))
    _insert(Department, (_department(w, h) for w, h in wards))
    _insert(Customer, (_person(p, now) for p in people))
    _insert(Registration, (_registration(p, now) for p in granted))
    _insert(CustomerProfile, (_profile(p, places[p], now) for p in people))
    grants = [(new_id(), p) for p in granted]
    _insert(Grant, (_grant(g, p, places[p], now) for g, p in grants))
    _insert(GrantNode, _nodes(grants, places, wards))
    _insert(Ticket, _tickets(rng, count, now, wards, people, subject))
    return granted


def _hospital(h: uuid.UUID) -> dict[str, Any]:
    named = {"code": h.hex[-20:], "name": h.hex, "name_key": h.hex, "aliases": []}
    return {"id": h, **named, "province": "31", "city": "", "active": True}


def _department(w: uuid.UUID, h: uuid.UUID) -> dict[str, Any]:
    return {"id": w, "hospital_id": h, "name": w.hex[-6:], "name_key": w.hex, "active": True}


def _person(p: uuid.UUID, now: Any) -> dict[str, Any]:
    return {"id": p, "subject_id": p, "created_at": now, "last_used_at": now, "name_failures": 0, "version": 1}


def _profile(p: uuid.UUID, place: tuple[uuid.UUID, uuid.UUID], now: Any) -> dict[str, Any]:
    return {
        "id": new_id(), "customer_id": p, "subject_id": p, "registration_id": p, "hospital_id": place[1],
        "department_id": place[0], "position": "护士长", "title": "护师", "effective_at": now - timedelta(days=400),
    }  # fmt: skip


def _registration(p: uuid.UUID, now: Any) -> dict[str, Any]:
    return {
        "id": p, "number": p.hex[-20:], "subject_id": p, "customer_id": p, "status": "approved", "version": 1,
        "round": 1, "evidence_version": 1, "changed_at": now, "submitted_at": now, "due_at": now, "hospital_text": "",
        "department_text": "",
    }  # fmt: skip


def _grant(g: uuid.UUID, p: uuid.UUID, place: tuple[uuid.UUID, uuid.UUID], now: Any) -> dict[str, Any]:
    return {
        "id": g, "number": f"GRT-{g.hex[-14:]}", "customer_id": p, "subject_id": p, "status": "active", "version": 2,
        "changed_at": now, "hospital_id": place[1], "province": "31", "home_department_id": place[0],
        "position": "护士长", "title": "护师", "registration_id": p, "policy_version": 1, "over_limits": [],
        "lookback_months": 24, "starts_at": now - timedelta(days=30), "ends_at": now + timedelta(days=150),
        "requested_kind": "staff", "requested_by": p, "requested_name": "", "requested_at": now, "endorsed_name": "",
        "approved_name": "", "approved_at": now,
    }  # fmt: skip


def _nodes(grants: Any, places: Any, wards: Any) -> Any:
    by_hospital: dict[uuid.UUID, list[uuid.UUID]] = {}
    for w, h in wards:
        by_hospital.setdefault(h, []).append(w)
    for g, p in grants:
        for n, w in enumerate(by_hospital[places[p][1]][:2]):
            yield {"id": new_id(), "grant_id": g, "place": n, "department_id": w, "include_children": False}


def _tickets(rng: random.Random, count: int, now: Any, wards: Any, people: Any, subject: uuid.UUID) -> Any:
    for n in range(count):
        reader = n < READERS * 40
        ward, hospital = wards[rng.randrange(len(wards))]
        at = now - timedelta(minutes=rng.randint(10, 300 * 1440 if reader else 900 * 1440))
        owner = people[n % READERS] if reader else people[rng.randrange(READERS, len(people))]
        yield {
            "id": new_id(), "number": f"TKT-B{n:012d}", "subject_id": subject, "customer_id": owner, "source": "phone",
            "hospital_id": hospital, "province": "31", "reporter_department_id": ward, "device_department_id": ward,
            "device_model": "CV-290", "serial_number": f"{n % 9_999_999:07d}", "status": "closed", "version": 2,
            "opened_at": at, "changed_at": at,
        }  # fmt: skip


def _insert(table: Any, rows: Any) -> None:
    """In batches, one unit of work each."""
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            _flush(table, batch)
            batch = []
    if batch:
        _flush(table, batch)


def _flush(table: Any, batch: list[dict[str, Any]]) -> None:
    with unit_of_work():
        db.session.execute(sa.insert(table), batch)


def _measure(readers: list[uuid.UUID], count: int) -> dict[str, tuple[float, float, float]]:
    theirs = {p: _department_number(p) for p in readers}
    mine = {p: _own_number(p) for p in readers}
    backends = Backends(str(db.engine.url.render_as_string(hide_password=False)))  # those that are connected by now
    pairs: dict[str, tuple[Callable[[uuid.UUID], Any], Callable[[uuid.UUID], Any]]] = {
        "list": (lambda p: readable.page(_reader(p), limit=20), _plain_list),
        "count": (lambda p: readable.count(_reader(p)), _plain_count),
        "detail": (lambda p: readable.one(_reader(p), theirs[p]), lambda p: _plain_one(p, mine[p])),
    }
    found = {}
    for name, (ours, plain) in pairs.items():
        samples: list[tuple[float, float]] = []
        for n in range(count):
            order = (ours, plain) if n % 2 else (plain, ours)
            took = {}
            for call in order:
                before, server = time.process_time(), backends.seconds()
                for k in range(5):
                    with unit_of_work(write=False):  # as a request reads
                        call(readers[(n * 5 + k) % len(readers)])
                took[call] = (time.process_time() - before + backends.seconds() - server) / 5
            samples.append((took[ours], took[plain]))
        found[name] = (
            statistics.median(s[0] for s in samples), statistics.median(s[1] for s in samples),
            statistics.median(a / b for a, b in samples if b),
        )  # fmt: skip
    return found


def _reader(customer_id: uuid.UUID) -> readable.Reader:
    return readable.reader(Actor("customer", customer_id))


def _columns() -> Any:
    one, other = sa.orm.aliased(Department), sa.orm.aliased(Department)
    return (
        sa.select(
            T.id, T.number, T.opened_at, T.closed_at, T.status, T.hospital_id, Hospital.name, T.reporter_department_id,
            one.name, T.device_department_id, other.name, T.device_model, T.serial_number, T.subject_id, T.fault_sealed,
        )
        .join(Hospital, Hospital.id == T.hospital_id)
        .outerjoin(one, one.id == T.reporter_department_id)
        .outerjoin(other, other.id == T.device_department_id)
    )  # fmt: skip


# The plain statements, built once as ours are: they hold names of values
OWNER, SINCE = sa.bindparam("owner", type_=sa.Uuid()), sa.bindparam("since", type_=UtcDateTime())
OWN = (T.customer_id == OWNER, T.opened_at >= SINCE)


def _values(customer_id: uuid.UUID, **more: Any) -> dict[str, Any]:
    return {"owner": customer_id, "since": clock.now() - timedelta(days=365), **more}


@lru_cache(maxsize=1)
def _list_statement() -> Any:
    return _columns().where(*OWN).order_by(T.opened_at.desc(), T.id.desc()).limit(20)


@lru_cache(maxsize=1)
def _count_statement() -> Any:
    return sa.select(sa.func.count()).where(*OWN)


@lru_cache(maxsize=1)
def _one_statement() -> Any:
    return _columns().where(T.number == sa.bindparam("number"), *OWN)


@lru_cache(maxsize=1)
def _steps_statement() -> Any:
    e = TicketEvent
    return sa.select(e.at, e.action, e.status_to).where(e.ticket_id == sa.bindparam("ticket")).order_by(e.version)


def _plain_list(customer_id: uuid.UUID) -> Any:
    rows = db.session.execute(_list_statement(), _values(customer_id)).all()
    keys.keystore.load({row.subject_id for row in rows})
    return [tuple(row) for row in rows]


def _plain_count(customer_id: uuid.UUID) -> Any:
    return db.session.execute(_count_statement(), _values(customer_id)).scalar_one()


def _plain_one(customer_id: uuid.UUID, number: str) -> Any:
    row = db.session.execute(_one_statement(), _values(customer_id, number=number)).one()
    keys.keystore.load({row.subject_id})
    return row, db.session.execute(_steps_statement(), {"ticket": row.id}).all()


def _department_number(customer_id: uuid.UUID) -> str:
    rows = readable.page(_reader(customer_id), limit=100).rows
    return next((row.number for row in rows if row.opened_by is not None), rows[0].number)


def _own_number(customer_id: uuid.UUID) -> str:
    return str(db.session.scalar(sa.select(T.number).where(*OWN).limit(1), _values(customer_id)))


def plan(customer_id: uuid.UUID) -> list[str]:
    """How the database reads a page of the scope."""
    page = visible(readable.RECORDS, newest=21)
    query = sa.select(page).order_by(page.c.at.desc()).limit(21)
    head = "EXPLAIN QUERY PLAN " if db.engine.dialect.name == "sqlite" else "EXPLAIN "
    found = db.session.connection().execute(_Explain(head, query), bound(customer_id, clock.now()))
    assert found.cursor is not None
    return [str(row[-1]) for row in found.cursor.fetchall()]  # rows of the plan, not of what it is a plan of


class _Explain(sa.sql.expression.Executable, sa.sql.expression.ClauseElement):
    """EXPLAIN before a statement whose values stay parameters, as they are when it is read."""

    inherit_cache = False

    def __init__(self, head: str, statement: Any) -> None:
        self.head, self.statement = head, statement


@compiles(_Explain)
def _explain(element: _Explain, compiler: Any, **kw: Any) -> str:
    return element.head + compiler.process(element.statement, **kw)
