"""Migrations: a pinned head, models equal to it, up and down and with data in place, on both databases."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.cli.database import alembic_config, downgrade, upgrade
from app.core.db import Base, db
from tests.databases import own_tables

ROOT = Path(__file__).resolve().parents[2]


def differences(connection: sa.Connection) -> list[object]:
    """What separates the database from the models, the samples of other tests left out."""
    own = {table.name for table in own_tables()}
    options = {"compare_type": True, "include_name": lambda name, kind, _parents: kind != "table" or name in own}
    options["include_object"] = lambda _o, name, kind, _reflected, _other: kind != "table" or name in own
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))


def test_the_head_is_pinned_and_single(app):
    with app.app_context(), db.engine.connect() as connection:
        heads = ScriptDirectory.from_config(alembic_config(connection)).get_heads()
    assert heads == [(ROOT / "migrations" / "HEAD").read_text().strip()]


def test_models_equal_the_head(app):
    with app.app_context(), db.engine.connect() as connection:
        assert differences(connection) == []


def test_a_missing_column_is_found(app):
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE saved_view DROP COLUMN query"))
        assert differences(connection)


def test_down_and_up_again_leaves_the_same_schema(app):
    downgrade(app, "base")
    with app.app_context():
        left = set(sa.inspect(db.engine).get_table_names()) - {"alembic_version"}
    assert left == set()
    upgrade(app)
    test_models_equal_the_head(app)


def test_upgrading_twice_keeps_the_data(app):
    upgrade(app)
    with app.app_context(), db.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM policy_version")) == 1
        assert connection.scalar(sa.text("SELECT count(*) FROM working_day")) > 700
