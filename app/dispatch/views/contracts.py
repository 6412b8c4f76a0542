"""Ending a contract: what it touches is shown first, and every ticket touched is listed afterwards.

The page stands here and not with the dealers, because ending a contract unschedules visits in the same transaction.
"""

from __future__ import annotations

import uuid
from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue

from app.core.errors import DomainError, Forbidden, NotFound
from app.core.policy import Permission, current_actor, permit
from app.core.unit_of_work import savepoint
from app.dealers import queries as dealers
from app.dealers.forms import EndForm
from app.dealers.models import EndKind
from app.dispatch import service
from app.dispatch.service.lapse import touched_by
from app.dispatch.views import contracts_bp as bp
from app.tickets.words import CHIPS

MANAGE = Permission.DEALERS_MANAGE


@bp.get("/<uuid:contract_id>/end")
@permit(MANAGE)
def ask_end(contract_id: uuid.UUID) -> ResponseReturnValue:
    return _ask(contract_id, EndForm(formdata=None))


@bp.post("/<uuid:contract_id>/end")
@permit(MANAGE)
def end(contract_id: uuid.UUID) -> ResponseReturnValue:
    actor, form = current_actor(), EndForm()
    kind = EndKind.REVOKED if form.kind.data == EndKind.REVOKED else EndKind.ENDED
    try:
        with savepoint():
            touched = service.end_contract(actor, contract_id, kind, form.reason.data or "")
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        return _ask(contract_id, form, refusal)
    row = dealers.contract(actor, contract_id)
    return render_template(
        "dispatch/contract_ended.html", row=row, dealer=dealers.get(actor, row.dealer_id), touched=touched,
        may_read=actor.may(Permission.TICKETS_READ),
    )  # fmt: skip


def _ask(contract_id: uuid.UUID, form: EndForm, refusal: DomainError | None = None) -> Any:
    actor = current_actor()
    row = dealers.contract(actor, contract_id)
    page = render_template(
        "dispatch/contract_end.html", row=row, dealer=dealers.get(actor, row.dealer_id), form=form, refusal=refusal,
        touched=touched_by(row), chips=CHIPS,
    )  # fmt: skip
    return page, refusal.status if refusal else 200
