"""Today: what waits for me and what runs late, gathered from the features below through a registry."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.core.web import Portal
from app.today.views import bp
from app.ui.navigation import NavItem, navigation


def install(app: Portal) -> None:
    app.register_blueprint(bp)
    navigation.add("today", NavItem("today", "work", _l("今日"), "today", "today.index", None, order=0))
