"""The settings pages on a database of its own, with a seeded calendar and somebody who may manage settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.core import calendar, clock
from app.core.db import db
from app.core.policy import Permission
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from tests.core.floor_app import floor_app, staff
from tests.inspector import Inspector


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Portal]:
    now = datetime(2026, 11, 24, 2, tzinfo=UTC)
    with floor_app(tmp_path, "app.settings") as app, app.app_context(), clock.frozen(now):
        with unit_of_work():
            calendar.seed()
        db.session.remove()
        app.extensions["acting"] = staff(Permission.SETTINGS_READ, Permission.SETTINGS_MANAGE)
        yield app


@pytest.fixture
def client(app: Portal) -> Inspector:
    return app.test_client()  # type: ignore[return-value]


@pytest.fixture
def post(client: Inspector) -> Callable[..., TestResponse]:
    """POST with the token of the calendar page."""

    def send(url: str, **fields: Any) -> TestResponse:
        token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/settings/calendar").text)
        assert token is not None
        return client.post(url, data={"csrf_token": token[1], **fields})

    return send
