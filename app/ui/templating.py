"""Templates per language: what ``_("…")`` says without variables is put into the compiled template, once.

A page holds a hundred fixed words; looked up one by one they cost more than the rest of the frame. Each language has
its own cache of compiled templates, in which such a call is a constant. Messages with variables are still looked up.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from types import SimpleNamespace
from typing import Any

from babel.support import NullTranslations, Translations
from flask import Flask, g
from flask.templating import Environment
from flask_babel import Domain, get_locale, get_translations
from jinja2 import nodes
from jinja2.utils import LRUCache
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

GETTEXT = "_"
CACHED_TEMPLATES = 400


class FixedWords(NodeTransformer):
    """Replaces ``_("words")`` by the words in the language of the request that compiles the template."""

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        self.generic_visit(node)
        named = isinstance(node.node, nodes.Name) and node.node.name == GETTEXT
        plain = len(node.args) == 1 and isinstance(node.args[0], nodes.Const)
        if not named or not plain or node.kwargs or node.dyn_args or node.dyn_kwargs:
            return node
        words = get_translations().ugettext(node.args[0].as_const())
        return nodes.Const(Markup(words) % {}, lineno=node.lineno)  # %% is % here as in a message with variables


class LanguageEnvironment(Environment):
    """Flask's environment with one cache of compiled templates per language."""

    def __init__(self, app: Flask, **options: Any) -> None:
        self._caches: dict[str, MutableMapping[Any, Any]] = {}
        super().__init__(app, **options)

    @property
    def cache(self) -> MutableMapping[Any, Any]:  # type: ignore[override]
        language = str(get_locale())
        if language not in self._caches:
            self._caches[language] = LRUCache(CACHED_TEMPLATES)  # type: ignore[assignment]
        return self._caches[language]

    @cache.setter
    def cache(self, _made: object) -> None:
        """The base class makes a single one; it is not used."""

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        return FixedWords().visit(super()._parse(source, name, filename))  # type: ignore[no-any-return]


class RequestDomain(Domain):
    """Finds the reader's catalogue once per request; flask-babel does it anew for each message."""

    def get_translations(self) -> Translations | NullTranslations:
        try:
            held: SimpleNamespace | None = g._flask_babel
        except (RuntimeError, AttributeError):  # outside of any app context, or nothing was said yet
            held = None
        found = getattr(held, "babel_translations", None)  # the name that flask-babel clears with the language
        if found is None:
            found = super().get_translations()
            if held is not None:
                held.babel_translations = found
        return found  # type: ignore[no-any-return]
