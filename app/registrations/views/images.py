"""Badge images: no live task, no image; the event is committed before the first byte (decisions.md 5, 21)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from flask import Response, request
from flask.typing import ResponseReturnValue

from app.core import audit, clock
from app.core.errors import Forbidden
from app.core.files import vault
from app.core.policy import Permission, current_actor, permit
from app.registrations import watermark
from app.registrations.queries import case as cases
from app.registrations.views import bp

PICTURE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Disposition": 'inline; filename="badge.jpg"',
    "X-Content-Type-Options": "nosniff",
    "Vary": "Sec-Fetch-Dest, Sec-Fetch-Site",
}
DESTINATIONS = ("image", "empty")  # an <img> or a preload of our own pages, never a navigation or a frame


@bp.get("/<number>/images/<uuid:image_id>")
@permit(Permission.REGISTRATIONS_READ, evidence=True)
def image(number: str, image_id: uuid.UUID) -> ResponseReturnValue:
    """The picture with the viewer's name on it. 403 ``claim_first`` without a task, 404 out of scope, 410 erased."""
    refuse_foreign_fetch()
    actor, thumb = current_actor(), "thumb" in request.args
    row, stored, why = cases.image_file(actor, number, image_id, thumb=thumb)
    clear = vault.open_sealed(stored)
    size = "thumbnail" if thumb else "ok"
    audit.record("badge.opened", actor, "registration", row.id, reason_code=why.value, result=size)
    text = watermark.words(actor.name, str(actor.id)[:8], clock.now())

    def body() -> Iterator[bytes]:  # runs after the frame has committed the event
        yield watermark.mark(clear, text)

    return Response(body(), mimetype="image/jpeg", headers=PICTURE_HEADERS)


def refuse_foreign_fetch() -> None:
    """Browsers say where a request comes from; another site's page or a bare address bar gets nothing."""
    site, destination = request.headers.get("Sec-Fetch-Site"), request.headers.get("Sec-Fetch-Dest")
    if (site and site != "same-origin") or (destination and destination not in DESTINATIONS):
        raise Forbidden(code="foreign_fetch")
