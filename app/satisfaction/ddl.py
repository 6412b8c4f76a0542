"""Triggers of ratings, for both databases; migrations run the same statements.

Ratings stay as they were given: what was said is erased with the person's key, and the link to the account may be
cut; nothing else of a row can be changed, and no row can be removed.

What a report counts leaves a row in ``rating_stale`` whenever it changes, whoever changes it. A trigger and not the
services: a sum that one forgotten line of code lets drift is worse than none.
"""

from __future__ import annotations

from collections.abc import Sequence

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


COUNTED = (
    "status", "score", "outcome", "message_key", "link_key", "delivered_at", "closed_at", "opened_at", "province",
    "engineer_id", "engineer_name", "product", "job_kind", "subject_id",
)  # fmt: skip
_INSERT = "INSERT INTO rating_stale (month, province)"
_CELL = {
    "sqlite": "strftime('%Y-%m', {row}.closed_at, '+8 hours'), {row}.province",
    "postgresql": "to_char({row}.closed_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM'), {row}.province",
}


def _cell(dialect: str, row: str) -> str:
    return "SELECT " + _CELL[dialect].format(row=row)


def _sqlite(table: str, name: str, when: str, body: str) -> str:
    return f"CREATE TRIGGER {table}_{name} AFTER {when} ON {table} BEGIN {body}; END"


def _postgresql(table: str, name: str, when: str, body: str) -> tuple[str, str]:
    function = f"{table}_{name}"
    return (
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NULL; END $$",
        f"CREATE TRIGGER {function} AFTER {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()",
    )


def _changes(dialect: str) -> tuple[tuple[str, str, str], ...]:
    """(name, when, body) for the table of rated jobs."""
    new, old = _cell(dialect, "NEW"), _cell(dialect, "OLD")
    return (
        ("counted_new", "INSERT", f"{_INSERT} {new}"),
        ("counted_changed", f"UPDATE OF {', '.join(COUNTED)}", f"{_INSERT} {new} UNION {old}"),
        ("counted_gone", "DELETE", f"{_INSERT} {old}"),
    )


def _waits(dialect: str) -> tuple[tuple[str, str, str], ...]:
    body = f"{_INSERT} {_cell(dialect, 'j')} FROM rated_job j WHERE j.id = NEW.job_id"
    return (("waited_new", "INSERT", body), ("waited_changed", "UPDATE OF opened_at, finished_at", body))


def _drop(table: str, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        statement
        for name in names
        for statement in (
            f"DROP TRIGGER IF EXISTS {table}_{name} ON {table}", f"DROP FUNCTION IF EXISTS {table}_{name}() CASCADE",
        )
    )  # fmt: skip


COUNTED_CREATE = {
    "sqlite": tuple(_sqlite("rated_job", *change) for change in _changes("sqlite")),
    "postgresql": tuple(s for change in _changes("postgresql") for s in _postgresql("rated_job", *change)),
}
WAITED_CREATE = {
    "sqlite": tuple(_sqlite("follow_up", *change) for change in _waits("sqlite")),
    "postgresql": tuple(s for change in _waits("postgresql") for s in _postgresql("follow_up", *change)),
}
COUNTED_DROP = _drop("rated_job", ("counted_new", "counted_changed", "counted_gone"))
WAITED_DROP = _drop("follow_up", ("waited_new", "waited_changed"))
