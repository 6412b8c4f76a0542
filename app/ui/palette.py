"""The command palette: pages the actor may see, then whatever features offer (numbers, hospitals, commands).

Features fill `palette_sources` in `install()`; a source gets the actor and the words typed and returns what that
actor may see, at most eight entries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.policy import Actor
from app.core.registry import Registry
from app.ui.frame import url_or_none
from app.ui.navigation import items_for

QUERY_MAX = 60
PER_SOURCE = 8


@dataclass(frozen=True, slots=True)
class PaletteEntry:
    """One line. ``post`` entries are commands: the page sends an empty POST to ``url``."""

    label: Any
    url: str
    hint: Any = ""
    icon: str = "go"
    post: bool = False


@dataclass(frozen=True, slots=True)
class PaletteSource:
    """``find(actor, words)`` is called with an empty string when the palette opens: give commands, no records."""

    label: Any
    find: Callable[[Actor, str], list[PaletteEntry]]
    order: int = 100


palette_sources: Registry[PaletteSource] = Registry("palette")


def pages(actor: Actor, words: str) -> list[PaletteEntry]:
    """Navigation entries whose name contains the words."""
    entries = []
    for item in items_for(actor):
        url = url_or_none(item.endpoint)
        if url and words.lower() in f"{item.label} {item.key}".lower():
            entries.append(PaletteEntry(item.label, url, icon=item.icon))
    return entries


def search(actor: Actor, words: str) -> list[tuple[Any, list[PaletteEntry]]]:
    """Groups with entries, records first once something was typed, pages last."""
    words = words.strip()[:QUERY_MAX]
    found = [
        (source.label, source.find(actor, words)[:PER_SOURCE])
        for source in sorted(palette_sources, key=lambda source: source.order)
    ]
    found.append((_l("页面"), pages(actor, words)))
    return [(label, entries) for label, entries in found if entries]
