"""SQLite: copied with its own backup API while the portal runs; exchanged by one rename while it does not."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import URL

from app.cli.backup import seal
from app.cli.backup.manifest import Manifest, Opened
from app.cli.backup.seal import BackupError

FILE = "database.sealed"
PIECE = 1024 * 1024
LIVING = "SELECT object_key FROM stored_file WHERE erased_at IS NULL ORDER BY object_key"


class Sqlite:
    """The main database as a file."""

    dialect = "sqlite"

    def __init__(self, url: URL) -> None:
        if not url.database or url.database == ":memory:":
            raise BackupError("a database in memory cannot be backed up")
        self.path = Path(url.database)
        self.new = self.path.with_name(f"{self.path.name}.restoring")

    def save(self, folder: Path, manifest: Manifest, key: bytes) -> list[str]:
        if not self.path.exists():
            raise BackupError(f"there is no database at {self.path}")
        copy = folder / "database.copy"
        os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            with closing(sqlite3.connect(self.path, timeout=30)) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
                target.execute("PRAGMA journal_mode=DELETE")
                manifest.revision = _revision(target)
                manifest.head = _head(target)
                names = [name for (name,) in target.execute(LIVING)]
            manifest.files.append(seal.write(folder, FILE, key, _pieces(copy)))
        except sqlite3.Error as error:
            raise BackupError(f"the database cannot be copied: {error}") from error
        finally:
            copy.unlink(missing_ok=True)
        return names

    def refuse_running(self) -> None:
        if not self.path.exists():
            return
        try:
            with closing(sqlite3.connect(self.path, timeout=0.5)) as connection:
                # leaving WAL needs the file for oneself: it fails while any process has the database open
                connection.execute("PRAGMA journal_mode=DELETE").fetchone()
        except sqlite3.OperationalError as error:
            raise BackupError("the portal is running: stop web and worker processes first") from error
        except sqlite3.DatabaseError:
            return  # damaged: exactly what is to be replaced

    def is_empty(self) -> bool:
        if not self.path.exists() or self.path.stat().st_size == 0:
            return True
        try:
            with closing(sqlite3.connect(self.path)) as connection:
                return not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        except sqlite3.DatabaseError:
            return False

    def new_place(self) -> str:
        self.abandon()
        os.close(os.open(self.new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        return f"sqlite:///{self.new}"

    def load(self, backup: Opened, migrate: Callable[[str], None]) -> None:
        with open(self.new, "wb") as out:
            for piece in seal.read(backup.folder, FILE, backup.key):
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
        with closing(sqlite3.connect(self.new)) as connection:
            said = connection.execute("PRAGMA integrity_check").fetchone()[0]
        if said != "ok":
            raise BackupError(f"the database in the backup is damaged: {said}")

    def switch(self, stamp: str) -> str:
        with closing(sqlite3.connect(self.new)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()  # all of it in the one file
        kept = ""
        if self.path.exists():
            self.refuse_running()
            kept = str(_link(self.path, stamp))
        for tail in ("-wal", "-shm"):  # of a damaged one; of a whole one they are gone by now
            self.path.with_name(self.path.name + tail).unlink(missing_ok=True)
        os.replace(self.new, self.path)
        _sync(self.path.parent)
        return kept

    def abandon(self) -> None:
        for tail in ("", "-wal", "-shm", "-journal"):
            self.new.with_name(self.new.name + tail).unlink(missing_ok=True)


def _link(path: Path, stamp: str) -> Path:
    """A second name for the file, so that the rename over the first one loses nothing."""
    before, number = path.with_name(f"{path.name}.before-{stamp}"), 1
    while before.exists():
        number += 1
        before = path.with_name(f"{path.name}.before-{stamp}-{number}")
    os.link(path, before)
    return before


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def _pieces(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as source:
        while piece := source.read(PIECE):
            yield piece


def _revision(connection: sqlite3.Connection) -> str:
    return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def _head(connection: sqlite3.Connection) -> str:
    found = connection.execute("SELECT chain, seq FROM audit_event ORDER BY chain DESC, seq DESC LIMIT 1").fetchone()
    return f"{found[0]}/{found[1]}" if found else ""
