"""A bare app with the ground floor's tables only, for the tests of mechanisms that need a database and no feature."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

import config
from app.core import calendar, keys, numbers, search, serials, throttle
from app.core.db import Base, db, prepare_engine
from app.core.web import Portal

TABLES = (
    calendar.WorkingDay,
    calendar.CalendarState,
    numbers.BusinessNumber,
    search.SearchEntry,
    search.SearchGram,
    serials.SerialCounter,
    throttle.ThrottleHit,
    keys.DataKey,
    keys.KeyRotation,
)


@contextmanager
def floor_app(folder: Path) -> Iterator[Portal]:
    """The app inside its context, with empty tables; on PostgreSQL in a schema of its own, dropped afterwards."""
    url = os.environ.get("PORTAL_TEST_POSTGRES", "")
    environ = {"PORTAL_ENV": "test", "PORTAL_INSTANCE": str(folder)}
    if url:
        environ["PORTAL_DATABASE_URL"] = url
    settings = config.load(environ)
    app = Portal("floor")
    app.extensions["settings"] = settings
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    app.config["SECRET_KEY"] = settings.secret_key
    schema = f"floor_{os.getpid()}"
    if url:
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"connect_args": {"options": f"-csearch_path={schema}"}}
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
        if url:
            with db.engine.begin() as connection:
                connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
        Base.metadata.create_all(db.engine, tables=[table.__table__ for table in TABLES])
        try:
            yield app
        finally:
            db.session.remove()
            if url:
                with db.engine.begin() as connection:
                    connection.execute(sa.schema.DropSchema(schema, cascade=True))
            db.engine.dispose()
