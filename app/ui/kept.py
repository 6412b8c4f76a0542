"""Parts of pages that are the same at many requests: drawn once per process, with slots for all that is not.

The frame (head, bar, navigation, dialogs) makes up half of a page and hangs on a few choices: language, theme, which
entries one may see. `Kept.fill` draws such a template once for each ``key`` and keeps the finished text; what belongs
to a person, a session or a request (name, form token, counts, address of the page) stands in it as a slot and is put
in, escaped, at each request. While a kept part is drawn, the request and its actor are out of reach of the template,
and `csrf` gives a slot instead of a token, so that neither can be kept by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from flask import Flask, current_app, g, request
from flask_babel import get_locale
from flask_wtf.csrf import generate_csrf
from jinja2 import StrictUndefined
from jinja2.utils import LRUCache
from markupsafe import Markup, escape

OPEN, CLOSE = "\ue000", "\ue001"  # private use; names of slots are ours, values are put in after the text was split
SLOT = re.compile(f"{OPEN}([a-z_:]+){CLOSE}")
KEPT_MAX = 1_000  # parts of one process, of some 5 KB each; the least used go first
NO_SLOTS: Mapping[str, Any] = {}
FORBIDDEN = ("request", "session", "g", "portal_frame", "pending_toasts", "counter_text", "tab_count")
OUT_OF_REACH = {name: StrictUndefined(name=name) for name in FORBIDDEN}

Parts = tuple[list[str], list[str]]  # text and names of slots in turn; the names alone


class Kept:
    """The kept parts of one app."""

    def __init__(self) -> None:
        self._parts: Any = LRUCache(KEPT_MAX)  # from a key to its `Parts`

    def fill(
        self, template: str, key: Hashable, values: Callable[[], Mapping[str, Any]], slots: Mapping[str, Any] = NO_SLOTS
    ) -> Markup:
        """``template`` with ``values``, which must follow from ``key`` alone, and with ``slots`` put in.

        A slot that the template has and the caller does not give is a KeyError.
        """
        whole = (template, get_locale().language, request.script_root, key)
        parts = self._parts.get(whole)
        if parts is None or not current_app.extensions["assets"].keep:  # hashes of static files may change
            parts = self._parts[whole] = _draw(template, values())
        text, names = parts
        if names:
            text = text.copy()
            given = {**slots, "csrf": csrf_token()} if "csrf" in names else slots
            text[1::2] = [escape(given[name]) for name in names]
        return Markup("".join(text))

    def texts(self) -> list[str]:
        """All that is kept, for the tests."""
        return ["".join(text) for text, _names in self._parts.values()]


def _draw(template: str, values: Mapping[str, Any]) -> Parts:
    g.keeping = True
    try:
        drawn = current_app.jinja_env.get_template(template).render(**OUT_OF_REACH, **values)
    finally:
        g.keeping = False
    text = SLOT.split(drawn)
    return text, text[1::2]


def slot(name: str) -> Markup:
    """Where a value is put in at each request."""
    return Markup(f"{OPEN}{name}{CLOSE}")


def csrf_token() -> str:
    """The form token of this session; Flask-WTF keeps it for the request."""
    return g.get("csrf_token") or generate_csrf()


def csrf() -> Markup:
    """The hidden field of a form; in a kept part its value is a slot."""
    value = slot("csrf") if g.get("keeping") else escape(csrf_token())
    return Markup(f'<input type="hidden" name="csrf_token" value="{value}">')  # nosec: both are escaped


def kept() -> Kept:
    """The parts that this app keeps."""
    return current_app.extensions["kept"]  # type: ignore[no-any-return]


def install(app: Flask) -> None:
    app.extensions["kept"] = Kept()
    app.jinja_env.globals.update(slot=slot, draw_csrf=csrf)
