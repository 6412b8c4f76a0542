"""The session: a random token in a cookie, everything else in the database row it points to.

Flask's session object exists only because Flask-WTF asks it for a token; ours derives that token from the cookie's
(HMAC under the application's secret), keeps nothing else, and refuses to be written to. A visitor who is not signed
in gets a random cookie with the first form; it points to no row, and is replaced at sign-in (ASVS 7.2.4).
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask, Request, Response, g, request, session
from flask.sessions import SessionInterface, SessionMixin
from flask_login import LoginManager, UserMixin
from flask_wtf.csrf import CSRFProtect

from app.core import audit, clock
from app.core.policy import Actor, current_actor
from app.core.unit_of_work import after_commit, evidence
from app.core.web import Portal
from app.staff import queries
from app.staff.models import SessionStage
from app.staff.tokens import TOKEN, hash_token, new_token

CSRF_KEY = "csrf_token"
UNSESSIONED = ("/api/", "/static/", "/wechat/", "/healthz", "/readyz", "/metrics")
FORBIDDEN_STATUS = 403


class CookieSession(SessionMixin):
    """What Flask-WTF and Flask-Login see as ``flask.session``."""

    def __init__(self, token: str | None, secret: str) -> None:
        self.token, self._secret = token, secret
        self.outgoing = False  # whether the answer sets the cookie
        self.modified = False

    def __getitem__(self, key: str) -> str:
        if key != CSRF_KEY or self.token is None:
            raise KeyError(key)
        return hmac.new(self._secret.encode(), b"csrf|" + self.token.encode(), hashlib.sha256).hexdigest()

    def __setitem__(self, key: str, value: object) -> None:
        """Flask-WTF sets its token when there is none: that is the moment for a visitor's cookie."""
        if key != CSRF_KEY:
            raise RuntimeError(f"nothing is kept in the session: {key}")
        self.replace(new_token())

    def __delitem__(self, key: str) -> None:
        raise RuntimeError(f"nothing is kept in the session: {key}")

    def __iter__(self) -> Iterator[str]:
        return iter((CSRF_KEY,) if self.token is not None else ())

    def __len__(self) -> int:
        return int(self.token is not None)

    def replace(self, token: str | None) -> None:
        """The next cookie; None takes it away."""
        self.token, self.outgoing = token, True
        g.pop(CSRF_KEY, None)  # Flask-WTF remembers its token for the request


class CookieSessions(SessionInterface):
    """Reads and writes the one cookie of the portal."""

    def __init__(self, name: str, *, secure: bool) -> None:
        self.name, self.secure = name, secure

    def open_session(self, app: Flask, request: Request) -> CookieSession:
        token = request.cookies.get(self.name, "")
        return CookieSession(token if TOKEN.fullmatch(token) else None, str(app.secret_key))

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not isinstance(session, CookieSession) or not session.outgoing:
            return
        flags: dict[str, Any] = {"secure": self.secure, "httponly": True, "samesite": "Lax", "path": "/"}
        if session.token is None:
            response.delete_cookie(self.name, **flags)
        else:
            response.set_cookie(self.name, session.token, **flags)


def adopt(token: str | None) -> None:
    """Give the visitor ``token`` once the row behind it is durable; a failed commit leaves the old cookie."""
    after_commit(lambda: session.replace(token))  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class SignedInStaff(UserMixin):
    """The user that Flask-Login hands to templates; authority lies in ``g.actor`` alone."""

    id: uuid.UUID
    name: str
    email: str


def load_actor() -> None:
    """Before every request of a page: session, account and roles in one statement, then ``g.actor``."""
    if request.path.startswith(UNSESSIONED) or request.endpoint in (None, "static"):
        return
    token = getattr(session, "token", None)
    found = queries.session_by_hash(hash_token(token), clock.now()) if token else None
    if found is None:
        return
    g.staff_session = found
    if found.stage == SessionStage.FULL:
        g.actor = found.actor
        _mark_seen(found)


def _mark_seen(found: queries.LiveSession) -> None:
    """At most once a minute, in a transaction of its own (decisions.md 5)."""
    now = clock.now()
    if now - found.last_seen_at >= queries.SEEN_EVERY:
        with evidence() as own:
            queries.mark_seen(own, found.id, now)


def current_session() -> queries.LiveSession | None:
    """The session row of this request, half signed in or whole."""
    found: queries.LiveSession | None = g.get("staff_session")
    return found


def _load_user(_request: Request) -> SignedInStaff | None:
    found = current_session()
    if found is None or found.stage != SessionStage.FULL:
        return None
    return SignedInStaff(found.staff_id, found.actor.name, found.email)


class Csrf(CSRFProtect):
    """Flask-WTF's protection; a refused token of somebody signed in is a named event (ASVS 16.3.3)."""

    def _error_response(self, reason: str) -> None:
        g.refused_token = True
        super()._error_response(reason)


def record_refusal(response: Response) -> Response:
    """Denied access and refused tokens of signed-in staff, in a transaction of their own (decisions.md 6)."""
    actor: Actor = current_actor()
    if actor.kind != "staff":
        return response
    event = "request.refused" if g.get("refused_token") else "access.denied"
    if response.status_code == FORBIDDEN_STATUS or g.get("refused_token"):
        with evidence():
            audit.record(event, actor, "endpoint", request.endpoint, result="refused")
    return response


def install(app: Portal) -> None:
    """The cookie, the token of forms, the loader, Flask-Login on top of it."""
    settings = app.extensions["settings"]
    app.session_interface = CookieSessions(settings.cookie_name, secure=settings.production)
    app.before_request(load_actor)
    app.after_request(record_refusal)
    Csrf(app)
    manager = LoginManager(app)
    manager.session_protection = None  # type: ignore[assignment]
    manager.request_loader(_load_user)
