"""Adverse events: a confidential case per ticket, its calendar clocks, the decision, the hand-over, the hold.

Nobody but the safety role sees that there is a case: to everybody else its pages are not there (404), and a held ticket
says no more than that it may not end yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.web import Portal


def install(app: Portal) -> None:
    """Pages, the ear for harms, the job that warns, and what this room shows on the ticket's page."""
    from app.safety import kinds, offers
    from app.safety.service import heard, warn
    from app.safety.views import bp

    app.register_blueprint(bp)
    kinds.install()
    heard.install()
    warn.install()
    offers.install()
