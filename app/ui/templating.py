"""Templates per language: what is fixed is put into the compiled template, once.

A page holds a hundred fixed words, fifty icons and key caps, and two dozen included parts; looked up, drawn and
included one by one they cost more than the rest of the page. Each language has its own cache of compiled templates, in
which such a call is a constant and an included part stands where it is included. Of a message with variables the words
are constant and only the values are put in.
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
MARKS = frozenset({"ui", "_icon"})  # where templates find `icon` and `kbd`, see app/ui/marks.py


class Fixed(NodeTransformer):
    """Replaces ``_("words")`` by the words in the language of the request that compiles the template, icons, key caps
    and addresses of static files by what they draw, and ``include "name"`` by the template of that name."""

    def __init__(self, environment: LanguageEnvironment) -> None:
        self.environment = environment

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        self.generic_visit(node)
        if _is_message(node) and node.kwargs:
            return self._with_values(node)
        given = [*node.args, *(pair.value for pair in node.kwargs)]
        if node.dyn_args or node.dyn_kwargs or not all(isinstance(value, nodes.Const) for value in given):
            return node
        draw = self._function(node.node)
        if draw is None or (draw is _words and len(given) > 1):
            return node
        keywords = {pair.key: pair.value.as_const() for pair in node.kwargs}
        return nodes.Const(draw(*(arg.as_const() for arg in node.args), **keywords), lineno=node.lineno)

    def _with_values(self, node: nodes.Call) -> nodes.Node:
        """The words, escaped as they stand, and the values as `Markup` puts them in."""
        words = nodes.Const(Markup(get_translations().ugettext(node.args[0].as_const())), lineno=node.lineno)
        pairs = [nodes.Pair(nodes.Const(value.key), value.value, lineno=node.lineno) for value in node.kwargs]
        return nodes.Mod(words, nodes.Dict(pairs, lineno=node.lineno), lineno=node.lineno)

    def _function(self, name: nodes.Expr) -> Any:
        """What a call of this name draws, if that is the same at every request."""
        if isinstance(name, nodes.Name) and name.name == GETTEXT:
            return _words
        if isinstance(name, nodes.Name) and name.name == "static_url" and self.environment.keeps_files:
            return self.environment.globals["static_url"]
        if not isinstance(name, nodes.Getattr) or not isinstance(name.node, nodes.Name) or name.node.name not in MARKS:
            return None
        drawn = name.attr == "kbd" or (name.attr == "icon" and self.environment.keeps_files)
        return self.environment.globals[f"draw_{name.attr}"] if drawn else None

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:
        self.generic_visit(node)
        plain = node.name == "zh" and node.node is not None and str(get_locale()).startswith("zh")
        return node.node if plain and node.node is not None else node  # Chinese is marked on other pages only

    def visit_Include(self, node: nodes.Include) -> nodes.Node:
        named = isinstance(node.template, nodes.Const) and isinstance(node.template.value, str)
        if self.environment.auto_reload or not named or not node.with_context or node.ignore_missing:
            return node
        name = node.template.as_const()
        source, filename, _current = self.environment.loader.get_source(self.environment, name)  # type: ignore[union-attr]
        return nodes.Scope(self.environment._parse(source, name, filename).body, lineno=node.lineno)


def _is_message(node: nodes.Call) -> bool:
    """Whether it is ``_("words", name=value, …)`` and nothing less plain."""
    named = isinstance(node.node, nodes.Name) and node.node.name == GETTEXT
    plain = len(node.args) == 1 and isinstance(node.args[0], nodes.Const)
    return named and plain and not node.dyn_args and not node.dyn_kwargs


def _words(message: str) -> Markup:
    return Markup(get_translations().ugettext(message)) % {}  # %% is % here as in a message with variables


class LanguageEnvironment(Environment):
    """Flask's environment with one cache of compiled templates per language."""

    def __init__(self, app: Flask, **options: Any) -> None:
        self._caches: dict[str, MutableMapping[Any, Any]] = {}
        super().__init__(app, **options)

    @property
    def keeps_files(self) -> bool:
        """Whether the hash of a static file holds as long as the process."""
        return bool(self.app.extensions["assets"].keep)

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
        return Fixed(self).visit(super()._parse(source, name, filename))  # type: ignore[no-any-return]


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
