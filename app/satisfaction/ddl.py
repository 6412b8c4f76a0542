"""Triggers that keep ratings as they were given, for both databases; migrations run the same statements.

What was said is erased with the person's key, and the link to the account may be cut; nothing else of a row can be
changed, and no row can be removed.
"""

from __future__ import annotations

import sqlalchemy as sa

FIXED = ("id", "job_id", "version", "score", "timeliness", "skill", "attitude", "result", "at")
_COLUMNS = ", ".join(FIXED)
POSTGRESQL_CREATE = (
    "CREATE FUNCTION rating_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ "
    "BEGIN RAISE EXCEPTION 'a rating cannot be changed'; END $$",
    f"CREATE TRIGGER rating_no_change BEFORE UPDATE OF {_COLUMNS} ON rating "
    "FOR EACH ROW EXECUTE FUNCTION rating_refuse()",
    "CREATE TRIGGER rating_no_delete BEFORE DELETE ON rating FOR EACH ROW EXECUTE FUNCTION rating_refuse()",
)
POSTGRESQL_DROP = (
    "DROP TRIGGER IF EXISTS rating_no_delete ON rating",
    "DROP TRIGGER IF EXISTS rating_no_change ON rating",
    "DROP FUNCTION IF EXISTS rating_refuse() CASCADE",
)
SQLITE_CREATE = (
    f"CREATE TRIGGER rating_no_change BEFORE UPDATE OF {_COLUMNS} ON rating "
    "BEGIN SELECT RAISE(ABORT, 'a rating cannot be changed'); END",
    "CREATE TRIGGER rating_no_delete BEFORE DELETE ON rating "
    "BEGIN SELECT RAISE(ABORT, 'a rating cannot be changed'); END",
)
CREATE = {"postgresql": POSTGRESQL_CREATE, "sqlite": SQLITE_CREATE}


def attach(table: sa.Table) -> None:
    """Let ``create_all`` and ``drop_all`` make and drop the triggers with the table."""
    for dialect, statements in CREATE.items():
        for statement in statements:
            sa.event.listen(table, "after_create", sa.DDL(statement.replace("%", "%%")).execute_if(dialect=dialect))
    for statement in POSTGRESQL_DROP:
        sa.event.listen(table, "before_drop", sa.DDL(statement).execute_if(dialect="postgresql"))
