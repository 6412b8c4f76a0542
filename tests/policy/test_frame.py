"""What every response carries and what every request must bring, walked over the URL map."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.core import policy
from app.core.db import db
from app.core.unit_of_work import evidence_tables
from app.core.web import CSP, SAFE_METHODS, Portal
from tests.databases import own_tables

VALUES = {"integer": 1, "uuid": "00000000-0000-7000-8000-000000000000"}


def paths(app: Portal, *methods: str, word: str = "none"):
    """(path, endpoint) of every rule with one of the methods, its arguments filled with what does not exist."""
    for rule in app.url_map.iter_rules():
        if not set(methods) & (rule.methods or set()):
            continue
        values = {}
        for name, converter in rule._converters.items():
            kind = type(converter).__name__.lower().replace("converter", "").replace("unicode", "string")
            values[name] = converter.regex[3:-1].split("|")[0] if kind == "any" else VALUES.get(kind, word)
        with app.test_request_context("/"):
            built = app.url_map.bind("localhost").build(
                rule.endpoint, values, method=next(iter(methods)), append_unknown=False
            )
        yield built, rule.endpoint


def rows(app: Portal) -> dict[str, int]:
    with app.app_context():
        return {t.name: db.session.scalar(sa.select(sa.func.count()).select_from(t)) for t in own_tables()}


def test_asvs_3_4_headers_on_every_response(app, client):
    for path in ("/login", "/nowhere", "/static/css/portal.css", "/api/v1/nowhere"):
        response = client.get(path)
        assert response.headers["Content-Security-Policy"] == CSP
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in response.headers
    for word in ("unsafe-inline", "unsafe-eval", "http:", "https:", "*"):
        assert word not in CSP


def test_asvs_3_5_1_every_post_without_token_is_refused(app, client):
    unsafe = ("POST", "PUT", "PATCH", "DELETE")
    before = rows(app)
    for method in unsafe:
        for path, endpoint in paths(app, method):
            if path.startswith(("/api/", "/wechat/")):
                continue
            response = client.open(path, method=method)
            assert response.status_code == 400, (method, path, endpoint, response.status_code)
    after = rows(app)
    assert {t: after[t] - n for t, n in before.items() if after[t] != n and t not in evidence_tables} == {}


def test_asvs_3_5_3_no_get_changes_a_business_table(app, client):
    before = rows(app)
    for path, _endpoint in paths(app, "GET"):
        client.get(path)
    after = rows(app)
    assert {t: after[t] - n for t, n in before.items() if after[t] != n and t not in evidence_tables} == {}


def test_asvs_8_2_1_strangers_reach_only_what_is_public(app, client):
    for path, endpoint in paths(app, "GET"):
        mark = policy.mark_of(app, endpoint)
        response = client.get(path)
        if path.startswith("/wechat/"):  # its signature is the sign-in
            continue
        if mark.kind == "public":
            assert response.status_code not in (401, 403), path
        else:
            assert response.status_code in (302, 303, 401), (path, response.status_code)


def test_asvs_16_5_1_an_unexpected_error_shows_no_trace(app, monkeypatch):
    app.testing = False
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)

    def boom() -> str:
        raise RuntimeError("secret detail 13800000000")

    monkeypatch.setitem(app.view_functions, "staff.login", policy.public("test")(boom))
    try:
        response = app.test_client().get("/login")
    finally:
        app.testing = True
    text = response.get_data(as_text=True)
    assert response.status_code == 500
    assert "secret detail" not in text and "Traceback" not in text
    assert response.headers["X-Request-Id"] in text


def test_unknown_methods_are_405_not_500(app, client):
    assert client.delete("/login").status_code in (400, 405)


@pytest.mark.pure
def test_safe_methods_are_the_standard_ones():
    assert {"GET", "HEAD", "OPTIONS"} == SAFE_METHODS
