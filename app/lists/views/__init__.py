"""Pages of views, columns and exports. Each works as a page of its own and as a dialog over its list."""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug.datastructures import MultiDict

from app.core.web import fragment_requested
from app.lists.service.exports import query_of

bp = Blueprint("lists", __name__, template_folder="../templates")


def layout() -> str:
    """The template around a page: the sheet when htmx asks for a part."""
    return "ui/sheet.html" if fragment_requested() else "ui/base.html"


def state() -> MultiDict[str, str]:
    """The list's state that the address or the form carries, field by field of its query string."""
    from urllib.parse import parse_qsl

    return MultiDict(parse_qsl(request.values.get("query", "")[:2_000]))


def state_query() -> str:
    return query_of(state())


from app.lists.views import choices, exports, views  # noqa: E402,F401
