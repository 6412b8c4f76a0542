"""Sums by day of `/tickets/report`: equal to the rows whatever happens to these, before and after each run."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.cli.database import downgrade, upgrade
from app.core import clock
from app.core.db import db, new_id
from app.core.policy import Actor
from app.core.web import Portal
from app.hospitals.span import Span
from app.staff.roles import Role
from app.tickets.models import SlaClock, StaleDay, Ticket, TicketDay
from app.tickets.reports import figures, sums
from app.tickets.service import daily
from tests.features.tickets.pages import NOON, Office, at_noon
from tests.features.tickets.people import DAY, HOUR, MONDAY, staff

ROOT = Path(__file__).resolve().parents[3]
MIDNIGHT = MONDAY - 9 * HOUR  # in China
SPANS = (Span(MIDNIGHT - 200 * DAY, MIDNIGHT + 3 * DAY), Span(MIDNIGHT - 40 * DAY, MIDNIGHT - 30 * DAY))
LEAD = staff(Role.TRIAGER, lead=True)
SOUTH = staff(Role.TRIAGER, lead=True, provinces=frozenset({"44", "46"}))
MODELS, FAULTS, PRIORITIES = ("CV-290", "GIF-H290", None), ("leak", "image", ""), ("p1", "p3", None)
STATUSES = ("submitted", "to_dispatch", "closed", "cancelled", "rejected", "merged")
METRICS = ("first_touch", "response", "resolution")
T, C = Ticket, SlaClock
PLAIN = {"synchronize_session": False}


@pytest.fixture
def o(app: Portal) -> Iterator[Office]:
    with at_noon(app) as found:
        yield found


class World:
    """Rows as anybody might leave them, and every kind of change to one of them."""

    def __init__(self, o: Office, seed: int) -> None:
        self.rng, self.o, self.ids = random.Random(seed), o, list[Any]()
        ref = o.report("样例")
        with o.work():
            first = db.session.get_one(Ticket, ref.id)
            self.like = {"subject_id": first.subject_id, "hospital_id": first.hospital_id, "source": "phone"}

    def moment(self) -> datetime:
        return NOON - timedelta(minutes=self.rng.randrange(180 * 1440))

    def report(self) -> None:
        """A report of any day: imported ones come late."""
        r, ticket_id, at = self.rng, new_id(), self.moment()
        row = {
            **self.like, "id": ticket_id, "number": f"TKT-X{len(self.ids):06}", "province": r.choice(("31", "44", "46")),
            "device_model": r.choice(MODELS), "serial_number": r.choice(("7000001", "7000002", "7000003", None)),
            "status": r.choice(STATUSES), "version": 1, "opened_at": at, "changed_at": at,
            "priority": r.choice(PRIORITIES), "fault_class": r.choice(FAULTS),
        }  # fmt: skip
        db.session.execute(sa.insert(T), [row])
        db.session.execute(sa.insert(C), [self.clock(ticket_id, at, metric) for metric in METRICS])
        self.ids.append(ticket_id)

    def clock(self, ticket_id: Any, at: datetime, metric: str) -> dict[str, Any]:
        stopped = at + timedelta(hours=self.rng.randrange(200)) if self.rng.random() < 0.7 else None
        return {
            "id": new_id(), "ticket_id": ticket_id, "cycle": 1, "metric": metric, "policy_version": 1,
            "budget_seconds": 3600, "started_at": at, "due_at": at + DAY, "stopped_at": stopped,
            "outcome": self.rng.choice(("in_time", "late", "void")) if stopped else "",
        }  # fmt: skip

    def change(self) -> None:
        """One column of one ticket, as a verb, a job or a hand would."""
        r = self.rng
        name, value = r.choice(
            (
                ("status", r.choice(STATUSES)), ("province", r.choice(("31", "44", "46"))),
                ("device_model", r.choice(MODELS)), ("serial_number", r.choice(("7000001", "7000002", None))),
                ("fault_class", r.choice(FAULTS)), ("priority", r.choice(PRIORITIES)), ("opened_at", self.moment()),
            )
        )  # fmt: skip
        where = T.id == r.choice(self.ids)
        db.session.execute(sa.update(T).where(where).values(**{name: value}), execution_options=PLAIN)

    def stop(self) -> None:
        """A clock stops, goes on again, or is found to have kept its promise after all."""
        r = self.rng
        values: dict[str, Any] = {"stopped_at": self.moment(), "outcome": r.choice(("in_time", "late"))}
        if r.random() < 0.3:
            values = {"stopped_at": None, "outcome": ""}
        where = (C.ticket_id == r.choice(self.ids), C.metric == r.choice(METRICS))
        db.session.execute(sa.update(C).where(*where).values(**values), execution_options=PLAIN)

    def remove(self) -> None:
        where = (C.ticket_id == self.rng.choice(self.ids), C.metric == "response")
        db.session.execute(sa.delete(C).where(*where), execution_options=PLAIN)

    def live(self, times: int) -> None:
        acts: tuple[Callable[[], None], ...] = (
            self.report,
            self.change,
            self.change,
            self.stop,
            self.stop,
            self.remove,
        )
        with self.o.work():
            for _n in range(times):
                self.rng.choice(acts if self.ids else (self.report,))()


def read(actor: Actor, span: Span, province: str | None) -> tuple[Any, Any]:
    """The figures as the report reads them, and as the rows say."""
    span = Span(span.since, span.until, province)
    found = sums.days(span)
    return (
        sums.arrivals(actor, found), sums.solved(actor, found), sums.kept(actor, found),
        sums.repeats(actor, found), sums.faults(actor, found),
    ), (
        figures.arrivals(actor, span), figures.solved(actor, span), figures.kept(actor, span),
        figures.repeats(actor, span), figures.faults(actor, span),
    )  # fmt: skip


def same(o: Office) -> None:
    with o.work():
        for actor, province in ((LEAD, None), (LEAD, "44"), (SOUTH, None), (SOUTH, "46")):
            for span in SPANS:
                got, wanted = read(actor, span, province)
                assert got == wanted, (province, span)


@pytest.mark.parametrize("seed", [1, 2])
def test_sums_equal_the_rows_after_random_histories_before_and_after_each_run(o: Office, seed: int) -> None:
    world = World(o, seed)
    for _round in range(6):
        world.live(40)
        same(o)
        with o.app.app_context():
            daily.sum_all_stale()
        with o.work():
            assert db.session.scalar(sa.select(sa.func.count()).select_from(StaleDay)) == 0
        same(o)
    with o.work():
        whole = sa.select(sa.func.sum(TicketDay.n)).where(TicketDay.kind == "arrived", TicketDay.province == "")
        assert db.session.scalar(whole) == len(world.ids) + 1


def test_a_change_names_its_days_and_a_step_of_the_work_that_counts_nothing_names_none(o: Office) -> None:
    world = World(o, 3)
    world.live(30)
    with o.app.app_context():
        daily.sum_all_stale()
    ref = world.ids[0]
    with o.work():
        still = sa.update(T).where(T.id == ref).values(triager_name="样例", version=T.version + 1)
        db.session.execute(still, execution_options=PLAIN)
        assert db.session.scalars(sa.select(StaleDay.day)).all() == []
        opened = db.session.get_one(Ticket, ref).opened_at.astimezone(clock.SHANGHAI).date()
        change = sa.update(T).where(T.id == ref).values(fault_class="other")
        db.session.execute(change, execution_options=PLAIN)
        assert opened in db.session.scalars(sa.select(StaleDay.day)).all()


def test_a_run_that_breaks_off_loses_no_day(o: Office) -> None:
    world = World(o, 4)
    world.live(30)
    with o.work():
        named = set(db.session.scalars(sa.select(StaleDay.day)))
    with pytest.raises(RuntimeError), o.work():
        assert daily.sum_stale() > 0
        raise RuntimeError("the worker is killed")
    with o.work():
        assert set(db.session.scalars(sa.select(StaleDay.day))) == named
    same(o)


def test_the_command_makes_all_sums_anew(o: Office) -> None:
    World(o, 5).live(30)
    with o.app.app_context():
        daily.sum_all_stale()
    with o.work():
        db.session.execute(sa.update(TicketDay).values(n=999), execution_options=PLAIN)
    answer = o.app.test_cli_runner().invoke(args=["tickets", "sum-days"])
    assert answer.exit_code == 0 and "days summed" in answer.output
    same(o)


def test_the_migration_names_every_day_of_what_is_there(o: Office, app: Portal) -> None:
    World(o, 6).live(30)
    with o.app.app_context():
        daily.sum_all_stale()
    (found,) = (ROOT / "migrations/versions").glob("*_ticket_days.py")
    downgrade(app, f"{int(found.name[:4]) - 1:04d}")
    upgrade(app)
    same(o)
    with o.work():
        named = set(db.session.scalars(sa.select(StaleDay.day)))
        opened = {at.astimezone(clock.SHANGHAI).date() for at in db.session.scalars(sa.select(T.opened_at))}
        assert opened <= named
