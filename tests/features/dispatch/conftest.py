"""The room in which the pages of dispatch are tried."""

from __future__ import annotations

import pytest

from app.core import clock
from app.core.unit_of_work import unit_of_work
from tests.features.dispatch.people import MONDAY, ground
from tests.features.dispatch.room import Room


@pytest.fixture
def at_work(app):
    """The app on a Monday at nine; forms are posted without their token."""
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context(), clock.frozen(MONDAY):
        yield app
    app.config["WTF_CSRF_ENABLED"] = True


@pytest.fixture
def room(at_work):
    with unit_of_work():
        made = ground()
    return Room(at_work, made)
