"""Icons and key caps: the same few, dozens of times a page, so each is drawn once per process, not by a macro."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from markupsafe import Markup

from app.ui.assets import static_url
from app.ui.formatters import key_cap

SPRITE = "images/sprite.svg"


def icon(name: str, label: Any = None, size: int = 16) -> Markup:
    """An outline icon of the sprite. Without ``label`` it is decoration beside a word."""
    return _icon(static_url(SPRITE), name.removeprefix("i-"), str(label) if label else "", size)


@lru_cache(maxsize=1_000)
def _icon(sprite: str, name: str, label: str, size: int) -> Markup:
    role = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup(
        '<svg class="i" width="{0}" height="{0}" viewBox="0 0 16 16" {1} focusable="false">'
        '<use href="{2}#i-{3}"/></svg>'
    ).format(size, role, sprite, name)


@lru_cache(maxsize=200)
def kbd(key: str) -> Markup:
    """A key cap; ``key`` may be several: "mod+k"."""
    return Markup("<kbd>{}</kbd>").format(key_cap(key))
