"""A null byte or half a surrogate pair in any text that comes in: the same clear refusal on both databases.

Generated over the URL map, so that a new route is walked without being named here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from app.api.v1.openapi import operations
from app.core import clock, incoming, keys, policy
from app.core.db import db
from app.core.web import Portal
from app.customers.models import Customer, CustomerToken
from app.customers.service.sign_in import token_hash
from app.staff.roles import Role, permissions_of
from tests.factories import staff
from tests.policy.test_frame import paths

NUL, HALVES = "a\x00b", ("\ud800", "\udfff", "a\ud83cb")
TOKEN = "t" * 43
QUERY = "?q=a%00b&after=x"


@pytest.fixture
def callers(app: Portal, work: Any) -> dict[str, Any]:
    """A client for each role, and the header of a customer."""
    now = clock.now()
    with work():
        person = Customer(subject_id=keys.new_subject(), created_at=now, last_used_at=now)
        db.session.add(person)
        db.session.flush()
        later = now + timedelta(days=9)
        db.session.add(
            CustomerToken(
                token_hash=token_hash(TOKEN), customer_id=person.id, created_at=now, last_used_at=now,
                expires_at=later, absolute_at=later,
            )
        )  # fmt: skip
    return {role.value: staff.client_of(app, staff.member(app, (role.value, None, True)).id) for role in Role}


def caller(app: Portal, callers: dict[str, Any], endpoint: str) -> tuple[Any, dict[str, str]]:
    """Who may call this endpoint, and with which headers."""
    mark = policy.mark_of(app, endpoint)
    assert mark is not None
    if mark.kind == "permission":
        role = next(role for role in Role if mark.permission in permissions_of(role, lead=True))
        return callers[role.value], {}
    if endpoint.startswith("api."):
        return app.test_client(), {"Authorization": f"Bearer {TOKEN}"}
    return callers["admin"], {}


def walked(app: Portal, method: str) -> Iterator[tuple[str, str]]:
    for path, endpoint in paths(app, method):
        if not path.startswith(("/static/", "/wechat/")):  # files of ours; bodies that are signed and enciphered
            yield path, endpoint


def answered_wrongly(app: Portal, callers: dict[str, Any]) -> Iterator[str]:
    """Every route with a query, every form with a field: what does not answer 422 and name it."""
    for path, endpoint in walked(app, "GET"):
        client, headers = caller(app, callers, endpoint)
        answer = client.get(path + QUERY, headers=headers)
        if answer.status_code != 422:
            yield f"GET {path}{QUERY}: {answer.status_code}"
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path, endpoint in walked(app, method):
            if path.startswith("/api/"):
                continue
            client, headers = caller(app, callers, endpoint)
            answer = client.open(path, method=method, data={"note": NUL}, headers=headers)
            if answer.status_code != 422:
                yield f"{method} {path}: {answer.status_code}"


def test_a_null_byte_in_a_query_or_a_form_is_refused_by_every_route(app, callers):
    assert list(answered_wrongly(app, callers)) == []


def test_the_walk_can_fail(app, callers, monkeypatch):
    monkeypatch.setattr(incoming, "check_address", lambda _request: None)
    app.testing = False  # what the database raises is an answer of 500 then
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    try:
        assert len(list(answered_wrongly(app, callers))) > 50
    finally:
        app.testing = True


def test_a_null_byte_in_an_address_is_not_found_by_every_route(app, callers):
    tried = 0
    for method in ("GET", "POST", "PATCH", "DELETE"):
        for path, endpoint in paths(app, method, word=NUL):
            if "%00" not in path or endpoint == "static":
                continue
            client, headers = caller(app, callers, endpoint)
            answer = client.open(path, method=method, headers=headers | staff_token(client))
            assert answer.status_code == 404, (method, path, answer.status_code)
            tried += 1
    assert tried > 40


def staff_token(client: Any) -> dict[str, str]:
    """The token against forged posts, for a client that has a session."""
    if not client._cookies:
        return {}
    return {"X-CSRFToken": staff.csrf(client)}


def path_of(app: Portal, rule: Any, method: str) -> str:
    return next(path for path, endpoint in paths(app, method) if endpoint == rule.endpoint)


@pytest.mark.parametrize("bad", [NUL, *HALVES], ids=["null", "high", "low", "amid"])
def test_every_json_call_of_the_mini_program_names_the_field(app, callers, bad):
    """Sent as an escape, as a program would write it; each text of the body in turn is the bad one."""
    head = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    http, tried = app.test_client(), 0
    for rule, method, declared in operations(app):
        if declared.body is None or declared.files:
            continue
        path = path_of(app, rule, method)
        for name in declared.body.model_fields:
            sent = app.json.dumps({name: bad})
            answer = http.open(path, method=method, data=sent, headers=head)
            assert answer.status_code == 422, (method, path, name, answer.get_data(as_text=True))
            assert set(answer.json["errors"]) == {name}, (method, path, answer.json)
            tried += 1
    assert tried > 15


def test_a_form_of_the_mini_program_names_the_field(app, callers):
    head = {"Authorization": f"Bearer {TOKEN}"}
    http, tried = app.test_client(), 0
    for rule, method, declared in operations(app):
        if not declared.files:
            continue
        path = path_of(app, rule, method)
        answer = http.open(path, method=method, data={"name": NUL}, headers=head, content_type="multipart/form-data")
        assert (answer.status_code, set(answer.json["errors"])) == (422, {"name"})
        tried += 1
    assert tried > 0


@pytest.mark.pure
def test_where_it_stands_is_said_for_nested_values():
    value = {"a": ["fine", {"b\x00": 1}, NUL], "c": "🏥", "d": HALVES[0]}
    assert list(incoming.unstorable(value)) == ["a.1", "a.2", "d"]


def test_the_sign_in_after_such_an_address_is_a_page(app, client):
    answer = client.get("/grants/a%00b")
    assert answer.status_code == 302
    assert client.get(answer.headers["Location"]).status_code == 200
