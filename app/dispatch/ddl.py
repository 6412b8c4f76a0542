"""Triggers that keep the disclosure ledger append-only, for both databases; the migration runs the same statements."""

from __future__ import annotations

import sqlalchemy as sa

CREATE = {
    "postgresql": (
        "CREATE FUNCTION disclosure_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'disclosure is append-only'; END $$",
        "CREATE TRIGGER disclosure_append_only BEFORE UPDATE OR DELETE ON disclosure "
        "FOR EACH ROW EXECUTE FUNCTION disclosure_refuse()",
    ),
    "sqlite": (
        "CREATE TRIGGER disclosure_no_change BEFORE UPDATE ON disclosure "
        "BEGIN SELECT RAISE(ABORT, 'disclosure is append-only'); END",
        "CREATE TRIGGER disclosure_no_delete BEFORE DELETE ON disclosure "
        "BEGIN SELECT RAISE(ABORT, 'disclosure is append-only'); END",
    ),
}
POSTGRESQL_DROP = (
    "DROP TRIGGER IF EXISTS disclosure_append_only ON disclosure",
    "DROP FUNCTION IF EXISTS disclosure_refuse()",
)


def attach(table: sa.Table) -> None:
    """Let ``create_all`` and ``drop_all`` make and drop the triggers with the table."""
    for dialect, statements in CREATE.items():
        for statement in statements:
            sa.event.listen(table, "after_create", sa.DDL(statement).execute_if(dialect=dialect))
    for statement in POSTGRESQL_DROP:  # SQLite's go with their table; a function of PostgreSQL would stay
        sa.event.listen(table, "before_drop", sa.DDL(statement).execute_if(dialect="postgresql"))
