"""Reading apart from the running unit of work, so that a channel holds no transaction while the network answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from app.core.db import db, writing


@contextmanager
def reading() -> Iterator[Session]:
    """A short read-only session of its own; ``unit_of_work.evidence`` is its writing counterpart."""
    flag = writing.set(False)
    try:
        with Session(db.engine) as session:
            yield session
    finally:
        writing.reset(flag)
