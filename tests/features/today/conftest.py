"""A calendar, which the ages are counted with."""

from __future__ import annotations

import pytest

from app.core import calendar


@pytest.fixture
def seeded(app, work):
    with work():
        calendar.seed()
