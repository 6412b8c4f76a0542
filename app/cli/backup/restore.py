"""`flask backup restore`: check everything, build beside, replay the erasures, then switch in one step.

Until the switch the present database is only read; a run that is killed leaves it as it was, and at most a new place
that the next run removes, and objects of random names that nothing points to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from flask import current_app

from app.cli.backup import manifest as manifests
from app.cli.backup import objects
from app.cli.backup.databases import Database, open_database
from app.cli.backup.manifest import Opened
from app.cli.backup.restored import Settled, settle
from app.cli.backup.seal import BackupError
from app.cli.database import knows, migrate, seed_reference
from app.core import clock, keys
from app.core.audit import checkpoint
from app.core.audit.verify import Report, verify
from app.core.db import db
from app.core.errors import Unavailable
from app.core.files import vault
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal

Make = Callable[[object], Portal]


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did, for the operator's screen."""

    backup: Opened
    settled: Settled
    objects: objects.Copied
    report: Report
    kept: str


def restore(folder: Path, *, over: bool) -> Restored:
    """Put the backup in ``folder`` in place of the present database and files. Raises BackupError.

    ``over``: the operator said that what is there may be replaced.
    """
    settings = current_app.extensions["settings"]
    backup = manifests.open_backup(folder, "main", manifests.backup_key(settings))
    wanted = objects.listed(backup)
    objects.check(backup, wanted)
    database = open_database(settings.database_url)
    _refuse(database, backup, over=over)
    if not database.is_empty():
        _finish_present_erasures()
    try:
        return _build_and_switch(database, backup, wanted)
    except (keys.Unreadable, Unavailable, checkpoint.CheckpointError) as error:
        raise BackupError(_why(error)) from error
    finally:
        database.abandon()


def _refuse(database: Database, backup: Opened, *, over: bool) -> None:
    manifest = backup.manifest
    if manifest.dialect != database.dialect:
        raise BackupError(f"made on {manifest.dialect}, but PORTAL_DATABASE_URL is {database.dialect}")
    if not knows(manifest.revision):
        raise BackupError(f"made by another version of the portal (schema {manifest.revision}): install that one first")
    db.session.remove()
    db.engine.dispose()
    database.refuse_running()
    if not over and not database.is_empty():
        raise BackupError("the database is not empty; say --replace to put the backup in its place")


def _finish_present_erasures() -> None:
    """Erasures of the present database that a crash cut off: afterwards only it would have known of them."""
    try:
        for _round in range(10_000):
            with unit_of_work():
                if not vault.finish_erasures():
                    break
    except Exception as error:  # damaged or of another schema: that is why one restores
        current_app.logger.warning("the present database could not be asked for unfinished erasures: %s", type(error))
    finally:
        db.session.remove()
        db.engine.dispose()


def _build_and_switch(database: Database, backup: Opened, wanted: dict[str, str]) -> Restored:
    from app import create_app

    settings = current_app.extensions["settings"]
    fresh = create_app(replace(settings, database_url=database.new_place()))
    database.load(backup, lambda revision: migrate(fresh, revision))
    migrate(fresh, "head")
    with fresh.app_context():
        try:
            mark = checkpoint.write_restored()
            with unit_of_work():
                seed_reference()
            settled = settle(backup.manifest)
            copied = objects.put_back(backup, wanted, iter(objects.living()))
            report = verify()
        finally:
            db.session.remove()
            db.engine.dispose()
            keys.keystore.store().engine.dispose()
    kept = database.switch(f"{clock.now():%Y%m%dT%H%M%SZ}")
    current_app.logger.info("restored; checkpoint %s says so", mark.number)
    return Restored(backup, settled, copied, report, kept)


def _why(error: Exception) -> str:
    if isinstance(error, keys.Unreadable):
        return f"{error}: the backup needs the PORTAL_KEK of its time, in PORTAL_KEK or PORTAL_KEK_OLD"
    if isinstance(error, Unavailable):
        return f"a store does not answer ({error.code}); nothing was changed"
    return str(error)
