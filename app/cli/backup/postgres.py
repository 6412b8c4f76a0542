"""PostgreSQL: every table by COPY in one snapshot; restored into a schema beside the present one, then renamed.

Not pg_dump: its archives restore under the schema's own name only, so that a killed restore leaves half a database,
and it must be of the server's version. Migrations make the schema here, which also takes backups of older revisions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL

from app.cli.backup import seal
from app.cli.backup.manifest import Manifest, Opened
from app.cli.backup.seal import BackupError, Written

NEW = "portal_restoring"
PREFIX = "table-"
LIVING = "SELECT object_key FROM stored_file WHERE erased_at IS NULL ORDER BY object_key"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename <> 'alembic_version' ORDER BY tablename"
COLUMNS = (
    "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
    "AND is_generated = 'NEVER' ORDER BY ordinal_position"
)
FOREIGN = (
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE contype = 'f' AND connamespace = %s::regnamespace"
)
SERIALS = (
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s "
    "AND pg_get_serial_sequence(quote_ident(table_schema) || '.' || quote_ident(table_name), column_name) IS NOT NULL"
)
OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend'"
)
Connection = psycopg.Connection[tuple[Any, ...]]


class Postgres:
    """The main database on a server."""

    dialect = "postgresql"

    def __init__(self, url: URL) -> None:
        self.url = url
        self.address = url.set(drivername="postgresql").render_as_string(hide_password=False)

    def save(self, folder: Path, manifest: Manifest, key: bytes) -> list[str]:
        try:
            with self._connect() as connection:
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                schema = _one(connection, "SELECT current_schema()")
                manifest.revision = str(_one(connection, "SELECT version_num FROM alembic_version"))
                manifest.head = str(
                    _one(
                        connection, "SELECT chain || '/' || seq FROM audit_event ORDER BY chain DESC, seq DESC LIMIT 1"
                    )
                    or ""
                )
                names = [name for (name,) in connection.execute(LIVING)]
                for (table,) in connection.execute(TABLES, (schema,)).fetchall():
                    manifest.files.append(_save_table(connection, str(schema), table, folder, key))
        except psycopg.Error as error:
            raise BackupError(f"the database cannot be copied: {_words(error)}") from error
        return names

    def refuse_running(self) -> None:
        try:
            with self._connect() as connection:
                others = _one(connection, OTHERS)
        except psycopg.Error as error:
            raise BackupError(f"the database does not answer: {_words(error)}") from error
        if others:
            raise BackupError(
                f"the portal is running: {others} other connections are open; stop web and worker processes first"
            )

    def is_empty(self) -> bool:
        with self._connect() as connection:
            return not _one(connection, "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()")

    def new_place(self) -> str:
        self.abandon()
        with self._connect() as connection:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(NEW)))
        options = f"-csearch_path={NEW}"
        return self.url.update_query_dict({"options": options}).render_as_string(hide_password=False)

    def load(self, backup: Opened, migrate: Callable[[str], None]) -> None:
        migrate(backup.manifest.revision)
        try:
            with self._connect() as connection:
                connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(sql.Identifier(NEW)))
                _fill(connection, backup)
        except psycopg.Error as error:
            raise BackupError(f"the backup does not go into the database: {_words(error)}") from error

    def switch(self, stamp: str) -> str:
        """Both renames are one transaction; the former schema is kept when there is anything in it."""
        kept = f"portal_before_{stamp}".lower()
        try:
            with self._connect() as connection:
                if _one(connection, OTHERS):
                    raise BackupError("the portal was started meanwhile: stop it and restore again")
                schema = str(_one(connection, "SELECT current_schema()"))
                rename = sql.SQL("ALTER SCHEMA {} RENAME TO {}")
                connection.execute(rename.format(sql.Identifier(schema), sql.Identifier(kept)))
                connection.execute(rename.format(sql.Identifier(NEW), sql.Identifier(schema)))
                filled = _one(connection, "SELECT count(*) FROM pg_tables WHERE schemaname = %s", kept)
        except psycopg.Error as error:
            raise BackupError(f"the schemas cannot be exchanged: {_words(error)}") from error
        return f"schema {kept}" if filled else ""

    def abandon(self) -> None:
        with self._connect() as connection:
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(NEW)))

    def _connect(self) -> Connection:
        return psycopg.connect(self.address, connect_timeout=10)


def _save_table(connection: Connection, schema: str, table: str, folder: Path, key: bytes) -> Written:
    names = [name for (name,) in connection.execute(COLUMNS, (schema, table))]
    head = sql.SQL("COPY {} ({}) TO STDOUT").format(sql.Identifier(schema, table), _identifiers(names))
    rows = int(str(_one(connection, sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table)))))

    def parts() -> Iterator[bytes]:
        yield ",".join(names).encode() + b"\n"
        with connection.cursor() as cursor, cursor.copy(head) as copy:
            for piece in copy:
                yield bytes(piece)

    written = seal.write(folder, f"{PREFIX}{table}.sealed", key, parts())
    return Written(written.name, written.size, written.sha256, rows)


def _fill(connection: Connection, backup: Opened) -> None:
    """Tables in any order: triggers rest, foreign keys come back at the end and check everything once."""
    files = [file for file in backup.manifest.files if file.name.startswith(PREFIX)]
    tables = [file.name.removeprefix(PREFIX).removesuffix(".sealed") for file in files]
    foreign = connection.execute(FOREIGN, (NEW,)).fetchall()
    for owner, name, _definition in foreign:
        connection.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.SQL(owner), sql.Identifier(name)))
    for table in tables:
        connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.Identifier(table)))
    if tables:
        listed = sql.SQL(", ").join(sql.Identifier(table) for table in tables)
        connection.execute(sql.SQL("TRUNCATE {}").format(listed))
    for table, file in zip(tables, files, strict=True):
        _load_table(connection, table, file, backup)
    for table in tables:
        connection.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(sql.Identifier(table)))
    for owner, name, definition in foreign:
        add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}")
        connection.execute(add.format(sql.SQL(owner), sql.Identifier(name), sql.SQL(definition)))
    for table, column in connection.execute(SERIALS, (NEW,)).fetchall():
        _set_sequence(connection, table, column)


def _load_table(connection: Connection, table: str, file: Written, backup: Opened) -> None:
    pieces = seal.read(backup.folder, file.name, backup.key)
    held = b""
    for piece in pieces:
        held += piece
        if b"\n" in held:
            break
    names, _newline, rest = held.partition(b"\n")
    head = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), _identifiers(names.decode().split(",")))
    with connection.cursor() as cursor, cursor.copy(head) as copy:
        copy.write(rest)
        for piece in pieces:
            copy.write(piece)
    count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
    if _one(connection, count) != file.rows:
        raise BackupError(f"table {table} holds other rows than the manifest says")


def _set_sequence(connection: Connection, table: str, column: str) -> None:
    sequence = _one(connection, "SELECT pg_get_serial_sequence(%s, %s)", f"{NEW}.{table}", column)
    top = sql.SQL("SELECT setval(%s, coalesce(max({}), 0) + 1, false) FROM {}")
    connection.execute(top.format(sql.Identifier(column), sql.Identifier(table)), (sequence,))


def _identifiers(names: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) for name in names)


def _one(connection: Connection, query: Any, *values: object) -> object:
    found = connection.execute(query, values or None).fetchone()
    return found[0] if found else None


def _words(error: psycopg.Error) -> str:
    """The server's first line: no values of rows."""
    return str(error.diag.message_primary or error).splitlines()[0][:200]
