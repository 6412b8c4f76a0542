"""The web frame: one unit of work per request, policy before the handler, headers on every response."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, has_request_context, jsonify, request
from flask.typing import ResponseReturnValue

from app.core import incoming, policy
from app.core.addresses import Addresses
from app.core.db import db, end_read, writing
from app.core.unit_of_work import unit_of_work

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "media-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; "
    "manifest-src 'self'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "X-Frame-Options": "DENY",
}
HSTS = "max-age=63072000; includeSubDomains"


class Portal(Flask):
    """Flask with the frame built in. Handlers neither commit nor roll back."""

    request_class = incoming.IncomingRequest

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Every request begins by reading: who asks, and what he may."""
        token = writing.set(False)
        try:
            return super().wsgi_app(environ, start_response)
        finally:
            writing.reset(token)

    def url_for(
        self, /, endpoint: str, *, _anchor: str | None = None, _method: str | None = None, _scheme: str | None = None,
        _external: bool | None = None, **values: Any,
    ) -> str:  # fmt: skip
        """As Flask's; within a request plain addresses are put together (`core.addresses`)."""
        if _anchor is _method is _scheme is _external is None and has_request_context():
            found = self.addresses.build(request._get_current_object(), endpoint, values)  # type: ignore[attr-defined]
            if found is not None:
                return found
        special = {"_anchor": _anchor, "_method": _method, "_scheme": _scheme, "_external": _external}
        return super().url_for(endpoint, **special, **values)  # type: ignore[arg-type]

    @cached_property
    def addresses(self) -> Addresses:
        return Addresses(self)

    def preprocess_request(self) -> ResponseReturnValue | None:
        g.request_id = secrets.token_hex(8)
        answer = super().preprocess_request()
        if request.method not in SAFE_METHODS:
            end_read(db.session())  # the read that loaded the session ends before the write begins
        return answer

    def dispatch_request(self) -> ResponseReturnValue:
        if request.routing_exception is not None:
            return super().dispatch_request()
        mark = policy.mark_of(self, request.endpoint)
        if mark is not None:
            mark.check(policy.current_actor())
        incoming.check_address(request)
        safe = request.method in SAFE_METHODS
        write = not safe or bool(mark and mark.evidence)
        if write and safe:
            end_read(db.session())
        with unit_of_work(write=write, evidence_only=safe):
            return self.make_response(super().dispatch_request())


def install_headers(app: Flask, *, production: bool) -> None:
    """Security headers on every response, errors and static files included (ASVS 3.4)."""

    @app.after_request
    def _headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("X-Request-Id", g.get("request_id", ""))
        if production:
            response.headers.setdefault("Strict-Transport-Security", HSTS)
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def client_address() -> str:
    """The caller's network address after the trusted proxies were peeled off (see ``PORTAL_TRUSTED_PROXIES``)."""
    return request.remote_addr or "unknown"


def wants_json() -> bool:
    """Whether errors of this request are answered as problem details."""
    return request.path.startswith("/api/") or request.path.startswith("/wechat/")


def fragment_requested() -> bool:
    """Whether htmx asks for a part of the page."""
    return request.headers.get("HX-Request") == "true"


def problem(status: int, code: str, detail: Any, **members: Any) -> Response:
    """An RFC 9457 problem details response with a stable ``code``."""
    response = jsonify({"type": "about:blank", "status": status, "code": code, "detail": str(detail), **members})
    response.status_code = status
    response.headers["Content-Type"] = "application/problem+json"
    return response
