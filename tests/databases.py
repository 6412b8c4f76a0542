"""A database of its own for every test, cloned from a migrated template in milliseconds.

Real commits, several connections and threads therefore behave as in production, and nothing has to be cleaned up.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import sqlalchemy as sa

from app.core import keys
from app.core.db import Base, db
from app.core.web import Portal

READ_FROM_THE_DATABASE = ("key_ring", "key_store", "work_calendar", "frozen_calendars", "stamped_calendars")
POSTGRES = os.environ.get("PORTAL_TEST_POSTGRES", "")


class SqliteFiles:
    """The main database and the key store as files; a clone is a copy."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder / 'portal.db'}"

    def keep_template(self) -> None:
        for name in ("portal.db", "keys.db"):
            if (self.folder / name).exists():
                with contextlib.closing(sqlite3.connect(self.folder / name)) as connection:  # none may stay open
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                shutil.copyfile(self.folder / name, self.folder / f"{name}.template")

    def renew(self) -> None:
        restore_files(self.folder, ("portal.db", "keys.db"))


class PostgresDatabases:
    """A database per worker, cloned by CREATE DATABASE … TEMPLATE; the key store stays a file beside it."""

    def __init__(self, folder: Path, worker: str) -> None:
        self.folder, self.name = folder, f"portal_{worker}"
        base = POSTGRES.rsplit("/", 1)[0]
        self.url = f"{base}/{self.name}"
        self._run(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)', f'CREATE DATABASE "{self.name}"')

    def keep_template(self) -> None:
        self._run(
            f'DROP DATABASE IF EXISTS "{self.name}_t" WITH (FORCE)',
            f'ALTER DATABASE "{self.name}" RENAME TO "{self.name}_t"',
        )
        SqliteFiles(self.folder).keep_template()

    def renew(self) -> None:
        self._run(
            f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)',
            f'CREATE DATABASE "{self.name}" TEMPLATE "{self.name}_t" STRATEGY FILE_COPY',
        )
        restore_files(self.folder, ("keys.db",))

    def _run(self, *statements: str) -> None:
        with psycopg.connect(POSTGRES, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


def restore_files(folder: Path, names: tuple[str, ...]) -> None:
    for name in names:
        for tail in ("-wal", "-shm"):
            (folder / f"{name}{tail}").unlink(missing_ok=True)
        template = folder / f"{name}.template"
        if template.exists():
            shutil.copyfile(template, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)


def choose(folder: Path, worker: str) -> SqliteFiles | PostgresDatabases:
    """PostgreSQL when the suite was started with one, else SQLite."""
    return PostgresDatabases(folder, worker) if POSTGRES else SqliteFiles(folder)


Databases = SqliteFiles | PostgresDatabases


def let_go() -> None:
    """Close every connection, so that the files under it can be exchanged."""
    db.session.remove()
    db.engine.dispose()
    keys.keystore.store().engine.dispose()


@contextlib.contextmanager
def renewed(portal: Portal, base: Databases) -> Iterator[None]:
    """A fresh copy under the app; afterwards its settings, parts and keys are again what they were before."""
    with portal.app_context():
        let_go()
    base.renew()
    settings, parts = (
        dict(portal.config),
        {k: v for k, v in portal.extensions.items() if k not in READ_FROM_THE_DATABASE},
    )
    try:
        yield
    finally:
        with portal.app_context():
            let_go()
        for mapping, before in ((portal.config, settings), (portal.extensions, parts)):
            mapping.clear()
            mapping.update(before)


def own_tables() -> list[sa.Table]:
    """The portal's tables; test modules add sample ones to the same metadata."""
    return [m.local_table for m in Base.registry.mappers if m.class_.__module__.startswith("app.")]  # type: ignore[misc]
