"""Pages of the directory and of the queue of unknown names."""

from flask import Blueprint

bp = Blueprint("hospitals", __name__, url_prefix="/hospitals", template_folder="../templates")

from app.hospitals.views import directory, unknown  # noqa: E402

__all__ = ["bp", "directory", "unknown"]
