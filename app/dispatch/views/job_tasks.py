"""What a dealer's user confirms on `/jobs`: that the data of a job, or of an ended contract, is deleted or returned."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import Conflict, Invalid
from app.core.policy import Permission, current_actor, permit
from app.core.unit_of_work import savepoint
from app.dispatch.service import deletions
from app.dispatch.views.jobs import draw_list
from app.dispatch.views.visiting import jobs_bp as bp
from app.ui import toasts

VISIT = Permission.VISITS_DO


@bp.post("/<number>/deleted")
@permit(VISIT)
def delete_job(number: str) -> ResponseReturnValue:
    return _confirm(lambda sure: deletions.confirm_job(current_actor(), number, sure))


@bp.post("/contracts/<uuid:contract_id>/deleted")
@permit(VISIT)
def delete_contract(contract_id: uuid.UUID) -> ResponseReturnValue:
    return _confirm(lambda sure: deletions.confirm_contract(current_actor(), contract_id, sure))


def _confirm(verb: Callable[[bool], Any]) -> Any:
    try:
        with savepoint():
            verb("sure" in request.form)
    except (Invalid, Conflict) as refusal:
        return draw_list(current_actor(), refusal)
    toasts.show("done", _("删除确认已记入登记。"))
    return redirect(url_for(".index"), 303)
