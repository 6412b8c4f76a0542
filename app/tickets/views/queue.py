"""The worklist and its drawer."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.core import worklist
from app.core.policy import Permission, current_actor, permit
from app.tickets import timeline
from app.tickets.queries import dossier
from app.tickets.queries.queue import QUEUE
from app.tickets.views import bp
from app.tickets.views.facts import head

READ = Permission.TICKETS_READ
DRAWER_STEPS = 6


@bp.get("")
@permit(READ)
def queue() -> ResponseReturnValue:
    actor = current_actor()
    page = worklist.page(QUEUE, actor, request.args)
    return render_template(
        "tickets/queue.html",
        page=page,
        may_triage=actor.may(Permission.TICKETS_TRIAGE),
        may_report=actor.may(Permission.TICKETS_REPORT),
    )


@bp.get("/<number>/drawer")
@permit(READ)
def drawer(number: str) -> ResponseReturnValue:
    """Facts of one ticket beside the list; photos are on its page, where looking is audited."""
    actor = current_actor()
    found = dossier.find(actor, number)
    items = timeline.steps(dossier.events(found, DRAWER_STEPS))
    return render_template("tickets/drawer.html", items=list(reversed(items)), **head(actor, found))
