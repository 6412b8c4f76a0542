"""The ticket's page: who, what, where, until when and what comes next; then all that was said and done."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, render_template, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from app.core.errors import DomainError
from app.core.policy import Actor, Permission, current_actor, permit
from app.tickets import panels, timeline
from app.tickets.models import Direction
from app.tickets.queries import delivery, dossier, files
from app.tickets.views import bp
from app.tickets.views.facts import head
from app.tickets.views.files import shown_files
from app.tickets.views.next import next_step

READ = Permission.TICKETS_READ


@bp.get("/<number>")
@permit(READ)
def page(number: str) -> ResponseReturnValue:
    return draw(current_actor(), number)


def draw(actor: Actor, number: str, refusal: DomainError | None = None, **typed: Any) -> Response:
    """The page; after a refusal with its status, its words, and all that was typed."""
    found = dossier.find(actor, number)
    said = dossier.messages(found)
    came = files.of(found.row.id)
    items = timeline.whole(dossier.events(found), said, files.by_message(came))
    drawn = [(_place(one), Markup(_drawn(one, found))) for one in panels.panels_for(actor, found.row)]
    html = render_template(
        "tickets/page.html",
        items=list(reversed(items)),
        panels={place: [html for where, html in drawn if where == place] for place in ("main", "below", "side")},
        actions=panels.actions_for(actor, found.row),
        next=next_step(found),
        delivered=delivery.of(item.key for item in items if item.kind != "note"),
        called={one.outbox_key for one in said if one.direction == Direction.INTERNAL and one.outbox_key},
        reach=delivery.reach(found.row.customer_id) if actor.may(Permission.TICKETS_TRIAGE) else None,
        reveal_url=_reveal_url(actor, found),
        refusal=refusal,
        typed=typed,
        **head(actor, found),
        **shown_files(actor, found.row, came),
    )
    return make_response(html, refusal.status if refusal is not None else 200)


def _reveal_url(actor: Actor, found: dossier.Dossier) -> str | None:
    """The reporter's own number is opened as on his page; somebody else's is the ticket's."""
    if not found.contact.revealable or not actor.may(Permission.CUSTOMERS_REVEAL):
        return None
    if found.contact.customer_id is not None:
        return url_for("customers.ask_reveal", customer_id=found.contact.customer_id, what="phone")
    return url_for(".ask_contact", number=found.row.number)


def _place(one: panels.DrawnPanel) -> str:
    """In the narrow column, above the conversation, or below it."""
    return "side" if one.panel.side else "below" if one.panel.order >= panels.BELOW else "main"


def _drawn(one: panels.DrawnPanel, found: dossier.Dossier) -> str:
    return render_template(one.panel.template, **one.values, panel=one.panel, ticket=found.row)
