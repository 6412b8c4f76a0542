"""Registrations: applications of hospital workers, the review of their badges, and what follows from a decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from flask_babel import lazy_gettext as _l

from app.core import numbers

if TYPE_CHECKING:
    from app.core.web import Portal


@click.command("seed-reasons")
def seed_reasons() -> None:
    """Put the reasons into the catalogue that it lacks."""
    from app.core.unit_of_work import unit_of_work
    from app.registrations import reasons

    with unit_of_work():
        click.echo(f"{reasons.seed()} reasons added")


def install(app: Portal) -> None:
    """Pages, offers to the rooms below, the minute's job, business numbers, the command that seeds the reasons."""
    from app.registrations import offers, panel, readings
    from app.registrations.hints import work as hints
    from app.registrations.images import offers as photo_offers
    from app.registrations.images import service as images
    from app.registrations.images.views import bp as badges
    from app.registrations.readings import offers as reading_offers
    from app.registrations.readings import service as second_readings
    from app.registrations.reports import small
    from app.registrations.service import jobs
    from app.registrations.views import bp

    readings.declare_numbers()
    app.register_blueprint(bp)
    app.register_blueprint(badges)
    offers.install()
    panel.install()
    numbers.register(
        numbers.NumberSpec("skip_hours", "review", 4, 1, 24, "hours", _l("跳过的件多少小时内不再分给同一人。")),
        numbers.NumberSpec("pass_hours", "review", 8, 1, 40, "working_hours", _l("转给同事的件为他保留多少工作小时。")),
    )
    jobs.install()
    images.install()
    hints.install(app)
    second_readings.install()
    reading_offers.install()
    small.install()
    photo_offers.install()
    app.cli.add_command(seed_reasons)
