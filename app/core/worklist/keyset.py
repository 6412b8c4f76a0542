"""Keyset paging: a page starts after a row, not after a number of rows.

A cursor is the sort value and the id of a row, base64url of JSON. It is not secret and not trusted: it is parsed by
the sort column's type, and a broken one simply means the first page.
"""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement


def encode(value: Any, row_id: uuid.UUID) -> str:
    raw = value.isoformat() if isinstance(value, datetime | date) else value
    return base64.urlsafe_b64encode(json.dumps([raw, row_id.hex]).encode()).decode().rstrip("=")


def decode(cursor: str, column: Any) -> tuple[Any, uuid.UUID] | None:
    """The (sort value, id) of a cursor, or None when it is not one for this column."""
    kind = column.type.python_type
    try:
        raw, row_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if kind is datetime:
            value: Any = datetime.fromisoformat(raw)
            if value.tzinfo is None:
                return None
        elif kind is date:
            value = date.fromisoformat(raw)
        elif isinstance(raw, kind) and not isinstance(raw, bool):
            value = raw
        else:
            return None
        return value, uuid.UUID(row_id)
    except (ValueError, TypeError, binascii.Error, AttributeError, RecursionError):
        return None


def after(column: Any, tie: Any, position: tuple[Any, uuid.UUID], *, descending: bool) -> ColumnElement[bool]:
    """Rows strictly behind ``position`` in the given direction, as a row-value comparison that an index serves."""
    here = sa.tuple_(sa.literal(position[0], column.type), sa.literal(position[1], tie.type))
    pair = sa.tuple_(column, tie)
    return pair < here if descending else pair > here
