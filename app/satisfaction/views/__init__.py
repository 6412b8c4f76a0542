"""Pages of satisfaction; thin, each calls one service verb."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("satisfaction", __name__, url_prefix="/satisfaction", template_folder="../templates")

from app.satisfaction.views import (  # noqa: E402
    acts,  # noqa: F401
    oversight,  # noqa: F401
    own,  # noqa: F401
    page,  # noqa: F401
    queue,  # noqa: F401
    report,  # noqa: F401
    signals,  # noqa: F401
)
