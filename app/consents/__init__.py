"""Policy versions and the append-only ledger of consents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import lazy_gettext as _l

if TYPE_CHECKING:
    from app.core.web import Portal

NAV_ORDER = 40  # among what oversees


def install(app: Portal) -> None:
    """The public policy pages, and the page where versions are published."""
    from app.consents import views
    from app.core.policy import Permission
    from app.ui.navigation import NavItem, navigation

    app.register_blueprint(views.bp)
    item = NavItem(
        "policies",
        "oversight",
        _l("隐私政策"),
        "shield",
        "consents.versions",
        Permission.POLICY_PUBLISH,
        NAV_ORDER,
        also=("consents.publish_form", "consents.publish"),
    )
    navigation.add("policies", item)
