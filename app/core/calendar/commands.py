"""``flask calendar …`` for operators."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup

import app.core.audit as audit
from app.core.calendar import table
from app.core.errors import Invalid
from app.core.policy import SYSTEM
from app.core.unit_of_work import unit_of_work

group = AppGroup("calendar", help="Working days: make-up workdays and holidays.")


@group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_file(file: Path) -> None:
    """Load FILE (CSV: day,is_working,name). Nothing is loaded when any line is wrong."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file.name} is not UTF-8 text") from error
    try:
        with unit_of_work():
            done = table.import_csv(text, file.name[:120])
            audit.record("calendar.imported", SYSTEM, "working_day", done.last, fields=("is_working", "name"))
    except Invalid as error:
        raise click.ClickException("\n".join(str(line) for line in error.fields["file"])) from error
    click.echo(f"{done.first} - {done.last}: {done.changed} days changed")


@group.command("export")
@click.argument("year", type=click.IntRange(2000, 2100))
def export_year(year: int) -> None:
    """Print YEAR as CSV; a year not loaded yet comes as a plain week to fill in."""
    with unit_of_work(write=False):
        text = table.export_csv(year)
    click.echo(text, nl=False)


@group.command("seed")
def seed() -> None:
    """Load the years that the packaged data knows; years already there are left alone."""
    with unit_of_work():
        added = table.seed()
    click.echo(f"{added} days added")
