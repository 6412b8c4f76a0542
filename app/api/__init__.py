"""What the mini program talks to: /api/v1, described by /api/v1/openapi.json."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.web import Portal


def install(app: Portal) -> None:
    """The blueprint, its command, its part of the personal export, and the cleaning of idempotency keys."""
    from app.api import v1

    v1.install(app)
