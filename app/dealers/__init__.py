"""Dealers: for now their names, so that accounts and later tickets can point to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.web import Portal


def install(_app: Portal) -> None:
    """Makes the table known; pages come with contracts."""
    from app.dealers import models

    assert models.Dealer.__tablename__
