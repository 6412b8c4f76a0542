"""Pages of the tickets; thin, each calls one service verb."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("tickets", __name__, url_prefix="/tickets", template_folder="../templates")

from app.tickets.views import (  # noqa: E402
    acts,  # noqa: F401
    bulk,  # noqa: F401
    files,  # noqa: F401
    page,  # noqa: F401
    queue,  # noqa: F401
    report,  # noqa: F401
    sheet,  # noqa: F401
    talk,  # noqa: F401
    triage,  # noqa: F401
)
