"""The registration floors on a database of its own per test; real commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from typing import Any

import pytest

from app.core import clock
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from tests.core.floor_app import kept_floor_app
from tests.features.registrations import story as stories

# `make test` says aloud that these are left out, and CI takes it for a failure (scripts/suite.py)
collect_ignore = [] if find_spec("rapidocr") else ["test_hints_real.py"]
FLOORS = ("app.hospitals", "app.customers", "app.notifications", "app.registrations")


@pytest.fixture
def portal() -> Iterator[Portal]:
    with kept_floor_app(*FLOORS) as app:
        yield app


@pytest.fixture
def work(portal: Portal) -> Iterator[Callable[..., AbstractContextManager[None]]]:
    """``with work(at): …`` is one committed unit of work, at a frozen time (default Monday 10:00 in China).

    All of them share one app context, so that rows stay readable between them; tests that send requests use `step`.
    """

    @contextmanager
    def run(at: Any = stories.MONDAY, **kw: Any) -> Iterator[None]:
        with clock.frozen(at), unit_of_work(**kw):
            yield

    with portal.app_context():
        yield run


@pytest.fixture
def step(portal: Portal) -> Callable[..., AbstractContextManager[None]]:
    """As `work`, each block in a context of its own, which is gone afterwards."""

    @contextmanager
    def run(at: Any = stories.MONDAY, **kw: Any) -> Iterator[None]:
        with portal.app_context(), clock.frozen(at), unit_of_work(**kw):
            yield

    return run


@pytest.fixture
def story(step: Callable[..., AbstractContextManager[None]]) -> stories.Story:
    with step():
        return stories.begin()
