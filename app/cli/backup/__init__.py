"""``flask backup``: the main database and the files; apart from them, the keys. See docs/operations.md."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask.cli import AppGroup

from app.cli.backup import create as creating
from app.cli.backup import keyfile
from app.cli.backup import restore as restoring
from app.cli.backup.seal import BackupError
from app.core.errors import Unavailable
from app.core.web import Portal

FOLDER = click.Path(file_okay=True, path_type=Path)


@contextmanager
def _told() -> Iterator[None]:
    """A refusal is one sentence and exit code 1."""
    try:
        yield
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    except Unavailable as error:
        raise click.ClickException(f"a store does not answer ({error.code}); nothing was changed") from error


def register(app: Portal) -> None:
    group = AppGroup("backup", help="Back up and restore the database and the files; keys apart.")
    keys = AppGroup("keys", help="The key store's own backup, at most seven days deep.")
    group.add_command(keys)
    group.command("create")(create_command)
    group.command("restore")(restore_command)
    keys.command("create")(create_keys_command)
    keys.command("restore")(restore_keys_command)
    app.cli.add_command(group)


@click.option("--to", "target", type=FOLDER, required=True, help="The folder that gets the backup's folder.")
def create_command(target: Path) -> None:
    """Write a backup of the database and the stored files; the portal may run."""
    with _told():
        folder, manifest = creating.create(target)
    click.echo(f"{folder}: {len(manifest.files)} sealed files, {manifest.objects} objects, audit {manifest.head}")
    if manifest.missing:
        click.echo(f"WARNING: {manifest.missing} objects that the database names are not in the store", err=True)


@click.argument("folder", type=FOLDER)
@click.option("--replace", "over", is_flag=True, help="What the database holds now may be replaced.")
def restore_command(folder: Path, over: bool) -> None:
    """Put a backup in place; stop web and worker first. Erasures since the backup are done again."""
    with _told():
        done = restoring.restore(folder, over=over)
    replayed = done.settled.replayed
    click.echo(f"restored the backup of {done.backup.manifest.made_at.isoformat()}")
    click.echo(f"erased since and erased again: {replayed.destroyed} keys ({replayed.changed or 'no rows'})")
    click.echo(f"files: {done.objects.copied} put back, {done.objects.left_alone} were there")
    click.echo(f"ended sessions: {done.settled.sessions}; messages that wait for a person: {done.settled.messages}")
    if done.kept:
        click.echo(f"the former database is kept as {done.kept}; remove it when all is well, it holds personal data")
    if replayed.unknown or done.objects.missing:
        click.echo(
            f"WARNING: {replayed.unknown} keys and {done.objects.missing} files are missing: what they open is lost",
            err=True,
        )
    for finding in done.report.findings:
        click.echo(f"audit: {finding}", err=True)
    click.echo("audit log verified" if done.report.ok else "audit log: NOT OK, see above")


@click.option("--to", "target", type=FOLDER, required=True, help="A folder kept apart from the other backups.")
def create_keys_command(target: Path) -> None:
    """Write the keys; removes key backups there that are older than seven days."""
    with _told():
        folder, _manifest, removed = keyfile.create(target)
    click.echo(f"{folder}{f'; removed {removed} older than 7 days' if removed else ''}")


@click.argument("folder", type=FOLDER)
@click.option("--force", is_flag=True, help="Take one older than seven days: undoes erasures since.")
def restore_keys_command(folder: Path, force: bool) -> None:
    """Bring back keys that the key store lacks; never one that was destroyed."""
    with _told():
        done = keyfile.restore(folder, force=force)
    click.echo(f"{done.added} keys and tombstones added, {done.kept_destroyed} stay destroyed")
    click.echo(f"{done.destroyed_again} destroyed again, as the main database says")
