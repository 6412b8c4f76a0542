"""Dispatch: engineers, one rule engine, offers to engineers and dealers, and the visits that come of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.web import Portal


def install(_app: Portal) -> None:
    """Makes the tables known."""
    from app.dispatch import models

    assert models.Dispatch.__tablename__
