"""A large table out of a small one, made by the database: rows copied under ids and numbers of their own.

Copies lie 400 days later and hold no ciphertext, which is bound to the row it was made for: the first page of a tab
shows rows that were made one by one, a page far behind shows names as dashes. Indexed values are copied as they are.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.core.db import db
from app.core.unit_of_work import unit_of_work
from app.customers.models import Customer
from app.registrations.models import Registration, RegistrationEvent, Submission

SHIFT_DAYS = 400
IDS = ("id", "customer_id", "registration_id", "subject_id")
MOMENTS = ("due_at", "changed_at", "submitted_at", "wakes_at")
EMPTY = ("name_sealed", "phone_sealed")


def multiply(times: int) -> None:
    """Copy all rows ``times`` - 1 times. Whole statements, one transaction."""
    with unit_of_work():
        for model in (Customer, Registration, Submission, RegistrationEvent):
            _copy(model.__table__, times - 1)


def settle() -> None:
    """What a database does by itself over time: statistics, and on PostgreSQL the map of pages seen by all, without
    which an index alone answers nothing."""
    with db.engine.connect() as connection:
        words = "VACUUM ANALYZE" if db.engine.dialect.name == "postgresql" else "ANALYZE"
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(words)


def _copy(table: Any, times: int) -> None:
    postgres = db.engine.dialect.name == "postgresql"
    names = [column.name for column in table.columns]
    values = ", ".join(_value(table.name, name, postgres) for name in names)
    series = "generate_series" if postgres else "(WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k+1 FROM n LIMIT"
    source = f"{series}(1, {times}) AS n(k)" if postgres else f"{series} {times}) SELECT k FROM n) AS n"
    db.session.execute(
        sa.text(f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {values} FROM {table.name} CROSS JOIN {source}")
    )


def _value(table: str, name: str, postgres: bool) -> str:
    if name in EMPTY or (table == "customer" and name == "phone_index"):  # unique among customers
        return "NULL"
    if name in IDS and not (table != "customer" and name == "subject_id"):
        if postgres:  # the first 32 bits of the id are those of its time
            return f"CAST(lpad(to_hex(k), 8, '0') || substr(replace(CAST({name} AS text), '-', ''), 9) AS uuid)"
        return f"printf('%08x', k) || substr({name}, 9)"
    if name == "number":
        return "'REG-' || lpad(CAST(k AS text), 8, '0') || substr(number, 13)" if postgres else (
            "'REG-' || printf('%08d', k) || substr(number, 13)"
        )  # fmt: skip
    if table == "registration" and name in MOMENTS:
        if postgres:
            return f"{name} + interval '{SHIFT_DAYS} days' + k * interval '1 second'"
        return f"strftime('%Y-%m-%d %H:%M:%f', {name}, '+{SHIFT_DAYS} days', '+' || k || ' seconds') || '000'"
    return name


def worlds(times: int, tables: Sequence[Any], shared: frozenset[tuple[str, str]]) -> None:
    """Copy whole worlds ``times`` - 1 times: every id that is not ``shared`` (table, column) moves along, so that the
    rows of a copy point at each other. One statement per table and copy, in the order of ``tables``; ids of one copy
    lie together, so that indexes grow at one place."""
    postgres = db.engine.dialect.name == "postgresql"
    for k in range(1, times):
        with unit_of_work():
            if postgres:  # a copy breaks no foreign key, and the report's days are named afterwards, all at once
                db.session.execute(sa.text("SET LOCAL session_replication_role = replica"))
            for model in tables:
                table = model.__table__
                names = [f'"{column.name}"' for column in table.columns]  # one of them is a word of SQL
                values = ", ".join(
                    _moved(column, k, postgres, (table.name, column.name) in shared) for column in table.columns
                )
                db.session.execute(
                    sa.text(
                        f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {values} FROM {table.name} {_FIRST}"
                    ),
                    {"first": _first_id(postgres)},
                )


_FIRST = "WHERE id >= :first"  # what was made one by one: ids of copies begin with their number, far below any time


def _first_id(postgres: bool) -> Any:
    lowest = "01000000-0000-0000-0000-000000000000"
    return uuid.UUID(lowest) if postgres else lowest.replace("-", "")


def _moved(column: Any, k: int, postgres: bool, shared: bool) -> str:
    name = column.name
    if shared:
        return f'"{name}"'
    if column.info.get("sealed"):  # bound to the row it was made for: nobody could open it here
        return "NULL"
    if isinstance(column.type, sa.Uuid):  # null stays null
        if postgres:
            return f"CAST('{k:08x}' || substr(replace(CAST({name} AS text), '-', ''), 9) AS uuid)"
        return f"'{k:08x}' || substr({name}, 9)"
    if name == "name_key":  # hospitals and departments: unique within their place
        return f"'{k:08x}' || substr({name}, 9)"
    if name == "serial_number":  # another device than the one it was copied from
        return f"'{k:05d}' || substr({name}, 6)"
    if name in ("number", "code"):  # five characters of the running part say which copy it is
        return f"substr({name}, 1, 5) || '{k:05d}' || substr({name}, 11)"
    return f'"{name}"'
