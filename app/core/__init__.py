"""The ground floor: mechanisms that every feature stands on. It knows no feature."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.web import Portal

# In the order in which they are wired; a mechanism without `install` only needs its tables to be known.
MECHANISMS = (
    "logging",
    "keys",
    "sealed",
    "files",
    "audit",
    "jobs",
    "outbox",
    "numbers",
    "calendar",
    "serials",
    "search",
    "throttle",
)


def install(app: Portal) -> None:
    """Wire the mechanisms: import each (its tables join the metadata) and call its `install` where it has one."""
    for name in MECHANISMS:
        sub_install = getattr(import_module(f"app.core.{name}"), "install", None)
        if sub_install is not None:
            sub_install(app)
