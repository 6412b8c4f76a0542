"""Grants: who may read a department's records, why, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.web import Portal


def install(app: Portal) -> None:
    """Pages, what a person may look back on, the minute's job, what this room gives to the rooms below."""
    from app.core import outbox
    from app.grants import lookback, offers
    from app.grants.service import jobs, notice
    from app.grants.views import bp

    app.register_blueprint(bp)
    lookback.install()
    outbox.register_purpose(notice.PURPOSE)
    jobs.install()
    offers.install()
