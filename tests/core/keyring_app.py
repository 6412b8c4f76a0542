"""A bare app with both databases and a file store in a folder of its own, and a person with sealed values."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy.orm import Mapped

import config
from app.core import files, keys
from app.core.columns import DataClass, index_column, plain, sealed_column
from app.core.db import Base, db, prepare_engine
from app.core.masking import to_e164
from app.core.sealed import Sealed

assert files


class SampleSubject(Base):
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


TABLES = [Base.metadata.tables[name] for name in ("data_key", "key_rotation", "stored_file", "sample_subject")]


def make_app(folder: Path, **override: Any) -> Flask:
    """An app on ``folder``; a second one on the same folder is another process as far as keys are concerned."""
    app = Flask("keys-test")
    settings = config.load({"PORTAL_ENV": "test", "PORTAL_INSTANCE": str(folder)}, **override)
    app.extensions["settings"] = settings
    app.config.update(SQLALCHEMY_DATABASE_URI=settings.database_url)
    db.init_app(app)
    keys.install(app)
    with app.app_context():
        prepare_engine(db.engine)
        Base.metadata.create_all(db.engine, tables=TABLES)
    return app
