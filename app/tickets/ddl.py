"""Triggers that name the days whose sums a change made stale, for both databases; migrations run the same statements.

Whatever writes (a verb, a job, an import, a correction by hand) is noticed, because the database itself notices. A day
is named when what was counted on it may differ: the day of the report, of each clock's stop, and of later reports of
the same device, which may be repeats now or be repeats no more. SQLite writes one at a time and names a day once; on
PostgreSQL each change names it again, so that no transaction waits for another's or relies on it.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

AFTER_DAYS = 91  # a repeat lies within 90 days, counted in whole hours
NOT_REPAIRED = "('cancelled', 'rejected', 'merged')"
SEEN = ("opened_at", "province", "priority", "device_model", "serial_number", "fault_class")
_SQLITE_MARK = (
    "INSERT INTO ticket_day_stale (day) SELECT d FROM ({0}) WHERE d NOT IN (SELECT day FROM ticket_day_stale)"
)


def _sqlite_ticket(*rows: str) -> str:
    parts = [f"SELECT date({row}.opened_at, '+8 hours') AS d" for row in rows]
    parts += [
        f"SELECT date(t.opened_at, '+8 hours') FROM ticket t WHERE t.serial_number = {row}.serial_number AND "
        f"t.opened_at > {row}.opened_at AND t.opened_at <= datetime({row}.opened_at, '+{AFTER_DAYS} days')"
        for row in rows
    ]
    if len(rows) > 1:
        parts.append(
            "SELECT date(c.stopped_at, '+8 hours') FROM sla_clock c WHERE c.ticket_id = NEW.id "
            "AND c.stopped_at IS NOT NULL"
        )
    return _SQLITE_MARK.format(" UNION ".join(parts))


def _sqlite_clock(*rows: str) -> str:
    parts = [f"SELECT date({row}.stopped_at, '+8 hours') AS d WHERE {row}.stopped_at IS NOT NULL" for row in rows]
    return _SQLITE_MARK.format(" UNION ".join(parts))


_OTHER = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in SEEN)
SQLITE_CREATE = (
    f"CREATE TRIGGER ticket_day_reported AFTER INSERT ON ticket BEGIN {_sqlite_ticket('NEW')}; END",
    f"CREATE TRIGGER ticket_day_changed AFTER UPDATE OF status, {', '.join(SEEN)} ON ticket WHEN {_OTHER} OR "
    f"(OLD.status IN {NOT_REPAIRED}) <> (NEW.status IN {NOT_REPAIRED}) BEGIN {_sqlite_ticket('OLD', 'NEW')}; END",
    f"CREATE TRIGGER ticket_day_removed AFTER DELETE ON ticket BEGIN {_sqlite_ticket('OLD')}; END",
    f"CREATE TRIGGER ticket_day_clock_made AFTER INSERT ON sla_clock BEGIN {_sqlite_clock('NEW')}; END",
    "CREATE TRIGGER ticket_day_clock_changed AFTER UPDATE OF stopped_at, outcome, metric ON sla_clock WHEN "
    "OLD.stopped_at IS NOT NEW.stopped_at OR OLD.outcome IS NOT NEW.outcome OR OLD.metric IS NOT NEW.metric "
    f"BEGIN {_sqlite_clock('OLD', 'NEW')}; END",
    f"CREATE TRIGGER ticket_day_clock_removed AFTER DELETE ON sla_clock BEGIN {_sqlite_clock('OLD')}; END",
)
SQLITE_DROP = tuple(
    f"DROP TRIGGER IF EXISTS ticket_day_{name}"
    for name in ("reported", "changed", "removed", "clock_made", "clock_changed", "clock_removed")
)

_DAY = "({0} AT TIME ZONE 'Asia/Shanghai')::date"


def _later(row: str) -> str:
    return (
        f"SELECT {_DAY.format('t.opened_at')} FROM ticket t WHERE t.serial_number = {row}.serial_number AND "
        f"t.opened_at > {row}.opened_at AND t.opened_at <= {row}.opened_at + interval '{AFTER_DAYS} days'"
    )


_MARK = "INSERT INTO ticket_day_stale (day) "
POSTGRESQL_CREATE = (
    "CREATE FUNCTION ticket_day_of_ticket() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    f"IF TG_OP <> 'INSERT' THEN {_MARK} SELECT {_DAY.format('OLD.opened_at')} UNION {_later('OLD')}; END IF; "
    f"IF TG_OP <> 'DELETE' THEN {_MARK} SELECT {_DAY.format('NEW.opened_at')} UNION {_later('NEW')}; END IF; "
    f"IF TG_OP = 'UPDATE' THEN {_MARK} SELECT DISTINCT {_DAY.format('c.stopped_at')} FROM sla_clock c "
    "WHERE c.ticket_id = NEW.id AND c.stopped_at IS NOT NULL; END IF; RETURN NULL; END $$",
    "CREATE FUNCTION ticket_day_of_clock() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    f"IF TG_OP <> 'INSERT' AND OLD.stopped_at IS NOT NULL THEN {_MARK} VALUES ({_DAY.format('OLD.stopped_at')}); "
    "END IF; "
    f"IF TG_OP <> 'DELETE' AND NEW.stopped_at IS NOT NULL THEN {_MARK} VALUES ({_DAY.format('NEW.stopped_at')}); "
    "END IF; RETURN NULL; END $$",
    "CREATE TRIGGER ticket_day_reported AFTER INSERT OR DELETE ON ticket FOR EACH ROW "
    "EXECUTE FUNCTION ticket_day_of_ticket()",
    f"CREATE TRIGGER ticket_day_changed AFTER UPDATE OF status, {', '.join(SEEN)} ON ticket FOR EACH ROW WHEN ("
    + " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in SEEN)
    + f" OR (OLD.status IN {NOT_REPAIRED}) <> (NEW.status IN {NOT_REPAIRED})) EXECUTE FUNCTION ticket_day_of_ticket()",
    "CREATE TRIGGER ticket_day_clock_made AFTER INSERT OR DELETE ON sla_clock FOR EACH ROW "
    "EXECUTE FUNCTION ticket_day_of_clock()",
    "CREATE TRIGGER ticket_day_clock_changed AFTER UPDATE OF stopped_at, outcome, metric ON sla_clock FOR EACH ROW "
    "WHEN (OLD.stopped_at IS DISTINCT FROM NEW.stopped_at OR OLD.outcome IS DISTINCT FROM NEW.outcome "
    "OR OLD.metric IS DISTINCT FROM NEW.metric) EXECUTE FUNCTION ticket_day_of_clock()",
)
POSTGRESQL_DROP = (
    "DROP TRIGGER IF EXISTS ticket_day_clock_changed ON sla_clock",
    "DROP TRIGGER IF EXISTS ticket_day_clock_made ON sla_clock",
    "DROP TRIGGER IF EXISTS ticket_day_changed ON ticket",
    "DROP TRIGGER IF EXISTS ticket_day_reported ON ticket",
    "DROP FUNCTION IF EXISTS ticket_day_of_clock() CASCADE",
    "DROP FUNCTION IF EXISTS ticket_day_of_ticket() CASCADE",
)
CREATE = {"postgresql": POSTGRESQL_CREATE, "sqlite": SQLITE_CREATE}


NEEDED = frozenset({"ticket", "sla_clock", "ticket_day_stale"})


def _all_there(_ddl: Any, _target: Any, _bind: Any, tables: Any = (), **_more: Any) -> bool:
    return {table.name for table in tables or ()} >= NEEDED


def attach(metadata: sa.MetaData) -> None:
    """Let ``create_all`` and ``drop_all`` make and drop them, once all tables that they name are there."""
    for dialect, statements in CREATE.items():
        for statement in statements:
            found = sa.DDL(statement.replace("%", "%%")).execute_if(dialect=dialect, callable_=_all_there)  # type: ignore[arg-type]
            sa.event.listen(metadata, "after_create", found)
    for statement in POSTGRESQL_DROP:
        if "FUNCTION" in statement:  # a table takes its triggers along
            sa.event.listen(metadata, "before_drop", sa.DDL(statement).execute_if(dialect="postgresql"))
