"""The settings page: business numbers within floor and ceiling, contact data, the working-day calendar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import lazy_gettext as _l

from app.core.policy import Permission

if TYPE_CHECKING:
    from app.core.web import Portal

PAGES = ("edit_number", "change_number", "calendar_page", "import_calendar", "calendar_draft", "publish_calendar")


def install(app: Portal) -> None:
    """Pages and navigation."""
    from app.settings import views
    from app.ui.navigation import NavItem, navigation

    app.register_blueprint(views.bp)
    also = tuple(f"settings.{name}" for name in PAGES)
    item = NavItem(
        "settings", "oversight", _l("设置"), "gear", "settings.index", Permission.SETTINGS_READ, 90, also=also
    )
    navigation.add("settings", item)
