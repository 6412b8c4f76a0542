"""The only writer of saved views, chosen columns and exports. Plain values in, no request."""

from app.lists.service.choices import arrange_columns, forget_columns, forget_start, start_with
from app.lists.service.exports import Direct, cancel, download, request_export
from app.lists.service.views import delete_view, rename_view, save_view

__all__ = [
    "Direct", "arrange_columns", "cancel", "delete_view", "download", "forget_columns", "forget_start",
    "rename_view", "request_export", "save_view", "start_with",
]  # fmt: skip
