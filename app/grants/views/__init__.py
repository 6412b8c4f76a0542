"""Pages of grants: the worklist, one grant, a proposal, the rules, the reviews."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("grants", __name__, url_prefix="/grants", template_folder="../templates")

from app.grants.views import case, policy, propose, queue, reviews  # noqa: E402

__all__ = ["bp", "case", "policy", "propose", "queue", "reviews"]
