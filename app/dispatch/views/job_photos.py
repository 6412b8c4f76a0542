"""A photo of a job, with the viewer's name on it; the event is committed before the first byte (decisions.md 5)."""

from __future__ import annotations

import uuid

from flask import request
from flask.typing import ResponseReturnValue

from app.core.policy import Permission, current_actor, permit
from app.dispatch.queries.job_files import to_open
from app.dispatch.service.ledger import REASON
from app.dispatch.views.visiting import jobs_bp as bp
from app.tickets.views.files import send_photo
from app.ui import pictures


@bp.get("/<number>/photos/<uuid:file_id>")
@permit(Permission.VISITS_DO, evidence=True)
def photo(number: str, file_id: uuid.UUID) -> ResponseReturnValue:
    pictures.refuse_foreign_fetch()
    actor, thumb = current_actor(), "thumb" in request.args
    row, stored = to_open(actor, number, file_id, thumb=thumb)
    return send_photo(actor, row, stored, REASON, thumb=thumb)
