"""The whole portal on a database of its own per test; blocks at a frozen time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from app.core import clock
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from tests.features.grants import world


@pytest.fixture
def step(app: Portal) -> Callable[..., AbstractContextManager[None]]:
    """``with step(at): …`` is one committed unit of work at a frozen time (default Monday 10:00 in China)."""

    @contextmanager
    def run(at: Any = world.NOW, **kw: Any) -> Iterator[None]:
        with app.app_context(), clock.frozen(at), unit_of_work(**kw):
            yield

    return run
