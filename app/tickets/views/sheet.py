"""/tickets/<number>/print: one page of paper for whoever goes there or files it. Opening it is recorded.

Nothing that the page does not show this person: contacts masked, no notes of ours, no confidential matter.
"""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from app.core import audit, clock
from app.core.policy import Permission, current_actor, permit
from app.tickets import timeline
from app.tickets.queries import dossier, files
from app.tickets.views import bp
from app.tickets.views.facts import head
from app.tickets.views.next import next_step

LATEST = 14  # lines of history that leave room for the signatures on one sheet of A4


@bp.get("/<number>/print")
@permit(Permission.TICKETS_READ, evidence=True)
def print_sheet(number: str) -> ResponseReturnValue:
    actor = current_actor()
    found = dossier.find(actor, number)
    items = timeline.public(timeline.whole(dossier.events(found), dossier.messages(found), {}))
    audit.record("ticket.printed", actor, "ticket", found.row.id)
    return render_template(
        "tickets/print.html", items=items[-LATEST:], earlier=max(0, len(items) - LATEST), next=next_step(found),
        photo_count=sum(one.picture for one in files.of(found.row.id)), printed_at=clock.now(), by=actor.name,
        **head(actor, found),
    )  # fmt: skip
