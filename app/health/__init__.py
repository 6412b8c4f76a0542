"""Health: whether the process lives, whether it can work, and figures for the operators' monitoring."""

from __future__ import annotations

from app.core.web import Portal
from app.health.views import bp, watch


def install(app: Portal) -> None:
    app.register_blueprint(bp)
    watch(app)
