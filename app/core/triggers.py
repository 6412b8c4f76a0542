"""Triggers beside a table: migrations run the statements, and a schema made from the models has them too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa


def attach(table: Any, create: Mapping[str, Sequence[str]], drop: Sequence[str]) -> None:
    """Let ``create_all`` and ``drop_all`` make and drop the triggers of ``table``.

    ``create`` holds statements by dialect. ``drop`` is PostgreSQL's alone: SQLite's triggers go with their table, a
    function of PostgreSQL would stay.
    """
    for dialect, statements in create.items():
        for statement in statements:
            found = sa.DDL(statement.replace("%", "%%")).execute_if(dialect=dialect)
            sa.event.listen(table, "after_create", found)
    for statement in drop:
        sa.event.listen(table, "before_drop", sa.DDL(statement).execute_if(dialect="postgresql"))
