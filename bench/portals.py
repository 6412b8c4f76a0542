"""A portal on a fresh database, a person signed in to it, and what one of its requests sends to the databases."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Engine

import config
from app import create_app
from app.cli.database import upgrade
from app.core import clock
from app.core.db import db, new_id
from app.core.policy import SYSTEM
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.staff import service as staff
from app.staff.models import SessionStage, StaffSession
from app.staff.tokens import hash_token, new_token
from bench.measure import request

READY = "filled"


@contextmanager
def portal(url: str | None, kept: Path | None = None) -> Iterator[Portal]:
    """An app on a fresh database, SQLite or (``url``) PostgreSQL; its request log is written, to nowhere.

    ``kept`` names the instance's folder, which stays, and with it the database: made anew while the folder holds no
    file `READY`, which `mark_ready` writes. On PostgreSQL the server must stay too (``PORTAL_TEST_DATABASE_URL``).
    """
    with contextlib.ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix="portal-bench-")
        folder = str(kept) if kept else stack.enter_context(temporary)
        ready = kept is not None and (kept / READY).exists()
        if kept is not None and not ready:
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir(parents=True)
        env = {"PORTAL_ENV": "test", "PORTAL_INSTANCE": folder}
        if url:
            name = f"bench_{kept.name.lower()}" if kept else f"bench_{new_id().hex[-8:]}"
            with psycopg.connect(url, autocommit=True) as connection:
                if not ready:
                    connection.execute(f'DROP DATABASE IF EXISTS "{name}"')  # type: ignore[call-overload]
                    connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
            env["PORTAL_DATABASE_URL"] = url.rsplit("/", 1)[0] + f"/{name}"
        app = create_app(config.load(env))
        upgrade(app)
        app.extensions["assets"].keep = True  # as in production: hashes of static files are made once
        _quiet()
        yield app
        with app.app_context():
            db.engine.dispose()


def filled(app: Portal) -> bool:
    """Whether a kept folder has its rows already."""
    return bool((app.extensions["settings"].instance / READY).exists())


def mark_ready(app: Portal) -> None:
    (app.extensions["settings"].instance / READY).touch()


def _quiet() -> None:
    for name in ("", "portal", "alembic"):
        for handler in logging.getLogger(name).handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream(open(os.devnull, "w"))


def sign_in(app: Portal, role: str, *, lead: bool = False) -> tuple[uuid.UUID, str]:
    """An account with this role, and the cookie of its living session, seen as lately as to need no new mark."""
    token, now = new_token(), clock.now()
    with app.app_context(), unit_of_work():
        account = staff.create_active(
            SYSTEM, f"{role}-{new_id().hex[-6:]}@demo.invalid", "样例员工", "a quiet river under old pines",
            [(role, None, lead)],
        )  # fmt: skip
        db.session.add(
            StaffSession(
                token_hash=hash_token(token), staff_id=account.id, stage=SessionStage.FULL.value, created_at=now,
                signed_in_at=now, last_seen_at=now + timedelta(hours=2), expires_at=now + timedelta(hours=12),
            )
        )  # fmt: skip
        return account.id, f"{app.extensions['settings'].cookie_name}={token}"


def statements(app: Portal, path: str, cookie: str) -> Counter[str]:
    """What one request sends, main database and key store apart."""
    sent: Counter[str] = Counter()

    def count(_c: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
        if not sql.startswith("BEGIN"):  # the frame of a transaction on SQLite, the key store's file included
            sent["key store" if "item_key" in sql else "main"] += 1

    sa.event.listen(Engine, "before_cursor_execute", count)
    try:
        request(app, path, cookie)
    finally:
        sa.event.remove(Engine, "before_cursor_execute", count)
    return sent
