"""What handlers need to know about the browser: where it wants to go next, what it is, which session it has."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import request, url_for

from app.core import devices
from app.core.web import client_address
from app.staff.service import Visitor
from app.staff.sessions import current_session

PATH = re.compile(r"^/(?![/\\])[^\\\x00-\x20]*$")
LONGEST_NEXT = 2_000


def next_page(wanted: str | None, fallback: str = "/") -> str:
    """``wanted`` when it is a path of this host, no step of the sign-in itself, else ``fallback`` (ASVS 3.7.2)."""
    if not wanted or len(wanted) > LONGEST_NEXT or not PATH.fullmatch(wanted):
        return fallback
    parts = urlsplit(wanted)
    login = url_for("staff.login")
    own_step = parts.path in (login, url_for("staff.logout")) or parts.path.startswith(f"{login}/")
    if parts.scheme or parts.netloc or own_step:
        return fallback
    return wanted


def visitor() -> Visitor:
    """Address and browser of this request, and the session row its cookie points to."""
    found = current_session()
    held = (found.staff_id, found.id) if found is not None else None
    return Visitor(client_address(), devices.words(request.headers.get("User-Agent", "")), held)
