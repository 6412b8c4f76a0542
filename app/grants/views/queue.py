"""The worklist."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.core import worklist
from app.core.policy import Permission, current_actor, permit
from app.grants.queries.lists import QUEUE
from app.grants.views import bp


@bp.get("")
@permit(Permission.GRANTS_READ)
def queue() -> ResponseReturnValue:
    page = worklist.page(QUEUE, current_actor(), request.args)
    return render_template("grants/queue.html", page=page)
