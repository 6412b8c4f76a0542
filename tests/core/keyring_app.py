"""A bare app with both databases and a file store in a folder of its own, and a model with sealed values.

The model is known to rotation and sweep only inside `sample_world`, so that no other test meets its table.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask_babel import Babel
from sqlalchemy.orm import Mapped

import config
from app.core import files, keys
from app.core.columns import DataClass, index_column, plain, sealed_column
from app.core.db import NAMING, Base, db, prepare_engine
from app.core.masking import to_e164
from app.core.sealed import Sealed, sealed_attributes

POSTGRES = os.environ.get("PORTAL_TEST_POSTGRES", "")


class SampleBase(Base):
    """Keeps the sample apart from the portal's metadata."""

    __abstract__ = True
    metadata = sa.MetaData(naming_convention=NAMING)


class SampleSubject(SampleBase):
    """Three kinds of sealed values: by class, by subject, and by subject with both indexes."""

    __tablename__ = "sample_subject"

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    subject_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    openid_sealed: Mapped[bytes | None] = sealed_column(DataClass.IDENTIFIER)
    openid_index: Mapped[bytes | None] = index_column(DataClass.IDENTIFIER)
    name_sealed: Mapped[bytes | None] = sealed_column(DataClass.IDENTIFIER)
    phone_sealed: Mapped[bytes | None] = sealed_column(DataClass.CONTACT)
    phone_index: Mapped[bytes | None] = index_column(DataClass.CONTACT)
    phone_tail: Mapped[bytes | None] = index_column(DataClass.CONTACT)

    openid = Sealed("openid_sealed", index="openid_index")
    name = Sealed("name_sealed", by="subject")
    phone = Sealed("phone_sealed", by="subject", index="phone_index", tail="phone_tail", normalise=to_e164)


OWN = {
    "places": {("sample_subject", "openid_sealed")},
    "subject_columns": {("sample_subject", "subject_id"), ("stored_file", "key_id")},
}
SEALED = {key: sealed_attributes.pop(key) for key in list(sealed_attributes) if key[0] == "sample_subject"}
keys.places -= OWN["places"]
keys.subject_columns -= {("sample_subject", "subject_id")}


def make_app(folder: Path, **override: Any) -> Flask:
    """An app on ``folder``; a second one on the same folder is another process as far as keys are concerned."""
    app = Flask("keys-test")
    environ = {"PORTAL_ENV": "test", "PORTAL_INSTANCE": str(folder), "PORTAL_DATABASE_URL": POSTGRES}
    settings = config.load(environ, **override)
    app.extensions["settings"] = settings
    app.config.update(SQLALCHEMY_DATABASE_URI=settings.database_url, SECRET_KEY=settings.secret_key)
    if settings.database_url.startswith("postgresql"):
        options = f"-csearch_path={_schema(folder)}"
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"connect_args": {"options": options}}
    db.init_app(app)
    Babel(app)
    keys.install(app)
    with app.app_context():
        prepare_engine(db.engine)
    return app


@contextmanager
def sample_world(folder: Path) -> Iterator[Flask]:
    """The app inside its context; the registries hold the sample and nothing else."""
    kept = keys.places.copy(), keys.subject_columns.copy(), sealed_attributes.copy()
    _fill(OWN["places"], OWN["subject_columns"], SEALED)
    copy = SampleSubject.__table__.to_metadata(Base.metadata)  # type: ignore[attr-defined]
    app = make_app(folder)
    tables = [keys.DataKey.__table__, keys.KeyRotation.__table__, files.StoredFile.__table__, copy]
    with app.app_context():
        if POSTGRES:
            _run(sa.schema.CreateSchema(_schema(folder)))
        Base.metadata.create_all(db.engine, tables=tables)  # type: ignore[arg-type]
        try:
            yield app
        finally:
            db.session.remove()
            if POSTGRES:
                _run(sa.schema.DropSchema(_schema(folder), cascade=True))
            db.engine.dispose()
            Base.metadata.remove(copy)
            _fill(*kept)


def _fill(places: set[tuple[str, str]], subjects: set[tuple[str, str]], sealed: dict[tuple[str, str], Sealed]) -> None:
    for registry, content in ((keys.places, places), (keys.subject_columns, subjects), (sealed_attributes, sealed)):
        registry.clear()  # type: ignore[attr-defined]
        registry.update(content)  # type: ignore[attr-defined]


def _schema(folder: Path) -> str:
    return f"keys_{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"


def _run(statement: sa.schema.ExecutableDDLElement) -> None:
    with db.engine.begin() as connection:
        connection.execute(statement)
