"""The test client inspects every HTML page that it fetches; a page that breaks a house rule fails the test."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import html5lib
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

LABELLED = ("input", "select", "textarea")
UNLABELLED_TYPES = ("hidden", "submit", "button")
HEADERS = ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy")


def problems(html: str, *, fragment: bool = False) -> list[str]:
    """What is wrong with a page, in words; an empty list is a good page."""
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False)
    root = parser.parseFragment(html, container="div") if fragment else parser.parse(html)
    found = [f"invalid HTML at {position}: {code}" for position, code, _data in parser.errors]
    nodes = [node for node in root.iter() if isinstance(node.tag, str)]
    found += _ids(nodes) + _inline(nodes) + _labels(nodes) + _forms(nodes)
    if not fragment:
        found += _heading(nodes)
    return found


def _heading(nodes: list[ElementTree.Element]) -> list[str]:
    heads = [_text(n) for n in nodes if n.tag == "h1"]
    titles = [_text(n) for n in nodes if n.tag == "title"][:1]
    if len(heads) != 1:
        return [f"{len(heads)} h1 elements"]
    if not titles or not titles[0].startswith(heads[0]):
        return [f"title {titles} does not start with h1 {heads[0]!r}"]
    return []


def _ids(nodes: list[ElementTree.Element]) -> list[str]:
    ids = [n.get("id") for n in nodes if n.get("id")]
    return [f"id {i!r} stands twice" for i in sorted({i for i in ids if i and ids.count(i) > 1})]


def _inline(nodes: list[ElementTree.Element]) -> list[str]:
    found = []
    for node in nodes:
        if node.tag == "script" and not node.get("src"):
            found.append("inline script")
        if node.tag == "style":
            found.append("inline style element")
        for name in node.attrib:
            if name == "style" or re.match(r"on[a-z]|hx-on", name):
                found.append(f"{name} attribute on {node.tag}")
    return found


def _labels(nodes: list[ElementTree.Element]) -> list[str]:
    targets = {n.get("for") for n in nodes if n.tag == "label"}
    inside = {id(child) for n in nodes if n.tag == "label" for child in n.iter()}
    return [
        f"{n.tag} name={n.get('name')!r} has no label"
        for n in nodes
        if n.tag in LABELLED
        and n.get("type") not in UNLABELLED_TYPES
        and n.get("id") not in targets - {None}
        and id(n) not in inside
        and not (n.get("aria-label") or n.get("aria-labelledby"))
    ]


def _forms(nodes: list[ElementTree.Element]) -> list[str]:
    found = []
    for form in (n for n in nodes if n.tag == "form"):
        method = (form.get("method") or "get").lower()
        if method == "post" and not form.get("action") and not any(n.get("formaction") for n in form.iter()):
            found.append("POST form without action")
        names = {n.get("name") for n in form.iter()} | {n.get("name") for n in nodes if n.get("form") == form.get("id")}
        if (form.get("method") or "get").lower() == "post" and "csrf_token" not in names:
            found.append(f"POST form to {form.get('action')} without CSRF token")
    return found


def _text(node: ElementTree.Element) -> str:
    return " ".join("".join(node.itertext()).split())


class Inspector(FlaskClient):
    """A Flask test client that refuses bad pages and missing headers."""

    inspect = True

    def open(self, *args: Any, **kw: Any) -> TestResponse:
        response = super().open(*args, **kw)
        if not self.inspect:
            return response
        missing = [name for name in HEADERS if name not in response.headers]
        assert not missing, f"{response.request.path}: headers missing: {missing}"
        if response.mimetype == "text/html" and response.data:
            fragment = (
                response.request.headers.get("HX-Request") == "true" or b"<!doctype" not in response.data[:200].lower()
            )
            if not (fragment and 300 <= response.status_code < 400):
                found = problems(response.get_data(as_text=True), fragment=fragment)
                assert not found, f"{response.request.path}: {found}"
        return response
