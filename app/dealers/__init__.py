"""Dealers and the register of their data-security contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import lazy_gettext as _l

from app.core.policy import Permission

if TYPE_CHECKING:
    from app.core.web import Portal

PAGES = (
    "detail", "new", "create", "edit", "update", "contract", "new_contract", "create_contract", "edit_contract",
    "update_contract", "confirm_contract",
)  # fmt: skip


def install(app: Portal) -> None:
    """Pages and navigation."""
    from app.dealers import views
    from app.ui.navigation import NavItem, navigation

    app.register_blueprint(views.bp)
    own = tuple(f"dealers.{name}" for name in PAGES)
    navigation.add(
        "dealers",
        NavItem("dealers", "records", _l("经销商"), "dealer", "dealers.index", Permission.DEALERS_READ, 30, also=own),
    )
