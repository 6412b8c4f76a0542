"""The directory on a database of its own, with three hospitals and somebody who may manage it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from app.core.db import db
from app.core.policy import Actor, Permission
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.hospitals import service
from app.hospitals.models import Hospital
from app.hospitals.service import HospitalData
from tests.core.floor_app import floor_app, staff
from tests.inspector import Inspector

POSITIONS = {"31": (31.2304, 121.4737), "11": (39.9042, 116.4074)}


@pytest.fixture
def manager() -> Actor:
    return staff(Permission.HOSPITALS_READ, Permission.HOSPITALS_MANAGE)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Portal]:
    with floor_app(tmp_path, "app.hospitals") as app, app.app_context():
        yield app


@pytest.fixture
def hospitals(app: Portal, manager: Actor) -> dict[str, Hospital]:
    """By name: two in Shanghai, one in Beijing."""
    data = [
        HospitalData("华东第一示范医院", "31", "上海", ("一院",), *POSITIONS["31"]),
        HospitalData("华东第二样例医院", "31", "上海", (), 31.30, 121.50),
        HospitalData("京北样例中心", "11", "北京", (), *POSITIONS["11"]),
    ]
    with unit_of_work():
        rows = [service.create_hospital(manager, one) for one in data]
        found = {row.name: row for row in rows}
        for row in rows:
            db.session.refresh(row)
            db.session.expunge(row)
    return found


@pytest.fixture
def client(app: Portal, manager: Actor) -> Inspector:
    app.extensions["acting"] = manager
    db.session.remove()
    return app.test_client()  # type: ignore[return-value]


@pytest.fixture
def post(client: Inspector) -> Callable[..., TestResponse]:
    """POST with the token of a page that has one."""

    def send(url: str, page: str = "/hospitals/new", **fields: str) -> TestResponse:
        token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
        assert token is not None
        return client.post(url, data={"csrf_token": token[1], **fields})

    return send
