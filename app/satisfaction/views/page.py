"""The page of one rating: what was said, the service record beside it, and what is to be decided."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, render_template, request
from flask.typing import ResponseReturnValue

from app.core.errors import DomainError
from app.core.policy import Actor, Permission, current_actor, permit
from app.satisfaction import words
from app.satisfaction.forms import AuditForm, ComplaintForm, FollowForm
from app.satisfaction.harm_words import GROUPS
from app.satisfaction.queries import page as pages
from app.satisfaction.views import bp
from app.tickets import timeline
from app.tickets.queries import delivery, dossier
from app.tickets.triage import MODE_LABELS, WARRANTY_LABELS
from app.ui.frame import url_or_none

READ, AUDIT = Permission.SATISFACTION_READ, Permission.SATISFACTION_AUDIT


@bp.get("/<number>")
@permit(READ)
def page(number: str) -> ResponseReturnValue:
    return draw(current_actor(), number)


def cycle_asked() -> int | None:
    """The round of the address; the latest by default."""
    value = request.args.get("cycle", "")
    return int(value) if value.isdigit() and len(value) < 5 else None


def draw(actor: Actor, number: str, refusal: DomainError | None = None, **forms: Any) -> Response:
    """The page; after a refusal with its status, its words and all that was typed."""
    found = pages.read(actor, number, cycle_asked())
    ticket = dossier.find(actor, found.job.ticket_number)
    history = timeline.whole(dossier.events(ticket), dossier.messages(ticket), {})
    keys = [found.job.message_key, found.job.link_key, found.follow.message_key if found.follow else None]
    html = render_template(
        "satisfaction/page.html", found=found, job=found.job, ticket=ticket, items=list(reversed(history)),
        words=words, groups=GROUPS, modes=MODE_LABELS, warranties=WARRANTY_LABELS, refusal=refusal,
        audit_form=forms.get("audit") or AuditForm(formdata=None, version=str(found.job.version)),
        complaint_form=forms.get("complaint") or ComplaintForm(formdata=None),
        follow_form=forms.get("follow") or FollowForm(formdata=None), delivered=delivery.of(filter(None, keys)),
        receipt_url=url_or_none("promises.receipt", number=found.job.ticket_number), may_audit=actor.may(AUDIT),
        mine=found.follow is not None and found.follow.owner_id == actor.id, cycle=found.job.cycle,
    )  # fmt: skip
    return make_response(html, refusal.status if refusal is not None else 200)
