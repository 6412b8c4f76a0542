"""Pages of dealers and of the register of contracts."""

from flask import Blueprint

bp = Blueprint("dealers", __name__, url_prefix="/dealers", template_folder="../templates")

from app.dealers.views import contracts, directory  # noqa: E402

__all__ = ["bp", "contracts", "directory"]
