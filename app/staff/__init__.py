"""Staff: accounts, sign-in, sessions, roles. Every page's actor is loaded here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import jobs
from app.core.policy import Permission
from app.core.web import Portal
from app.hospitals import provinces
from app.staff import sessions
from app.ui.frame import language
from app.ui.navigation import NavItem, navigation

STAFF_ORDER = 40
FORGET_EVERY = timedelta(days=1)
FORGET_FORMS_EVERY = timedelta(minutes=10)


def install(app: Portal) -> None:
    """The session, the pages, the command, the navigation's entry, the daily forgetting of old sessions."""
    from app.staff import commands, service  # late: they need every model of this floor
    from app.staff.service.held import forget_held
    from app.staff.views import bp, held

    sessions.install(app)
    app.jinja_env.filters["provinces"] = _province_words
    app.register_blueprint(bp)
    held.install()
    commands.install(app)

    @jobs.handler("staff.forget_sessions")
    def _forget(_payload: dict[str, Any]) -> None:
        service.forget_sessions()

    @jobs.handler("staff.forget_held_forms")
    def _forget_forms(_payload: dict[str, Any]) -> None:
        forget_held()

    jobs.every("staff.forget_sessions", FORGET_EVERY)
    jobs.every("staff.forget_held_forms", FORGET_FORMS_EVERY)
    navigation.add(
        "staff",
        NavItem(
            "staff",
            "oversight",
            _l("员工"),
            "team",
            "staff.index",
            Permission.STAFF_READ,
            order=STAFF_ORDER,
            also=("staff.person", "staff.invite", "staff.roles"),
        ),
    )


def _province_words(codes: Sequence[str] | None) -> str:
    """The bounds of an assignment in words."""
    if codes is None:
        return _("全国")
    return _("、").join(provinces.title(code, language()) for code in codes)
