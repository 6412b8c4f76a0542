"""`/privacy/disclosures`: the ledger with its export, the proof of one ticket, and what dealers have yet to delete."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.core import clock, worklist
from app.core.policy import Permission, current_actor, permit
from app.dispatch.models.ledger import BASES, FIELD_LABELS, KEPT_YEARS, PURPOSES
from app.dispatch.queries.deletions import DELETIONS, DUE, ended_of
from app.dispatch.queries.ledger import LEDGER, of_ticket
from app.dispatch.views.visiting import disclosures_bp as bp
from app.dispatch.words import STATE_CHIPS

READ = Permission.DISCLOSURES_READ


@bp.get("")
@permit(READ)
def index() -> ResponseReturnValue:
    page = worklist.page(LEDGER, current_actor(), request.args)
    return render_template("dispatch/disclosures.html", page=page, years=KEPT_YEARS)


@bp.get("/deletions")
@permit(READ)
def deletions() -> ResponseReturnValue:
    return render_template("dispatch/deletions.html", page=worklist.page(DELETIONS, current_actor(), request.args))


@bp.get("/<number>")
@permit(READ)
def ticket(number: str) -> ResponseReturnValue:
    """Which dealer saw which fields of this ticket, under which contract, until when, and whether it is deleted."""
    row, shown, dispatches = of_ticket(current_actor(), number)
    return render_template(
        "dispatch/disclosure.html", row=row, shown=shown, dispatches=dispatches, ended=ended_of(dispatches),
        fields=FIELD_LABELS, purposes=PURPOSES, bases=BASES, chips=STATE_CHIPS, due=DUE, now=clock.now(),
    )  # fmt: skip
