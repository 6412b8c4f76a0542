"""What both databases offer a backup: a consistent copy, and a new place that takes the old one's in one step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sqlalchemy.engine import make_url

from app.cli.backup.manifest import Manifest, Opened
from app.cli.backup.postgres import Postgres
from app.cli.backup.sqlite import Sqlite


class Database(Protocol):
    """One database as the backup sees it."""

    dialect: str

    def save(self, folder: Path, manifest: Manifest, key: bytes) -> list[str]:
        """Write a consistent copy; returns the names of the stored objects that the copy names."""

    def refuse_running(self) -> None:
        """Raise BackupError while anybody else has the database open."""

    def is_empty(self) -> bool:
        """Whether there is nothing that a restore would replace."""

    def new_place(self) -> str:
        """The URL of an empty database beside the present one; what a killed run left there is removed."""

    def load(self, backup: Opened, migrate: Callable[[str], None]) -> None:
        """Fill the new place from the backup; ``migrate`` brings its schema to a revision where that is needed."""

    def switch(self, stamp: str) -> str:
        """Let the new place be the database, all or nothing; returns where the former one is kept, or nothing."""

    def abandon(self) -> None:
        """Remove the new place."""


def open_database(url: str) -> Database:
    """The database of a settings URL."""
    parsed = make_url(url)
    return Sqlite(parsed) if parsed.get_backend_name() == "sqlite" else Postgres(parsed)
