"""What stands behind the secret link of an invitation or of a second survey."""

from __future__ import annotations

from typing import Any, TypeVar

import sqlalchemy as sa

from app.core.db import db
from app.core.errors import NotFound
from app.staff.tokens import TOKEN, hash_token

A = TypeVar("A")
B = TypeVar("B")


def behind(token: str, query: sa.Select[A, B], kept: Any, *, lock: bool) -> tuple[A, B]:
    """The one pair of ``query`` whose ``kept`` column holds the token's hash, locked if asked. Raises NotFound."""
    if not TOKEN.match(token):
        raise NotFound()
    query = query.where(kept == hash_token(token))
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = db.session.execute(query).one_or_none()
    if found is None:
        raise NotFound()
    return found[0], found[1]
