"""`flask keys`: rotation and upkeep from the command line."""

from __future__ import annotations

from datetime import timedelta

import click
from flask.cli import AppGroup

from app.core.keys import rotation
from app.core.keys.ring import purposes

commands = AppGroup("keys", help="Encryption keys: rotate, re-index, sweep.")


@commands.command("rotate")
@click.option("--purpose", "chosen", multiple=True, help="Only this purpose; may be given several times.")
@click.option("--kek", is_flag=True, help="Put all class keys under PORTAL_KEK (the former one in PORTAL_KEK_OLD).")
@click.option("--grace", default=5, show_default=True, help="Minutes until an emptied old key retires.")
def rotate(chosen: tuple[str, ...], kek: bool, grace: int) -> None:
    """Rotate class and wrap keys; a run that was cut off resumes."""
    if kek:
        click.echo(f"class keys rewrapped: {rotation.rewrap_class_keys()}")
        return
    for purpose in chosen or sorted(p for p in purposes if p.startswith(("class:", "wrap:"))):
        if purpose not in purposes:
            raise click.ClickException(f"no such purpose: {purpose}; one of {', '.join(sorted(purposes))}")
        if purpose.startswith("index:"):
            raise click.ClickException(f"{purpose}: index keys are rotated by `flask keys reindex`")
        done = rotation.rotate(purpose, grace=timedelta(minutes=grace))
        state = "old key retired" if done.retired else f"old key kept, {done.left} values left; run again later"
        click.echo(f"{purpose}: {done.changed} changed, {state}")


@commands.command("reindex")
@click.argument("table")
@click.argument("attribute")
def reindex(table: str, attribute: str) -> None:
    """Recompute the blind index of TABLE.ATTRIBUTE under a new key; stop web and worker first."""
    try:
        done = rotation.reindex(table, attribute)
    except KeyError:
        raise click.ClickException(f"{table}.{attribute} is no sealed attribute") from None
    click.echo(f"{done.purpose}: {done.changed} rows, old key {'retired' if done.retired else 'kept'}")


@commands.command("sweep")
@click.option("--hours", default=24, show_default=True, help="Only keys older than this.")
def sweep(hours: int) -> None:
    """Destroy keys that no row points to (left by transactions that rolled back)."""
    click.echo(f"orphaned keys destroyed: {rotation.sweep(timedelta(hours=hours))}")
