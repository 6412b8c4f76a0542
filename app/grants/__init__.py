"""Grants: who may read a department's records, why, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.web import Portal


def install(_app: Portal) -> None:
    """The business numbers of what a person may look back on."""
    from app.grants import lookback

    lookback.install()
