"""Dispatch: engineers, one rule engine, offers to engineers and dealers, and the visits that come of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.web import Portal


def install(_app: Portal) -> None:
    """Jobs that announce what time and other floors have changed."""
    from app.dispatch.service import follow, lapse

    follow.install()
    lapse.install()
