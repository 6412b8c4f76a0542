"""Messages after an act, without a table: a signed cookie of one minute, shown and cleared by the next page.

A POST says ``toasts.show("done", _("已通过 REG-20261123-0042"), undo_url=…, undo_seconds=60)`` and redirects. Numbers
only, never personal data: the cookie lies on the reader's disk for a moment. An htmx answer carries the message in
its own body, out of band.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from flask import Flask, Response, current_app, g, render_template, request
from itsdangerous import BadData, URLSafeTimedSerializer

from app.core.web import fragment_requested

LIFE_SECONDS = 60
KINDS = ("done", "act", "soon", "late")
COOKIE_MAX = 3_000  # bytes of the signed value; browsers refuse cookies over 4,096


@dataclass(frozen=True, slots=True)
class Toast:
    """kind: done, act (plain), soon (take care), late (failed; stays until closed)."""

    kind: str
    message: str
    undo_url: str | None = None
    undo_seconds: int | None = None


def show(kind: str, message: Any, undo_url: str | None = None, undo_seconds: int | None = None) -> None:
    """Tell the reader with this answer or the next page. ``undo_url`` takes a POST."""
    if kind not in KINDS:
        raise ValueError(f"a toast is one of {KINDS}, not {kind!r}")
    if undo_url is not None and (not undo_url.startswith("/") or undo_url.startswith("//")):
        raise ValueError("undo_url is a path of this host")
    g.setdefault("toasts", []).append(Toast(kind, str(message), undo_url, undo_seconds))


def pending() -> list[Toast]:
    """What the page being rendered shows: messages of the last answer and of this one. Reading takes them."""
    shown = [*_from_cookie(), *g.get("toasts", [])]
    g.toasts, g.toasts_taken = [], True
    return shown


def cookie_name() -> str:
    return "__Host-toast" if current_app.extensions["settings"].production else "toast"


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="toast")


def _from_cookie() -> list[Toast]:
    raw = request.cookies.get(cookie_name())
    if not raw:
        return []
    try:
        return [Toast(**entry) for entry in _serializer().loads(raw, max_age=LIFE_SECONDS)]
    except (BadData, TypeError):
        return []


def _deliver(response: Response) -> Response:
    """Send what was said during this request, or clear what was shown."""
    if request.endpoint == "static":
        return response
    said: list[Toast] = g.get("toasts", [])
    if said and _is_fragment(response):
        response.set_data(response.get_data(as_text=True) + render_template("ui/toast_oob.html", toasts=said))
    elif said:
        value = str(_serializer().dumps([asdict(toast) for toast in said]))
        if len(value) > COOKIE_MAX:
            raise ValueError("the toasts of one answer are longer than a cookie")
        response.set_cookie(
            cookie_name(),
            value,
            max_age=LIFE_SECONDS,
            secure=current_app.extensions["settings"].production,
            httponly=True,
            samesite="Lax",
        )
    elif g.get("toasts_taken") and cookie_name() in request.cookies:
        secure = current_app.extensions["settings"].production
        response.delete_cookie(cookie_name(), secure=secure, httponly=True, samesite="Lax")
    return response


def _is_fragment(response: Response) -> bool:
    page = response.mimetype == "text/html" and response.status_code in (200, 422) and not response.is_streamed
    return page and fragment_requested() and "HX-Redirect" not in response.headers


def install(app: Flask) -> None:
    app.jinja_env.globals["pending_toasts"] = pending
    app.after_request(_deliver)
