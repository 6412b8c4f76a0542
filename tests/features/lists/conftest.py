"""Lists over the whole portal: a few registrations, a lead who may export, and posts with a token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from tests.factories import staff
from tests.features.registrations import story
from tests.inspector import Inspector

LEAD = ("reviewer", None, True)
ROWS = 7


@pytest.fixture
def rows(app: Portal) -> list[str]:
    """Numbers of the registrations in the queue."""
    with app.app_context(), unit_of_work():
        begun = story.begin()
        return [begun.case().number for _ in range(ROWS)]


@pytest.fixture
def lead(app: Portal) -> Inspector:
    return staff.signed_in(app, LEAD)


@pytest.fixture
def post() -> Callable[..., Any]:
    def send(client: Inspector, path: str, **data: Any) -> Any:
        return client.post(path, data={"csrf_token": staff.csrf(client), **data})

    return send
