"""Every route x every role, generated from the marks; and one broken sample proves that it can fail (ASVS 8.2.2)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.core import policy
from app.core.policy import Mark, Permission
from app.core.web import Portal
from app.staff.roles import Role, permissions_of
from tests.factories import staff
from tests.policy.test_frame import paths

METHODS = ("GET", "POST", "PATCH", "DELETE")


def wrong_answers(app: Portal, client, role: Role, **only: str) -> Iterator[str]:
    """Routes whose answer to ``role`` is not what their mark says."""
    rights = permissions_of(role, lead=False)
    for method in METHODS:
        for path, endpoint in paths(app, method):
            if (
                path.startswith(("/wechat/", "/static/"))
                or endpoint == "staff.logout"
                or only.get("path", path) != path
            ):
                continue
            mark: Mark = policy.mark_of(app, endpoint)
            answer = client.open(path, method=method, headers=token_headers(client)).status_code
            refused = answer in (401, 403)
            if answer >= 500:
                yield f"{role} {method} {path}: {answer}"
            if mark.kind == "customer" and not refused:
                yield f"{role} {method} {path}: staff reached a customer's call ({answer})"
            if mark.hidden and mark.permission not in rights:
                if answer != 404:
                    yield f"{role} {method} {path}: {answer}, hidden from whoever lacks {mark.permission}"
                continue
            if mark.kind == "permission" and (mark.permission not in rights) != refused and not mark.step_up:
                yield f"{role} {method} {path}: {answer}, right {mark.permission}: {mark.permission in rights}"


def token_headers(client) -> dict[str, str]:
    return {"X-CSRFToken": client.csrf} if getattr(client, "csrf", None) else {}


@pytest.mark.parametrize("role", list(Role))
def test_every_route_answers_every_role_as_marked(app, role):
    app.config["WTF_CSRF_ENABLED"] = False
    person = staff.member(app, role.value)
    client = staff.client_of(app, person.id)
    assert list(wrong_answers(app, client, role)) == []


def test_a_route_with_a_wrong_mark_is_found(app, monkeypatch):
    person = staff.member(app, "auditor")
    client = staff.client_of(app, person.id)

    @policy.permit(Permission.STAFF_READ)
    def leaks() -> str:
        return "<!doctype html><title>x</title><h1>x</h1>"

    monkeypatch.setitem(app.view_functions, "staff.index", leaks)
    monkeypatch.setattr(Mark, "check", lambda *_a: None)
    assert list(wrong_answers(app, client, Role.AUDITOR, path="/staff"))
