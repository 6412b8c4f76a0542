"""Pages of the people who use the mini program; thin, each calls one service verb."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("customers", __name__, url_prefix="/customers", template_folder="../templates")

from app.customers.views import acts, people  # noqa: E402, F401
