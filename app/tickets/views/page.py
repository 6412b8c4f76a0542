"""The ticket's page: who, what, where, until when and what comes next; then all that was said and done."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from app.core.errors import DomainError
from app.core.policy import Actor, Permission, current_actor, permit
from app.tickets import panels, timeline
from app.tickets.queries import dossier
from app.tickets.views import bp
from app.tickets.views.facts import head
from app.tickets.views.next import next_step

READ = Permission.TICKETS_READ


@bp.get("/<number>")
@permit(READ)
def page(number: str) -> ResponseReturnValue:
    return draw(current_actor(), number)


def draw(actor: Actor, number: str, refusal: DomainError | None = None, **typed: Any) -> Response:
    """The page; after a refusal with its status, its words, and all that was typed."""
    found = dossier.find(actor, number)
    items = timeline.whole(dossier.events(found), dossier.messages(found))
    drawn = [(one.panel.side, Markup(_drawn(one, found))) for one in panels.panels_for(actor, found.row)]
    html = render_template(
        "tickets/page.html",
        items=list(reversed(items)),
        main=[html for side, html in drawn if not side],
        aside=[html for side, html in drawn if side],
        actions=panels.actions_for(actor, found.row),
        next=next_step(found),
        refusal=refusal,
        typed=typed,
        **head(actor, found),
    )
    return make_response(html, refusal.status if refusal is not None else 200)


def _drawn(one: panels.DrawnPanel, found: dossier.Dossier) -> str:
    return render_template(one.panel.template, **one.values, panel=one.panel, ticket=found.row)
