"""How a confidential picture leaves the portal: to a page of ours alone, never kept, with the viewer's name on it.

The bytes are made after the frame has committed the event that says who opened it (decisions.md 5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from flask import Response, request

from app.core import clock
from app.core.errors import Forbidden
from app.core.files import watermark
from app.core.policy import Actor

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Sec-Fetch-Dest, Sec-Fetch-Site",
}
DESTINATIONS = ("image", "empty")  # an <img> or a preload of our own pages, never a navigation or a frame


def refuse_foreign_fetch(*destinations: str) -> None:
    """Browsers say where a request comes from; another site's page or a bare address bar gets nothing."""
    site, destination = request.headers.get("Sec-Fetch-Site"), request.headers.get("Sec-Fetch-Dest")
    if (site and site != "same-origin") or (destination and destination not in (destinations or DESTINATIONS)):
        raise Forbidden(code="foreign_fetch")


def marked(actor: Actor, clear: Callable[[], bytes], name: str) -> Response:
    """The picture as JPEG with name and time of the viewer across it."""
    text = watermark.words(actor.name, str(actor.id)[:8], clock.now())

    def body() -> Iterator[bytes]:  # runs after the frame has committed the event
        yield watermark.mark(clear(), text)

    headers = {**HEADERS, "Content-Disposition": f'inline; filename="{name}"'}
    return Response(body(), mimetype="image/jpeg", headers=headers)
