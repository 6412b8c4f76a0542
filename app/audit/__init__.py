"""The audit log's pages, verification and commands. The log itself is `core.audit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import lazy_gettext as _l

from app.core.policy import Permission

if TYPE_CHECKING:
    from app.core.web import Portal

NAV_ORDER = 10


def install(app: Portal) -> None:
    """Pages, navigation, commands, and the jobs that write checkpoints and verify."""
    from app.audit import commands, work
    from app.audit.views import bp
    from app.ui.navigation import NavItem, navigation

    app.register_blueprint(bp)
    app.cli.add_command(commands.audit_commands)
    work.install()
    navigation.add(
        "audit",
        NavItem(
            "audit",
            "oversight",
            _l("审计"),
            "log",
            "audit.index",
            Permission.AUDIT_READ,
            NAV_ORDER,
            also=("audit.detail", "audit.open_note", "audit.verification"),
        ),
    )
