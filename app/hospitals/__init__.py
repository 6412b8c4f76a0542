"""Hospitals and departments as records, and the queue of names that somebody typed instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import lazy_gettext as _l

from app.core.policy import Permission

if TYPE_CHECKING:
    from app.core.web import Portal

READ, MANAGE = Permission.HOSPITALS_READ, Permission.HOSPITALS_MANAGE
PAGES = ("detail", "new", "create", "edit", "update", "merge", "add_department")
MAPPING_PAGES = ("unknown_detail", "map_unknown", "create_from_unknown")


def install(app: Portal) -> None:
    """Pages and navigation."""
    from app.hospitals import queries, views
    from app.ui.navigation import NavItem, navigation

    app.register_blueprint(views.bp)
    own, mapping = (tuple(f"hospitals.{name}" for name in names) for names in (PAGES, MAPPING_PAGES))
    navigation.add(
        "hospitals", NavItem("hospitals", "records", _l("医院"), "hospital", "hospitals.index", READ, 20, also=own)
    )
    navigation.add(
        "unknown_names",
        NavItem(
            "unknown_names",
            "records",
            _l("待对应名称"),
            "pair",
            "hospitals.unknown_index",
            MANAGE,
            21,
            counter=queries.open_unknown_count,
            also=mapping,
        ),
    )
