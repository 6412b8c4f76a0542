"""The audit pages on a database of their own, with an auditor and a few events."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from app.core import audit, clock
from app.core.db import db, new_id
from app.core.policy import SYSTEM, Actor, Permission
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from tests.core.floor_app import floor_app
from tests.inspector import Inspector

NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
REVIEWER = Actor("staff", uuid.UUID("018f0000-0000-7000-8000-000000000002"), "样例审核员")
OBJECT = "018f0000-0000-7000-8000-000000000001"


@pytest.fixture
def auditor() -> Actor:
    now = clock.now()
    return Actor(
        "staff",
        new_id(),
        "样例审计员",
        dict.fromkeys((Permission.AUDIT_READ, Permission.AUDIT_EXPORT)),
        signed_in_at=now,
    )


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Portal]:
    with floor_app(tmp_path, "app.audit") as app, app.app_context(), clock.frozen(NOW):
        with unit_of_work():
            audit.record(
                "registration.rejected", REVIEWER, "registration", OBJECT, reason_code="blurred", fields=["status"],
                note="<b>看不清</b>",
            )  # fmt: skip
            audit.record("badge.opened", REVIEWER, "badge_image", 7)
            audit.record("registration.submitted", Actor("customer", new_id(), "样例姓名"), "registration", OBJECT)
            audit.record("registration.lapsed", SYSTEM, "registration", 9)
        db.session.remove()
        yield app


@pytest.fixture
def client(app: Portal, auditor: Actor) -> Inspector:
    app.extensions["acting"] = Actor(
        "staff", auditor.id, auditor.name, auditor.rights, signed_in_at=NOW, session_id=new_id()
    )
    return app.test_client()  # type: ignore[return-value]


@pytest.fixture
def post(client: Inspector) -> Callable[..., TestResponse]:
    """POST with the token of a page that has one."""

    def send(url: str, page: str = "/audit/verification") -> TestResponse:
        token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
        assert token is not None
        return client.post(url, data={"csrf_token": token[1]})

    return send
