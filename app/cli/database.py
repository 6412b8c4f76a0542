"""``flask db upgrade``: our own command over Alembic, in one transaction per migration, one runner at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from flask.cli import AppGroup

from app.consents import service as consents
from app.core import calendar
from app.core.db import db, writing
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.grants import rules
from app.registrations import reasons
from app.tickets.sla import policy as promises

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
LOCK = 7_316_001  # advisory lock: two deployments never migrate at once


def alembic_config(connection: sa.Connection) -> Config:
    found = Config()
    found.set_main_option("script_location", str(MIGRATIONS))
    found.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    found.attributes["connection"] = connection
    return found


def upgrade(app: Portal, revision: str = "head") -> None:
    """Bring the database to ``revision``; does nothing when it is there."""
    migrate(app, revision)
    if revision == "head":
        with app.app_context(), unit_of_work():
            seed_reference()


def seed_reference() -> None:
    """What the portal cannot work without: working days, first versions, review reasons. Idempotent."""
    calendar.seed()
    consents.seed()
    reasons.seed()
    rules.seed()
    promises.seed()


def migrate(app: Portal, revision: str) -> None:
    """Bring the schema to ``revision`` and put nothing in."""
    with app.app_context(), db.engine.connect() as connection, _references_at_rest(connection):
        token = writing.set(True)
        try:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("SELECT pg_advisory_lock(:n)"), {"n": LOCK})
                connection.execute(sa.text("SET lock_timeout = '10s'"))
                connection.commit()
            command.upgrade(alembic_config(connection), revision)
            connection.commit()
        finally:
            writing.reset(token)
            if connection.dialect.name == "postgresql":
                connection.rollback()
                connection.execute(sa.text("SELECT pg_advisory_unlock(:n)"), {"n": LOCK})
                connection.commit()


@contextmanager
def _references_at_rest(connection: sa.Connection) -> Iterator[None]:
    """SQLite changes a table by making it anew, which foreign keys of others would forbid: asked for afterwards.

    The switch works outside of a transaction only, so it goes to the driver before the first one begins.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
        broken = driver.execute("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise RuntimeError(f"the migration left rows without what they refer to: {broken[:5]}")
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def knows(revision: str) -> bool:
    """Whether this version of the portal has the migration of this name."""
    found = Config()
    found.set_main_option("script_location", str(MIGRATIONS))
    return any(script.revision == revision for script in ScriptDirectory.from_config(found).walk_revisions())


def downgrade(app: Portal, revision: str) -> None:
    """Take the database back to ``revision``."""
    with app.app_context(), db.engine.connect() as connection, _references_at_rest(connection):
        token = writing.set(True)
        try:
            command.downgrade(alembic_config(connection), revision)
            connection.commit()
        finally:
            writing.reset(token)


def register(app: Portal) -> None:
    group = AppGroup("db", help="The database's schema.")

    @group.command("upgrade")
    @click.argument("revision", default="head")
    def upgrade_command(revision: str) -> None:
        """Migrate to the newest schema."""
        upgrade(app, revision)
        click.echo(f"database is at {revision}")

    app.cli.add_command(group)
