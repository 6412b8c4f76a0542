"""A bare app with the notification tables, and the stub servers."""

from __future__ import annotations

import dataclasses
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from flask import Flask

import config
from app.core import keys
from app.core.db import Base, db, prepare_engine
from app.notifications import models  # noqa: F401  (its tables)
from app.notifications.channels import Channel, build
from app.notifications.http import Outbound
from app.notifications.wechat import WeChatClient
from tests.stubs import aliyun, wechat, wecom
from tests.stubs.aliyun import AliyunStub
from tests.stubs.wechat import WeChatStub
from tests.stubs.wecom import WeComStub

TABLES = (
    "data_key",
    "job",
    "interface_token",
    "wechat_follower",
    "wechat_subscription",
    "wechat_seen",
    "channel_hold",
    "business_number",
)


@pytest.fixture
def wechat_stub() -> Iterator[WeChatStub]:
    with WeChatStub() as stub:
        yield stub


@pytest.fixture
def wecom_stub() -> Iterator[WeComStub]:
    with WeComStub() as stub:
        yield stub


@pytest.fixture
def aliyun_stub() -> Iterator[AliyunStub]:
    with AliyunStub() as stub:
        yield stub


@pytest.fixture
def database_url(tmp_path: Path) -> Iterator[str]:
    """A fresh database: a SQLite file, or one on the server of PORTAL_TEST_POSTGRES (see scripts/suite.py)."""
    server = os.environ.get("PORTAL_TEST_POSTGRES", "")
    if not server:
        yield f"sqlite:///{tmp_path}/portal.db"
        return
    name = f"notifications_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        yield f"{server.rsplit('/', 1)[0]}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload]


@pytest.fixture
def settings(
    tmp_path: Path, database_url: str, wechat_stub: WeChatStub, wecom_stub: WeComStub, aliyun_stub: AliyunStub
) -> config.Settings:
    """Test settings whose network edge is the stubs, with the console off."""
    return config.load(
        {
            "PORTAL_ENV": "test",
            "PORTAL_INSTANCE": str(tmp_path),
            "PORTAL_DATABASE_URL": database_url,
            "PORTAL_WECHAT_API_BASE": wechat_stub.base,
            "PORTAL_WECHAT_MINI_APPID": wechat.MINI,
            "PORTAL_WECHAT_MINI_SECRET": wechat.SECRET,
            "PORTAL_WECHAT_OFFICIAL_APPID": wechat.OFFICIAL,
            "PORTAL_WECHAT_OFFICIAL_SECRET": wechat.SECRET,
            "PORTAL_WECHAT_CALLBACK_TOKEN": wechat.TOKEN,
            "PORTAL_WECHAT_CALLBACK_AES_KEY": wechat.AES_KEY,
            "PORTAL_WECHAT_TEMPLATE_REVIEW_RESULT": wechat.TEMPLATE_ID,
            "PORTAL_WECHAT_SUBSCRIBE_REVIEW_RESULT": wechat.SUBSCRIBE_ID,
            "PORTAL_WECOM_API_BASE": wecom_stub.base,
            "PORTAL_WECOM_CORP_ID": wecom.CORP,
            "PORTAL_WECOM_AGENT_ID": wecom.AGENT,
            "PORTAL_WECOM_SECRET": wecom.SECRET,
            "PORTAL_SMS_ENDPOINT": aliyun_stub.base,
            "PORTAL_SMS_ACCESS_KEY_ID": aliyun.KEY_ID,
            "PORTAL_SMS_ACCESS_KEY_SECRET": aliyun.KEY_VALUE,
            "PORTAL_SMS_SIGN_NAME": aliyun.SIGN_NAME,
            "PORTAL_SMS_TEMPLATE_LOGIN_CODE": "SMS_CODE",
            "PORTAL_SMS_TEMPLATE_REVIEW_RESULT": "SMS_RESULT",
        },
        console_channel=False,
    )


@pytest.fixture
def bare_app(settings: config.Settings) -> Iterator[Flask]:
    app = Flask("bare")
    app.extensions["settings"] = settings
    app.config.update(SQLALCHEMY_DATABASE_URI=settings.database_url)
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
        Base.metadata.create_all(db.engine, tables=[Base.metadata.tables[name] for name in TABLES])
        keys.ring().prepare()
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def wechat_client(bare_app: Flask, settings: config.Settings) -> WeChatClient:
    return WeChatClient(settings.wechat, Outbound.from_settings(settings))


@pytest.fixture
def channels(wechat_client: WeChatClient, settings: config.Settings) -> dict[str, Channel]:
    return {channel.name: channel for channel in build(settings, wechat_client, Outbound.from_settings(settings))}


@pytest.fixture
def console_channels(wechat_client: WeChatClient, settings: config.Settings) -> dict[str, Channel]:
    talking = dataclasses.replace(settings, console_channel=True)
    return {channel.name: channel for channel in build(talking, wechat_client, Outbound.from_settings(talking))}
