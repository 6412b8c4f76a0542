"""The harness: one app per worker, a database of its own per test, an inspecting client.

``app``: the portal on this test's database. ``client``: an anonymous `Inspector`. ``work``: runs a block as one unit
of work inside an app context. PostgreSQL is used when ``PORTAL_TEST_POSTGRES`` is set (see scripts/suite.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

import config
from app import create_app
from app.cli.database import upgrade
from app.core import keys
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from tests import databases, templates
from tests.inspector import Inspector

pytest_plugins = ["tests.browser.live"]  # one portal and one Chromium per worker, whichever folder asks


@pytest.fixture(scope="session")
def worker(request: pytest.FixtureRequest) -> str:
    return getattr(request.config, "workerinput", {}).get("workerid", "main")


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory, worker: str) -> tuple[Portal, Any]:
    """The app and its databases, migrated once; class keys exist before the template is kept."""
    folder = tmp_path_factory.mktemp("portal")
    base = databases.choose(folder, worker)
    settings = config.load({"PORTAL_ENV": "test", "PORTAL_INSTANCE": str(folder), "PORTAL_DATABASE_URL": base.url})
    portal = create_app(settings)
    portal.test_client_class = Inspector
    portal.testing = True
    portal.jinja_env.bytecode_cache = templates.shared
    upgrade(portal)
    with portal.app_context():
        keys.ring().prepare()
        databases.let_go()
    base.keep_template()
    return portal, base


@pytest.fixture
def app(stage: tuple[Portal, Any]) -> Iterator[Portal]:
    portal, base = stage
    with databases.renewed(portal, base):
        yield portal


@pytest.fixture
def client(app: Portal) -> Inspector:
    return app.test_client()  # type: ignore[return-value]


@pytest.fixture
def work(app: Portal) -> Callable[..., AbstractContextManager[None]]:
    """``with work(): …`` is one committed unit of work."""

    @contextmanager
    def run(**kw: Any) -> Iterator[None]:
        with app.app_context(), unit_of_work(**kw):
            yield

    return run
