"""The whole portal on a database of its own per test, WeChat's stub at its edge, and a client that reads the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

import config
from app import create_app
from app.api.v1.openapi import document
from app.cli.database import upgrade
from app.consents import service as consents
from app.core import clock, keys
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from tests import databases, templates
from tests.api.phone import Phone
from tests.features.registrations import story as stories
from tests.stubs import wechat
from tests.stubs.wechat import WeChatStub

PUBLISHED = datetime(2026, 9, 1, tzinfo=UTC)  # the policy, before any day on which a test stops the clock


@pytest.fixture(scope="session")
def wechat_stub() -> Iterator[WeChatStub]:
    with WeChatStub() as stub:
        yield stub


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory, worker: str, wechat_stub: WeChatStub) -> tuple[Portal, Any, Any]:
    folder = tmp_path_factory.mktemp("api")
    base = databases.choose(folder, f"{worker}_api")
    settings = config.load(
        {
            "PORTAL_ENV": "test",
            "PORTAL_INSTANCE": str(folder),
            "PORTAL_DATABASE_URL": base.url,
            "PORTAL_WECHAT_API_BASE": wechat_stub.base,
            "PORTAL_WECHAT_MINI_APPID": wechat.MINI,
            "PORTAL_WECHAT_MINI_SECRET": wechat.SECRET,
            "PORTAL_WECHAT_OFFICIAL_APPID": wechat.OFFICIAL,
            "PORTAL_WECHAT_OFFICIAL_SECRET": wechat.SECRET,
            "PORTAL_WECHAT_CALLBACK_TOKEN": wechat.TOKEN,
            "PORTAL_WECHAT_CALLBACK_AES_KEY": wechat.AES_KEY,
        }
    )
    portal = create_app(settings)
    portal.testing = True
    portal.jinja_env.bytecode_cache = templates.shared
    with clock.frozen(PUBLISHED):
        upgrade(portal)
    with portal.app_context():
        keys.ring().prepare()
        with unit_of_work():
            consents.seed()
            story = stories.begin()
        databases.let_go()
    base.keep_template()
    return portal, base, story


@pytest.fixture
def app(stage: tuple[Portal, Any, Any]) -> Iterator[Portal]:
    portal, base, _story = stage
    with databases.renewed(portal, base):
        yield portal


@pytest.fixture
def story(stage: tuple[Portal, Any, Any]) -> stories.Story:
    return stage[2]  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def contract(stage: tuple[Portal, Any, Any]) -> dict[str, Any]:
    with stage[0].app_context():
        return document(stage[0])


@pytest.fixture
def phone(app: Portal, contract: dict[str, Any]) -> Phone:
    """A mini program that is not signed in."""
    return Phone(app, contract)


@pytest.fixture
def work(app: Portal) -> Callable[..., AbstractContextManager[None]]:
    """``with work(): …`` is one committed unit of work."""

    @contextmanager
    def run(**kw: Any) -> Iterator[None]:
        with app.app_context(), unit_of_work(**kw):
            yield

    return run
