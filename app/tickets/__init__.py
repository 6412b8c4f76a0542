"""Repair tickets: what is broken, how far the repair is, and what was promised until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.web import Portal


def install(app: Portal) -> None:
    """Pages, and what this room gives to the rooms below."""
    from app.tickets import offers, readers, trail
    from app.tickets.commands import group
    from app.tickets.queries import promised
    from app.tickets.service import daily, escalate, look, rebase, time
    from app.tickets.views import acts, bp, depot, intake, policies, promises, register

    app.register_blueprint(intake.bp)
    app.register_blueprint(bp)
    app.register_blueprint(register.bp)
    app.register_blueprint(promises.bp)
    app.register_blueprint(depot.bp)
    app.register_blueprint(policies.bp)
    app.register_blueprint(readers.bp)
    offers.install()
    trail.install()
    acts.install()
    register.install()
    depot.install()
    readers.install()
    time.install()
    look.install()
    escalate.install()
    rebase.install()
    daily.install()
    app.cli.add_command(group)
    promised.install()
