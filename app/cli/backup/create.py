"""`flask backup create`: database, stored files and manifest, consistent while the portal runs. Never a key."""

from __future__ import annotations

from pathlib import Path

from flask import current_app

from app.cli.backup import manifest as manifests
from app.cli.backup import objects
from app.cli.backup.databases import open_database
from app.cli.backup.manifest import Manifest
from app.core import audit, clock
from app.core.policy import SYSTEM
from app.core.unit_of_work import unit_of_work


def create(target: Path) -> tuple[Path, Manifest]:
    """Write a backup into a new folder under ``target``. Raises BackupError; nothing half made stays.

    The database is copied first; the objects that it names are never changed afterwards, so both fit together. One
    that was erased between the two is left out, as the erasure wants.
    """
    settings = current_app.extensions["settings"]
    sealing, key, made_at = manifests.backup_key(settings), manifests.new_key(), clock.now()
    database = open_database(settings.database_url)
    with manifests.new_folder(target, "main", made_at) as folder:
        manifest = Manifest("main", made_at, dialect=database.dialect)
        names = database.save(folder, manifest, key)
        objects.save(folder, manifest, key, names)
        manifests.save(folder, manifest, key, sealing)
    with unit_of_work():
        audit.record("backup.created", SYSTEM, "backup", manifest.id)
    return target / folder.name.removeprefix(".").removesuffix(".partial"), manifest
