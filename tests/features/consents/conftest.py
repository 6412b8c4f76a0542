"""Consents on a database of its own, version 1 published."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.consents import service
from app.core.db import db
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from tests.core.floor_app import floor_app


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Portal]:
    with floor_app(tmp_path, "app.consents") as app, app.app_context():
        with unit_of_work():
            service.seed()
        db.session.remove()
        yield app
