"""Triggers that keep the disclosure ledger append-only, for both databases; the migration runs the same statements."""

from __future__ import annotations

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
