"""Workflow tables: unlisted pairs refuse, the loser of a race is told, and the table cannot list a pair twice."""

from __future__ import annotations

from enum import StrEnum

import pytest

from app.core.errors import TransitionRefused
from app.core.policy import SYSTEM, Actor
from app.core.workflow import Transition, Workflow

pytestmark = pytest.mark.pure


class Light(StrEnum):
    RED = "red"
    GREEN = "green"


TABLE = [
    Transition(Light.RED, "turn_green", Light.GREEN, "system", "light.turned_green", None),
    Transition(Light.GREEN, "turn_red", Light.RED, "system", "light.turned_red", None),
]


def test_every_pair_is_walked():
    pairs = [(status, action, row is not None) for status, action, row in Workflow("light", Light, TABLE).pairs()]
    assert pairs == [
        (Light.RED, "turn_green", True),
        (Light.RED, "turn_red", False),
        (Light.GREEN, "turn_green", False),
        (Light.GREEN, "turn_red", True),
    ]


def test_an_unlisted_pair_is_refused():
    with pytest.raises(TransitionRefused):
        Workflow("light", Light, TABLE).find("red", "turn_red")


def test_a_pair_listed_twice_is_refused():
    with pytest.raises(ValueError, match="twice"):
        Workflow("light", Light, [*TABLE, TABLE[0]])


def test_rights_decide_what_is_allowed():
    class Row:
        status = Light.RED

    table = Workflow("light", Light, TABLE)
    assert [t.action for t in table.allowed(Row(), SYSTEM)] == ["turn_green"]
    assert table.allowed(Row(), Actor("anonymous")) == []
