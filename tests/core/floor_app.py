"""An app of chosen floors on a database of its own: for mechanisms, and for features that need no other feature.

The acting person is set by the test (``app.extensions["acting"]``) instead of by a session cookie.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from flask import g
from flask_wtf import CSRFProtect

import config
from app import core
from app.core import keys, policy
from app.core.db import Base, db, new_id, prepare_engine
from app.core.policy import Actor, Permission
from app.core.web import Portal, install_headers
from tests import databases, templates
from tests.inspector import Inspector


def staff(*permissions: Permission, provinces: frozenset[str] | None = None, name: str = "样例甲") -> Actor:
    """A staff member with these rights, everywhere or in the provinces given."""
    rights = MappingProxyType(dict.fromkeys(permissions, provinces))
    return Actor("staff", id=new_id(), name=name, rights=rights)


@contextmanager
def floor_app(folder: Path, *floors: str) -> Iterator[Portal]:
    """The app inside its context, with empty tables; on PostgreSQL in a schema of its own, dropped afterwards."""
    postgres, schema = os.environ.get("PORTAL_TEST_POSTGRES", ""), f"floor_{os.getpid()}"
    options = {"connect_args": {"options": f"-csearch_path={schema}"}} if postgres else {}
    app = build(folder, postgres, floors, options)
    with app.app_context():
        if postgres:
            with db.engine.begin() as connection:
                connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
        create_tables()
    try:
        yield app
    finally:
        with app.app_context():
            db.session.remove()
            if postgres:
                with db.engine.begin() as connection:
                    connection.execute(sa.schema.DropSchema(schema, cascade=True))
            databases.let_go()


@contextmanager
def kept_floor_app(*floors: str) -> Iterator[Portal]:
    """As `floor_app`, built once per process: each test gets a fresh copy of the database and the app as it was."""
    key = (floors, frozenset(Base.metadata.tables))
    if key not in _kept:
        folder = Path(tempfile.mkdtemp(prefix="floors-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        base = databases.choose(folder, f"floors_{os.getpid()}_{len(_kept)}")
        app = build(folder, base.url, floors, {})
        with app.app_context():
            create_tables()
            databases.let_go()
        base.keep_template()
        _kept[key] = app, base
    app, base = _kept[key]
    with databases.renewed(app, base):
        yield app


_kept: dict[tuple[tuple[str, ...], frozenset[str]], tuple[Portal, databases.Databases]] = {}


def build(folder: Path, url: str, floors: tuple[str, ...], options: dict[str, Any]) -> Portal:
    """Core, ui and these floors, in this order; an empty ``url`` is SQLite in the folder."""
    environ = {"PORTAL_ENV": "test", "PORTAL_INSTANCE": str(folder)}
    settings = config.load(environ | ({"PORTAL_DATABASE_URL": url} if url else {}))
    app = Portal("app", static_folder=str(config.ROOT / "static"), static_url_path="/static")
    app.test_client_class = Inspector
    app.testing = True
    app.extensions["settings"] = settings
    app.config.update(SQLALCHEMY_DATABASE_URI=settings.database_url, SECRET_KEY=settings.secret_key)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    db.init_app(app)
    install_headers(app, production=False)
    app.before_request(lambda: setattr(g, "actor", app.extensions.get("acting", policy.ANONYMOUS)))
    with app.app_context():
        prepare_engine(db.engine)
        core.install(app)
        for floor in ("app.ui", *floors):
            import_module(floor).install(app)
        CSRFProtect(app)
    app.jinja_env.bytecode_cache = templates.shared
    return app


def create_tables() -> None:
    Base.metadata.create_all(db.engine)
    keys.ring().prepare()
    db.session.remove()
