"""The queue, its drawer, and taking the next case."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import clock, worklist
from app.core.policy import Permission, current_actor, permit
from app.registrations import reasons as catalogue
from app.registrations import service
from app.registrations.forms import FIELD_LABELS
from app.registrations.queries import case as cases
from app.registrations.queries.queue import CHIPS, QUEUE
from app.registrations.views import bp
from app.registrations.views.timeline import timeline
from app.ui import toasts


@bp.get("")
@permit(Permission.REGISTRATIONS_READ)
def queue() -> ResponseReturnValue:
    actor = current_actor()
    page = worklist.page(QUEUE, actor, request.args)
    may_decide = actor.may(Permission.REGISTRATIONS_DECIDE)
    may_lead = actor.may(Permission.REGISTRATIONS_LEAD)
    may_edit = actor.may(Permission.REASONS_MANAGE)
    return render_template(
        "registrations/queue.html", page=page, may_decide=may_decide, may_lead=may_lead, may_edit=may_edit
    )


@bp.get("/<number>/drawer")
@permit(Permission.REGISTRATIONS_READ)
def drawer(number: str) -> ResponseReturnValue:
    """Facts without the badge: opening one is an audited view."""
    actor = current_actor()
    found = cases.case(actor, number)
    return render_template(
        "registrations/drawer.html",
        case=found,
        chip=CHIPS[found.status],
        labels=FIELD_LABELS,
        items=timeline(found, catalogue.current())[:5],
        claimable=cases.claimable(actor, found),
    )


@bp.post("/next")
@permit(Permission.REGISTRATIONS_DECIDE)
def next_case() -> ResponseReturnValue:
    """Claim the oldest due case and open it; with full hands, the oldest of one's own."""
    actor = current_actor()
    held = service.open_cases(actor, clock.now())
    if len(held) >= service.limit_of(actor.id):
        toasts.show("soon", _("您手上已有 %(n)s 件，先处理这一件。", n=len(held)))
        return redirect(url_for(".case", number=held[0].number))
    claimed = service.claim_next(actor)
    if claimed is None:
        toasts.show("act", _("没有等您处理的件了。"))
        return redirect(url_for(".queue"))
    return redirect(url_for(".case", number=claimed[0].number))
