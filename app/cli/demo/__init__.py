"""Demo data: the same seed gives the same data; nothing in it is real; it cannot be loaded in production."""

from __future__ import annotations

from app.cli.demo.load import announce, load_once, register

__all__ = ["announce", "load_once", "register"]
