"""The worklist of ratings."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.core import worklist
from app.core.policy import Permission, current_actor, permit
from app.satisfaction.queries.queue import QUEUE
from app.satisfaction.views import bp


@bp.get("")
@permit(Permission.SATISFACTION_READ)
def queue() -> ResponseReturnValue:
    actor = current_actor()
    lead = actor.may(Permission.SATISFACTION_MANAGE)
    return render_template("satisfaction/queue.html", page=worklist.page(QUEUE, actor, request.args), lead=lead)
