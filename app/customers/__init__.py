"""The people who use the mini program: accounts, sign-in, verified profiles, requests about their own data."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from app.core import jobs

if TYPE_CHECKING:
    from app.core.web import Portal

CLEANUP_EVERY = timedelta(hours=1)


def install(app: Portal) -> None:
    """Pages and what they offer to the frame; the person's own export; the hourly cleaning of codes and tokens."""
    from app.customers import export, offers, service
    from app.customers.views import bp

    app.register_blueprint(bp)
    offers.install()
    export.personal_data.add("customers", export.account)

    @jobs.handler("customers.cleanup")
    def _cleanup(_payload: dict[str, Any]) -> None:
        service.cleanup()

    jobs.every("customers.cleanup", CLEANUP_EVERY)
