"""Commands of the tickets' room."""

from __future__ import annotations

import click
from flask.cli import AppGroup, with_appcontext

from app.core.unit_of_work import unit_of_work
from app.tickets.service import daily

group = AppGroup("tickets", help="Repair tickets.")


@group.command("sum-days")
@with_appcontext
def sum_days() -> None:
    """Make all daily sums of /tickets/report anew from the rows; the portal may run meanwhile."""
    with unit_of_work():
        daily.name_all()
    click.echo(f"{daily.sum_all_stale()} days summed")
