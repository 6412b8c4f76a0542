"""Short words for the depot: people with the rights of its roles, and a ticket on its way through, by the services."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from app.core import clock
from app.core.db import db
from app.core.policy import SYSTEM, Actor
from app.staff.roles import Role
from app.tickets import service
from app.tickets.bench import RELEASE_TESTS
from app.tickets.facts import EligibilityProof, Facts
from app.tickets.models import Quote, Ticket
from app.tickets.service import Seen, depot, depot_quote, depot_release, field, move
from app.tickets.service.depot import Received, Sending, Wanted
from app.tickets.service.depot_quote import Line, Offer
from app.tickets.service.depot_release import Measured
from app.tickets.service.field import Collected
from tests.features.registrations.story import photo
from tests.features.tickets.people import COMPLETE, Desk, desk, staff

SERIAL, SEAL = "1234567", "F-0071"
IN_A_YEAR = timedelta(days=365)


@dataclass
class Shop:
    """A desk with an engineer, two repairers, two testers, a dispatcher, and one ticket."""

    desk: Desk
    engineer: Actor
    repairer: Actor
    second: Actor
    tester: Actor
    dispatcher: Actor
    ticket_id: uuid.UUID

    @property
    def row(self) -> Ticket:
        return db.session.get_one(Ticket, self.ticket_id)

    @property
    def seen(self) -> Seen:
        return Seen(self.row.version)

    @property
    def ids(self) -> frozenset[uuid.UUID]:
        assert self.engineer.id is not None
        return frozenset({self.engineer.id})

    def scheduled(self) -> None:
        """Triaged, offered, accepted: the floor above proves eligibility, here it is taken as proven."""
        d, row = self.desk, self.row
        service.claim(d.triager, row.id, Seen(1))
        service.note_down(d.triager, row.id, {**COMPLETE, "serial_number": SERIAL})
        service.finish(d.triager, row.id, Seen(row.version))
        self.offer()

    def offer(self) -> None:
        row, now = self.row, clock.now()
        window = (now + timedelta(hours=3), now + timedelta(hours=5))
        who = {"assignee_kind": "engineer", "assignee_id": self.engineer.id, "assignee_name": self.engineer.name}
        for action, actor in (("offer_ticket", self.dispatcher), ("accept_offer", self.engineer)):
            assert self.engineer.id is not None
            proof = EligibilityProof(row.id, row.version, self.engineer.id, *window, now, may_repair=True)
            facts = Facts(now=now, proof=proof, assignee_ids=self.ids, assigned_to=self.engineer.id, window=window)
            move(row, action, actor, facts, changes={**who, "window_from": window[0], "window_until": window[1]})

    def on_site(self) -> None:
        field.arrive(self.engineer, self.ticket_id, self.ids, serial=SERIAL)

    def collect(self, **kw: Any) -> None:
        taken = {"serial": SERIAL, "decontaminated": True, "signed": True, "seal": SEAL, **kw}
        field.collect(self.engineer, self.ticket_id, self.ids, Collected(**taken))

    def receive(self, actor: Actor | None = None, **kw: str) -> None:
        got = Received(**{"serial": SERIAL, "seal": SEAL, **kw})
        depot.receive(actor or self.repairer, self.ticket_id, self.seen, got, [photo()])

    def to_depot(self) -> None:
        self.scheduled()
        self.collect()
        self.receive()

    def quote(self, **kw: Any) -> Quote:
        offer = {"lines": [Line("更换弯曲橡皮", 2, 125_000)], "words": "更换弯曲橡皮并测漏", "misuse": "",
                 "valid_until": clock.today() + timedelta(days=5), **kw}  # fmt: skip
        return depot_quote.send(self.repairer, self.ticket_id, self.seen, Offer(**offer))

    def want(self, count: int = 1) -> None:
        lines = [Wanted(f"P-{n}", "弯曲橡皮", 1, clock.today() + timedelta(days=3)) for n in range(count)]
        depot.await_parts(self.repairer, self.ticket_id, self.seen, lines)

    def repair(self, actor: Actor | None = None) -> None:
        who = actor or self.repairer
        depot.finish_repair(who, self.ticket_id, self.seen, "弯曲橡皮破损", "更换弯曲橡皮", {})

    def release(self, actor: Actor | None = None, **changed: Any) -> None:
        depot_release.release(actor or self.tester, self.ticket_id, self.seen, sheet(**changed))

    def fail(self, actor: Actor | None = None) -> None:
        depot_release.fail(actor or self.tester, self.ticket_id, self.seen, sheet(leak=False))

    def send(self, **kw: Any) -> None:
        how = Sending(**{"holder": "courier", "courier_number": "SF100", "seal": "F-0072", **kw})
        depot.send_back(self.repairer, self.ticket_id, self.seen, how)

    def deliver(self) -> None:
        depot.confirm_delivery(self.repairer, self.ticket_id, self.seen, True, [])


def sheet(until: date | None = None, **passed: bool | None) -> list[Measured]:
    """Everything passed with gauges in calibration, but for what is named."""
    day = until or clock.today() + IN_A_YEAR
    return [
        Measured(
            test.key, passed.get(test.key, True), "0.02" if test.gauged else "", "G-17" if test.gauged else "",
            day if test.gauged else None,
        )
        for test in RELEASE_TESTS
    ]  # fmt: skip


def shop() -> Shop:
    """In the running unit of work."""
    d = desk()
    return Shop(
        d, staff(Role.ENGINEER, "工程甲"), staff(Role.DEPOT, "车间甲"), staff(Role.DEPOT, "车间乙"),
        staff(Role.QUALITY, "质检甲"), staff(Role.DISPATCHER, "调度甲"), d.report(serial=SERIAL),
    )  # fmt: skip


# how a ticket gets into each status of the depot's part of the table, from a reported one
WAYS: dict[str, Callable[[Shop], None]] = {
    "scheduled": Shop.scheduled,
    "on_site": lambda s: (s.scheduled(), s.on_site())[0],
    "collecting": lambda s: (s.scheduled(), s.collect())[0],
    "in_depot": Shop.to_depot,
    "wait_parts": lambda s: (s.to_depot(), s.want())[0],
    "wait_quote": lambda s: (s.to_depot(), s.quote())[0],
    "release_test": lambda s: (s.to_depot(), s.repair())[0],
    "returning": lambda s: (s.to_depot(), s.repair(), s.release())[0],
    "resolved": lambda s: (s.to_depot(), s.repair(), s.release(), s.send(), s.deliver())[0],
    "closed": lambda s: (WAYS["resolved"](s), service.confirm(s.desk.customer, s.row.number))[0],
}
__all__ = ["SEAL", "SERIAL", "SYSTEM", "WAYS", "Shop", "sheet", "shop"]
