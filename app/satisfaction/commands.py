"""``flask ratings``: the kept sums, made anew or checked against the ratings."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.satisfaction.reports import raw
from app.satisfaction.service import sums

group = AppGroup("ratings", help="The sums of ratings that the report reads.")
SHOWN = 20


@group.command("rebuild")
def rebuild() -> None:
    """Make all sums from nothing, in one transaction."""
    with unit_of_work():
        months = sums.rebuild()
    click.echo(f"{months} months counted")


@group.command("check")
def check() -> None:
    """Bring the sums up to date, then compare them with the ratings by plain SQL; fails on any difference."""
    with unit_of_work():
        sums.refresh()
        found = raw.differences()
    for place, kept, counted in found[:SHOWN]:
        click.echo(f"{' '.join(place)}: kept {kept}, counted {counted}", err=True)
    if found:
        raise click.ClickException(f"{len(found)} sums differ from the ratings")
    click.echo("all sums equal the ratings")


def install(app: Portal) -> None:
    app.cli.add_command(group)
