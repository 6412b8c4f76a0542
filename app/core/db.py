"""Database: base class, column types and the engine's manners on SQLite and PostgreSQL.

SQLite is the embedded default, PostgreSQL the production database; both are targets of the whole suite. Transactions
on SQLite begin IMMEDIATE when the frame says that they will write (see `core.unit_of_work`), because a read
transaction that later writes fails at once when somebody else wrote in between, whatever the busy timeout.

A read on PostgreSQL is a read-only transaction that ends with a commit. The driver prepares statements that return
and the server keeps their plans, but a rollback makes both forget them: planning the rule of who reads what takes
longer than running it. The server itself refuses a write, so that the commit commits nothing.
"""

from __future__ import annotations

import secrets
import time
import uuid
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.orm import DeclarativeBase, Session, registry

BUSY_TIMEOUT_MS = 15_000
# True: the transaction will write. False: it was announced as a read. None: nobody said.
writing: ContextVar[bool | None] = ContextVar("transaction_will_write", default=None)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An instant. Naive values are refused; what comes back is aware and UTC on both databases."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[Any]:
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime in a UTC column")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def new_id() -> uuid.UUID:
    """A time-ordered random UUID (RFC 9562 version 7): unguessable, yet new rows land at the end of an index.

    Twelve bits of it are the fraction of the millisecond (method 3 of the RFC), so that ids made one after another
    by one process sort in that order.
    """
    millis, nanos = divmod(time.time_ns(), 1_000_000)
    fraction = nanos * 4096 // 1_000_000
    value = (millis & ((1 << 48) - 1)) << 80 | 0x7 << 76 | fraction << 64 | 0x2 << 62 | secrets.randbits(62)
    return uuid.UUID(int=value)


class Base(DeclarativeBase):
    """Every table. Rows get their ids in Python, before any encrypted value is bound to them."""

    # On the registry, not on the class: Flask-SQLAlchemy derives its own base, and SQLAlchemy 2.1 takes no second map.
    registry = registry(
        metadata=sa.MetaData(naming_convention=NAMING),
        type_annotation_map={datetime: UtcDateTime, uuid.UUID: sa.Uuid, bytes: sa.LargeBinary, dict[str, Any]: sa.JSON},
    )

    def __init__(self, **values: Any) -> None:
        mapper = sa.inspect(type(self))
        key = mapper.columns.get("id")
        if key is not None and isinstance(key.type, sa.Uuid):
            self.id = values.pop("id", None) or new_id()
        for name in sorted(values, key=lambda n: n != "subject_id"):  # sealed values need the subject first
            if not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} has no attribute {name!r}")
            setattr(self, name, values[name])


db = SQLAlchemy(model_class=Base, disable_autonaming=True)


def prepare_engine(engine: Engine, *, frame_reads: bool = True) -> None:
    """Attach the manners to an engine; called once for the main database and once for the key store.

    Without ``frame_reads`` SQLite reads begin no transaction: each statement sees what is committed by then.
    """
    if engine.dialect.name == "postgresql":
        event.listen(engine, "begin", _announce)
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # pysqlite's own implicit BEGIN is switched off; `_begin` does it
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            "secure_delete=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if writing.get() or frame_reads:
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writing.get() else "BEGIN")


def end_read(session: Session) -> None:
    """End a transaction that was announced as a read, so that prepared statements survive it."""
    if (
        session.in_transaction()
        and session.get_bind().dialect.name == "postgresql"
        and _read_only(session.connection())
    ):
        session.commit()
    else:
        session.rollback()


def _announce(connection: Connection) -> None:
    """Before the first statement: BEGIN READ ONLY for what was announced as a read."""
    driver: Any = connection.connection.dbapi_connection
    wanted = True if writing.get() is False else None
    if driver.read_only is not wanted:
        driver.read_only = wanted


def _read_only(connection: Connection) -> bool:
    return bool(getattr(connection.connection.dbapi_connection, "read_only", False))
