"""Badge images: no live task, no image; the event is committed before the first byte (decisions.md 5, 21)."""

from __future__ import annotations

import uuid

from flask import request
from flask.typing import ResponseReturnValue

from app.core import audit
from app.core.files import vault
from app.core.policy import Permission, current_actor, permit
from app.registrations.queries import case as cases
from app.registrations.views import bp
from app.ui import pictures

NAME = "badge.jpg"


@bp.get("/<number>/images/<uuid:image_id>")
@permit(Permission.REGISTRATIONS_READ, evidence=True)
def image(number: str, image_id: uuid.UUID) -> ResponseReturnValue:
    """The picture with the viewer's name on it. 403 ``claim_first`` without a task, 404 out of scope, 410 erased."""
    pictures.refuse_foreign_fetch()
    actor, thumb = current_actor(), "thumb" in request.args
    row, stored, why = cases.image_file(actor, number, image_id, thumb=thumb)
    clear = vault.open_sealed(stored)
    size = "thumbnail" if thumb else "ok"
    audit.record("badge.opened", actor, "registration", row.id, reason_code=why.value, result=size)
    return pictures.marked(actor, lambda: clear, NAME)
