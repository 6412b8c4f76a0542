"""Policy versions and the append-only ledger of consents."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.web import Portal


def install(app: Portal) -> None:
    """The public policy pages."""
    from app.consents import views

    app.register_blueprint(views.bp)
