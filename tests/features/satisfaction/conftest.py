"""The scene of ratings on a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.core import clock
from app.core.web import Portal
from tests.features.satisfaction.scene import Scene, open_scene
from tests.features.tickets.people import MONDAY


@pytest.fixture
def scene(app: Portal) -> Iterator[Scene]:
    with clock.frozen(MONDAY):
        yield open_scene(app)
