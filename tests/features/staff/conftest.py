"""What the tests of this room share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.core.web import Portal
from app.staff.sessions import CookieSessions


@pytest.fixture
def production(app: Portal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    """The app of this test in production's clothes; requests come with TLS in front."""
    settings = replace(app.extensions["settings"], env="production", console_channel=False)
    monkeypatch.setitem(app.extensions, "settings", settings)
    monkeypatch.setattr(app, "session_interface", CookieSessions(settings.cookie_name, secure=True))
    yield app
