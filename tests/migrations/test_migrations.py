"""Migrations: a pinned head, models equal to it, up and down and with data in place, on both databases."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.cli.database import alembic_config, downgrade, upgrade
from app.core.db import Base, db, writing
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


def test_rows_of_the_first_release_come_through_every_migration(app):
    """A person, a case with its history, an audit line: written at 0001, read at the head, on both databases."""
    downgrade(app, "0001")
    one, two = uuid.uuid4(), uuid.uuid4()
    with app.app_context(), db.engine.connect() as connection:
        tables = sa.MetaData()
        tables.reflect(connection)
        at = datetime(2026, 11, 1, 2, tzinfo=UTC)

        def row(name, **values):
            """A row whose other not-null columns get something of their type."""
            table = tables.tables[name]
            if connection.dialect.name == "sqlite":  # a reflected column knows no UUID there
                values = {key: value.hex if isinstance(value, uuid.UUID) else value for key, value in values.items()}
            for column in table.columns:
                if column.name not in values and not column.nullable:
                    values[column.name] = _something(column.type, at)
            connection.execute(sa.insert(table).values(**values))

        token = writing.set(True)
        try:
            row("customer", id=one, subject_id=two)
            row("registration", id=two, subject_id=two, customer_id=one, number="REG-20261101-0001", status="pending")
            row("registration_event", registration_id=two, subject_id=two)
            row("submission", registration_id=two, subject_id=two)
            row("field_check", registration_id=two, field="name", verdict="seen")
            connection.commit()
        finally:
            writing.reset(token)
    upgrade(app)
    with app.app_context(), db.engine.connect() as connection:
        for name in ("customer", "registration", "registration_event", "submission", "field_check"):
            assert connection.scalar(sa.text(f"SELECT count(*) FROM {name}")) == 1, name
        assert connection.scalar(sa.text("SELECT number FROM registration")) == "REG-20261101-0001"
        if connection.dialect.name == "sqlite":
            assert connection.execute(sa.text("PRAGMA foreign_key_check")).all() == []
            assert connection.scalar(sa.text("PRAGMA foreign_keys")) == 1


def _something(kind, at):
    values = {
        sa.DateTime: at, sa.Boolean: True, sa.JSON: [], sa.Uuid: uuid.uuid4(), sa.Integer: 1, sa.LargeBinary: b"x",
        sa.Date: at.date(),
    }  # fmt: skip
    return next((value for cls, value in values.items() if isinstance(kind, cls)), "x")
