"""How-to pages on /help: features register theirs, so that each lies beside what it explains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.core.policy import Permission
from app.core.registry import Registry


@dataclass(frozen=True, slots=True)
class HelpPage:
    """``steps`` are short lazy sentences in order; ``endpoint`` is the page where the work is done."""

    title: Any
    steps: tuple[Any, ...]
    endpoint: str | None = None
    permission: Permission | None = None


help_pages: Registry[HelpPage] = Registry("help")
