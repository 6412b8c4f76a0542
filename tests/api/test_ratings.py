"""POST /tickets/{number}/rating: 201, within 24 hours 200, later 409, and everything that is no rating."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.satisfaction.models import RatedJob, Rating
from app.tickets.models import Ticket
from tests.api.phone import Phone
from tests.api.test_reports import OTHER, approved, report
from tests.features.grants import world
from tests.features.tickets.people import MONDAY


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


@pytest.fixture
def number(work: Any, at: world.Place, who: Phone) -> str:
    made = str(report(who, at).json["number"])
    with work():
        values = {"status": "closed", "closed_at": MONDAY}
        db.session.execute(sa.update(Ticket).where(Ticket.number == made).values(**values))
    return made


def stored(work: Any) -> list[tuple[int, int]]:
    with work():
        return [tuple(row) for row in db.session.execute(sa.select(Rating.version, Rating.score))]


def test_a_first_rating_a_version_and_too_late(work, who, number):
    body = {
        "score": 2, "dimensions": {"timeliness": 1, "skill": 4}, "reasons": ["slow", "price"], "comment": "等了两周",
    }  # fmt: skip
    first = who.post(f"/tickets/{number}/rating", body)
    assert (first.status_code, first.json) == (201, {"number": number, "score": 2})
    with clock.frozen(MONDAY + timedelta(hours=23)):
        assert who.post(f"/tickets/{number}/rating", {"score": 4, "reasons": ["fixed"]}).status_code == 200
    with clock.frozen(MONDAY + timedelta(hours=24)):
        late = who.post(f"/tickets/{number}/rating", {"score": 5})
    assert (late.status_code, late.json["code"]) == (409, "rating_closed")
    assert stored(work) == [(1, 2), (2, 4)]


@pytest.mark.parametrize("score", [0, 6, -1, "5", "5; drop", 4.5, None, True, [5], 10**20])
def test_what_is_no_score_is_refused_with_the_field_named(work, who, number, score):
    answer = who.post(f"/tickets/{number}/rating", {"score": score})
    assert answer.status_code == 422 and "score" in answer.json["errors"]
    assert stored(work) == []


@pytest.mark.parametrize(
    "more",
    [
        {"comment": "慢" * 10_000}, {"dimensions": {"timeliness": 9}}, {"dimensions": {"looks": 3}},
        {"reasons": ["fast"]}, {"reasons": ["nonsense"]}, {"stars": 5}, {"comment": 7},
    ],
)  # fmt: skip
def test_what_else_cannot_be_stored(work, who, number, more):
    assert who.post(f"/tickets/{number}/rating", {"score": 2, **more}).status_code == 422
    assert stored(work) == []


def test_an_open_ticket_an_unknown_one_and_a_strangers(work, at, who, number, app, contract):
    open_one = str(report(who, at, fault_description="按键失灵", serial_number="9 999").json["number"])
    refused = who.post(f"/tickets/{open_one}/rating", {"score": 5})
    assert (refused.status_code, refused.json["code"]) == (409, "ticket_not_closed")
    assert who.post("/tickets/TKT-20260101-0001/rating", {"score": 5}).status_code == 404
    stranger = approved(Phone(app, contract), work, at, OTHER)
    assert stranger.post(f"/tickets/{number}/rating", {"score": 1}).status_code == 404
    assert stored(work) == []


def test_the_same_key_again_gets_the_first_answer_and_stores_once(work, who, number):
    headers = {"Idempotency-Key": "rate-0000000001"}
    answers = [who.post(f"/tickets/{number}/rating", {"score": 5}, headers=headers) for _n in range(2)]
    assert [a.status_code for a in answers] == [201, 201]
    assert stored(work) == [(1, 5)]


def test_after_reopening_the_old_round_takes_nothing(work, who, number):
    assert who.post(f"/tickets/{number}/rating", {"score": 1}).status_code == 201
    with work():
        values = {"status": "to_dispatch", "closed_at": None, "cycle": 2}
        db.session.execute(sa.update(Ticket).where(Ticket.number == number).values(**values))
    refused = who.post(f"/tickets/{number}/rating", {"score": 5})
    assert (refused.status_code, refused.json["code"]) == (409, "ticket_not_closed")
    with work():
        assert db.session.scalars(sa.select(RatedJob.score)).all() == [1]


def test_an_invitation_that_is_over(work, who, number):
    with work():
        db.session.execute(
            sa.update(Ticket).where(Ticket.number == number).values(closed_at=MONDAY - timedelta(days=14))
        )
    refused = who.post(f"/tickets/{number}/rating", {"score": 5})
    assert (refused.status_code, refused.json["code"]) == (409, "rating_expired")
    assert stored(work) == []
