"""Evidence of use: how many rows of others each grant showed at one read."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable

from app.core import clock
from app.core.db import db
from app.grants.models import GrantUse, UseKind
from app.grants.scope import bound, open_departments


def note_use(customer_id: uuid.UUID, departments: Iterable[uuid.UUID | None], kind: UseKind) -> None:
    """``departments``: of the rows that were shown; null for the person's own, which no grant opened.

    A department of two active grants counts for both: either alone would have opened it.
    """
    shown = Counter(found for found in departments if found is not None)
    if not shown:
        return
    now = clock.now()
    opened: Counter[uuid.UUID] = Counter()
    for row in db.session.execute(open_departments(), bound(customer_id, now)):
        opened[row.grant_id] += shown[row.department_id]
    for grant_id, rows in opened.items():
        if rows:
            db.session.add(GrantUse(grant_id=grant_id, kind=kind.value, rows=rows, at=now))
    db.session.flush()
