"""Addresses of pages, put together instead of built: routing takes 20 microseconds to build one, a page needs dozens.

The form of an address hangs on the endpoint and on the names of its values. It is built once, with marks for the
values, and kept; a value of letters, digits, ``-``, ``_`` and ``.`` is put in as it stands. Everything else (values to
quote, converters that refuse a mark, absolute addresses) is left to the routing.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

from flask import Flask, Request
from werkzeug.routing import BuildError

PLAIN = re.compile(r"[A-Za-z0-9_.-]+")
Form = tuple[str | int, ...]  # text, and places of values


class Addresses:
    """The kept forms of one app."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._forms: dict[tuple[str | None, ...], Form | None] = {}

    def build(self, request: Request, endpoint: str, values: dict[str, Any]) -> str | None:
        """The address for a page of ``request``, or None where routing has to build it."""
        texts: list[str] = []
        for value in values.values():
            text = value if type(value) is str else str(value) if isinstance(value, (str, int, uuid.UUID)) else ""
            if not PLAIN.fullmatch(text):
                return None
            texts.append(text)
        here = request.endpoint if endpoint[:1] == "." else None
        key = (request.script_root, here, endpoint, *values)
        form = self._forms.get(key, ())
        if form == ():
            whole = endpoint if here is None else f"{request.blueprint}{endpoint}"
            form = self._forms[key] = self._form(request.script_root, whole, list(values))
        if form is None:
            return None
        return "".join([texts[part] if type(part) is int else part for part in form])  # type: ignore[misc]

    def _form(self, root: str, endpoint: str, names: list[str]) -> Form | None:
        try:
            rules = list(self._app.url_map.iter_rules(endpoint))
        except KeyError:  # no such page; routing says so
            return None
        if any(rule.defaults or rule.subdomain or rule.host for rule in rules):
            return None
        marks = {name: f"zq{place}qz" for place, name in enumerate(names)}
        try:
            built = self._app.url_map.bind("localhost", script_name=root or "/").build(endpoint, dict(marks))
        except (BuildError, ValueError):  # a number's converter refuses a mark
            return None
        found = re.split(r"zq(\d+)qz", built)
        if sorted(map(int, found[1::2])) != list(range(len(names))):
            return None
        return tuple(int(part) if place % 2 else part for place, part in enumerate(found))
