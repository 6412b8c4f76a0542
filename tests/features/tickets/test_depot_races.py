"""Two people at one device in the same moment: exactly one wins, the other is told, and custody has one open leg.

On PostgreSQL they meet at the row's lock, on SQLite at the database's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.tickets.models import CustodyLeg, Quote, Ticket, TicketEvent
from app.tickets.service import depot, depot_quote
from app.tickets.service.depot import Received
from tests.features.registrations.story import photo
from tests.features.tickets.people import MONDAY
from tests.features.tickets.shop import SEAL, SERIAL, WAYS, Shop, shop

Work = Callable[..., AbstractContextManager[None]]


def at_once(app: Portal, *acts: Callable[[], object]) -> tuple[int, list[str]]:
    """Run each in a thread and a unit of work of its own; how many won, and the codes of the others."""
    gate, won, lost = threading.Barrier(len(acts)), [], []

    def run(act: Callable[[], object]) -> None:
        with app.app_context(), clock.frozen(MONDAY):
            gate.wait()
            try:
                with unit_of_work():
                    act()
                won.append(1)
            except Conflict as refusal:
                lost.append(refusal.code)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(won), lost


@pytest.fixture
def s(work: Work) -> Shop:
    with clock.frozen(MONDAY), work():
        return shop()


def test_two_people_receive_one_parcel_once(app: Portal, work: Work, s: Shop) -> None:
    with clock.frozen(MONDAY), work():
        WAYS["collecting"](s)
        seen = s.seen
    got = Received(SERIAL, SEAL)
    acts = [lambda who=who: depot.receive(who, s.ticket_id, seen, got, [photo()]) for who in (s.repairer, s.second)]
    assert at_once(app, *acts) == (1, ["ticket_changed"])
    with work():
        open_legs = sa.select(sa.func.count()).select_from(CustodyLeg).where(CustodyLeg.closed_at.is_(None))
        assert db.session.scalar(open_legs) == 1


def test_the_customer_and_the_telephone_answer_one_quote_once(app: Portal, work: Work, s: Shop) -> None:
    with clock.frozen(MONDAY), work():
        WAYS["wait_quote"](s)
        seen, number = s.seen, s.row.number
    won, lost = at_once(
        app,
        lambda: depot_quote.answer_own(s.desk.customer, number, 1, accept=True),
        lambda: depot_quote.record_answer(s.desk.triager, s.ticket_id, seen, "通话确认不修", accept=False),
    )
    assert (won, len(lost)) == (1, 1)
    with work():
        row, answer = db.session.get_one(Ticket, s.ticket_id), db.session.scalars(sa.select(Quote.answer)).one()
        assert (row.status, answer) in (("in_depot", "accepted"), ("returning", "declined"))


def test_one_repair_finished_by_two_is_one_event(app: Portal, work: Work, s: Shop) -> None:
    with clock.frozen(MONDAY), work():
        s.to_depot()
        seen = s.seen
        before = db.session.scalar(sa.select(sa.func.count()).select_from(TicketEvent)) or 0
    won, lost = at_once(
        app,
        lambda: depot.finish_repair(s.repairer, s.ticket_id, seen, "破损", "更换", {}),
        lambda: depot.finish_repair(s.second, s.ticket_id, seen, "破损", "更换", {}),
    )
    assert (won, lost) == (1, ["ticket_changed"])
    with work():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(TicketEvent)) == before + 1
