"""A quote answered in the mini program: the version that was seen, twice, stale, expired, somebody else's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.policy import Actor
from app.customers.models import Customer
from app.staff.roles import Role
from app.tickets.models import Ticket
from tests.api.phone import Phone
from tests.api.test_reports import approved, report
from tests.features.grants import world
from tests.features.tickets.people import MONDAY, Desk, staff
from tests.features.tickets.shop import WAYS, Shop


@pytest.fixture(autouse=True)
def monday():
    with clock.frozen(MONDAY):
        yield


@pytest.fixture
def at(work):
    with work():
        return world.place()


@pytest.fixture
def who(work, at, phone):
    return approved(phone, work, at)


def quoted(who: Phone, work: Any, at: world.Place) -> tuple[str, Shop]:
    number = report(who, at, serial_number="1234567").get_json()["number"]
    with work():
        row = db.session.scalars(sa.select(Ticket).where(Ticket.number == number)).one()
        person = Actor("customer", db.session.scalars(sa.select(Customer.id)).first())
        triager, lead = staff(Role.TRIAGER), staff(Role.TRIAGER, lead=True)
        desk = Desk(None, person, triager, triager, lead)  # type: ignore[arg-type]
        made = Shop(desk, staff(Role.ENGINEER, "工程甲"), staff(Role.DEPOT, "车间甲"), staff(Role.DEPOT, "车间乙"),
                    staff(Role.QUALITY, "质检甲"), staff(Role.DISPATCHER, "调度甲"), row.id)  # fmt: skip
        WAYS["wait_quote"](made)
    return number, made


def test_the_quote_is_read_accepted_and_a_second_answer_is_refused(who: Phone, work: Any, at: world.Place) -> None:
    number, _shop = quoted(who, work, at)
    seen = who.get(f"/tickets/{number}").get_json()["quote"]
    assert (seen["version"], seen["amount_fen"], seen["answer"]) == (1, 250_000, "")
    assert seen["lines"] == [{"name": "更换弯曲橡皮", "quantity": 2, "fen": 125_000}]
    stale = who.post(f"/tickets/{number}/quote/accept", {"version": 7})
    assert (stale.status_code, stale.get_json()["code"]) == (409, "quote_changed")
    done = who.post(f"/tickets/{number}/quote/accept", {"version": 1})
    assert (done.status_code, done.get_json()["status"]) == (200, "in_depot")
    again = who.post(f"/tickets/{number}/quote/decline", {"version": 1})
    assert (again.status_code, again.get_json()["code"]) == (409, "transition_refused")
    assert who.get(f"/tickets/{number}").get_json()["quote"]["answer"] == "accepted"


def test_a_declined_quote_sends_the_device_back(who: Phone, work: Any, at: world.Place) -> None:
    number, _shop = quoted(who, work, at)
    for wrong in ({}, {"version": 0}, {"version": "1"}, {"version": 1, "extra": 1}):
        assert who.post(f"/tickets/{number}/quote/decline", wrong).status_code == 422
    done = who.post(f"/tickets/{number}/quote/decline", {"version": 1})
    assert (done.status_code, done.get_json()["status"]) == (200, "returning")


def test_an_expired_quote_is_not_accepted(who: Phone, work: Any, at: world.Place) -> None:
    number, _shop = quoted(who, work, at)
    with clock.frozen(MONDAY + timedelta(days=7)):
        answer = who.post(f"/tickets/{number}/quote/accept", {"version": 1})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "transition_refused")


def test_somebody_elses_quote_is_not_there(who: Phone, work: Any, at: world.Place, app: Any, contract: Any) -> None:
    number, _shop = quoted(who, work, at)
    other = approved(Phone(app, contract), work, at, "+8613800000002")
    assert other.post(f"/tickets/{number}/quote/accept", {"version": 1}).status_code == 404
