"""The field catalogue: every column says what kind of personal data it holds (policy clause C01).

A column without a class fails `tests/policy/test_catalogue.py`. `plain` columns are stored as they are; personal
values that need protection are stored through `core.sealed`, which uses `sealed_column` and `index_column` here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import MappedColumn, mapped_column


class DataClass(StrEnum):
    """What a column says about a person; drives masks, export, erasure and retention."""

    NONE = "none"  # nothing about a person, or a random token
    IDENTIFIER = "identifier"  # name, OpenID
    CONTACT = "contact"  # phone, address, e-mail
    WORK = "work"  # hospital, department, position, title, staff names
    SENSITIVE = "sensitive"  # badge images and what is derived from them, gender
    USAGE = "usage"  # what the person did and when
    FREE_TEXT = "free_text"  # written by a person, may hold anything


def plain(*args: Any, cls: DataClass = DataClass.NONE, **kw: Any) -> MappedColumn[Any]:
    """A column stored readable; ``cls`` defaults to `DataClass.NONE`."""
    return mapped_column(*args, info={"class": cls}, **kw)


def sealed_column(cls: DataClass, **kw: Any) -> MappedColumn[Any]:
    """The ciphertext column behind a `core.sealed.Sealed` attribute."""
    kw.setdefault("nullable", True)
    return mapped_column(sa.LargeBinary, info={"class": cls, "sealed": True}, **kw)


def index_column(cls: DataClass, **kw: Any) -> MappedColumn[Any]:
    """A keyed blind index (HMAC-SHA256, 32 bytes, or its truncation) behind a `Sealed` attribute."""
    kw.setdefault("nullable", True)
    return mapped_column(sa.LargeBinary(32), info={"class": cls, "blind": True}, **kw)
