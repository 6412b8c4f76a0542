"""The field catalogue is complete (C01, ASVS 14.1.1), and the check can fail."""

from __future__ import annotations

import sqlalchemy as sa

from app.core.columns import DataClass
from app.core.db import Base


def unlabelled(metadata: sa.MetaData) -> list[str]:
    return [str(c) for t in metadata.sorted_tables for c in t.columns if not isinstance(c.info.get("class"), DataClass)]


def test_every_column_has_a_class(app):
    assert unlabelled(Base.metadata) == []


def test_identifiers_and_contacts_are_sealed_or_blind(app):
    protected = (DataClass.IDENTIFIER, DataClass.CONTACT)
    open_columns = [
        str(c)
        for t in Base.metadata.sorted_tables
        for c in t.columns
        if c.info["class"] in protected and not (c.info.get("sealed") or c.info.get("blind"))
    ]
    assert open_columns == []


def test_a_column_without_a_class_is_found():
    metadata = sa.MetaData()
    sa.Table("bad", metadata, sa.Column("phone", sa.String(20)))
    assert unlabelled(metadata) == ["bad.phone"]
