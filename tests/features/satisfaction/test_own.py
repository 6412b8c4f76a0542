"""Rated people see sums of five raters or more, of settled quarters, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.core.db import new_id
from app.satisfaction.queries import own
from app.staff.roles import Role
from tests.features.satisfaction.test_report import rated
from tests.features.tickets.people import staff

JULY = datetime(2026, 7, 10, 2, tzinfo=UTC)


@pytest.fixture
def filled(scene):
    scene.closed()
    return scene


def text(scene, who="e1"):
    scene.clients.clear()
    return scene.client(who, "engineer").get("/satisfaction/own").get_data(as_text=True)


def test_rated_people_see_results_only_as_sums_of_five_raters(filled):
    me = filled.member("e1", "engineer").id
    rated(filled, [5, 5, 4, 1], engineer_id=me, closed_at=JULY)
    assert "不足 5 位评价人" in text(filled) and "40%" not in text(filled)
    rated(filled, [5], engineer_id=me, closed_at=JULY)
    with filled.work():
        found = own.quarters(filled.people["e1"])
    assert [(q.share.hits, q.share.n) if q.share else None for q in found] == [(4, 5), None, None, None]
    assert "评价太少，说不准" in text(filled)


def test_five_ratings_by_one_person_are_not_told(filled):
    me = filled.member("e1", "engineer").id
    rated(filled, [5] * 9, engineer_id=me, closed_at=JULY, person=new_id())
    with filled.work():
        assert own.quarters(filled.people["e1"])[0].share is None


def test_a_running_quarter_and_void_ratings_are_not_told(filled):
    me = filled.member("e1", "engineer").id
    rated(filled, [1] * 9, engineer_id=me)  # closed this Monday
    rated(filled, [1] * 9, engineer_id=me, closed_at=JULY, outcome="void")
    with filled.work():
        assert [q.share for q in own.quarters(filled.people["e1"])] == [None] * 4


def test_another_engineers_ratings_are_not_in_it(filled):
    rated(filled, [1] * 9, closed_at=JULY)
    with filled.work():
        assert own.quarters(staff(Role.ENGINEER))[0].share is None


@pytest.mark.parametrize("role", ["dealer_user", "triager", "satisfaction_auditor"])
def test_it_is_for_engineers_alone(filled, role):
    assert filled.client("x", role).get("/satisfaction/own").status_code == 403
