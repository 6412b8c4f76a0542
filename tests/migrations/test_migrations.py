"""Migrations: a pinned head, models equal to it, up and down and with data in place, on both databases."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.cli.database import alembic_config, downgrade, upgrade
from app.core.db import Base, db

ROOT = Path(__file__).resolve().parents[2]


def test_the_head_is_pinned_and_single(app):
    with app.app_context(), db.engine.connect() as connection:
        heads = ScriptDirectory.from_config(alembic_config(connection)).get_heads()
    assert heads == [(ROOT / "migrations" / "HEAD").read_text().strip()]


def test_models_equal_the_head(app):
    with app.app_context(), db.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata)
    assert found == []


def test_a_missing_column_is_found(app):
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE saved_view DROP COLUMN query"))
        found = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert found


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
