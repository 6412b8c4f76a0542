"""Pages of the registration review; thin, each calls one service verb."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from app.core.errors import Unavailable
from app.ui.errors import on_domain_error

bp = Blueprint("registrations", __name__, url_prefix="/registrations", template_folder="../templates")


@bp.errorhandler(SQLAlchemyError)
def _database_refused(_error: SQLAlchemyError) -> ResponseReturnValue:
    """The database or the audit log did not take it: nothing happened, no image was sent (review.md 2, no. 9)."""
    return on_domain_error(Unavailable())


from app.registrations.readings import views as reading_views  # noqa: E402, F401
from app.registrations.reports import reviewer_views  # noqa: E402, F401
from app.registrations.reports import views as report_views  # noqa: E402, F401
from app.registrations.views import (  # noqa: E402
    aside,  # noqa: F401
    bulk,  # noqa: F401
    case,  # noqa: F401
    decide,  # noqa: F401
    hints,  # noqa: F401
    images,  # noqa: F401
    live,  # noqa: F401
    queue,  # noqa: F401
    reasons,  # noqa: F401
    standing,  # noqa: F401
    team,  # noqa: F401
)
