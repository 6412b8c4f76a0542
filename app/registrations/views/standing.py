"""A registration after its decision: suspend, reinstate, revoke, and the reversal of a rejection; for leads."""

from __future__ import annotations

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import Conflict, DomainError, Forbidden, Invalid
from app.core.policy import Actor, Permission, current_actor, permit
from app.notifications import words
from app.registrations import reasons as catalogue
from app.registrations import service
from app.registrations.checks import HOW_LABELS
from app.registrations.forms import FIELD_LABELS, VERDICTS, NoteForm
from app.registrations.queries import case as cases
from app.registrations.queries.delivery import undelivered
from app.registrations.queries.queue import CHIPS
from app.registrations.readings import queries as readings
from app.registrations.views import bp
from app.registrations.views.timeline import timeline
from app.ui import toasts

LEAD = Permission.REGISTRATIONS_LEAD
VERBS = {
    "suspend": service.suspend,
    "reinstate": service.reinstate,
    "revoke": service.revoke,
    "reopen": service.reopen,
}


@bp.get("/<number>/standing")
@permit(LEAD)
def standing(number: str) -> ResponseReturnValue:
    return _page(current_actor(), number, NoteForm(formdata=None))


@bp.post("/<number>/<any(suspend, reinstate, revoke, reopen):action>")
@permit(LEAD)
def after_decision(number: str, action: str) -> ResponseReturnValue:
    """One of the four acts; the reason stays on the page when it is refused."""
    actor, form = current_actor(), NoteForm()
    registration_id = service.find(actor, number, LEAD)
    try:
        VERBS[action](actor, registration_id, service.Entered(private_note=form.private_note.data or ""))
    except (Conflict, Invalid, Forbidden) as refusal:
        return _page(actor, number, form, refusal)
    said = {
        "suspend": _("已暂停 %(number)s。", number=number),
        "reinstate": _("已恢复 %(number)s。", number=number),
        "revoke": _("已撤销 %(number)s。", number=number),
        "reopen": _("已请第二人重新审理 %(number)s。", number=number),
    }
    toasts.show("done", said[action])
    return redirect(url_for(".standing", number=number))


def _page(actor: Actor, number: str, form: NoteForm, refusal: DomainError | None = None) -> ResponseReturnValue:
    found = cases.case(actor, number)
    row, now = found.row, found.now
    further = readings.taken_further(row.id)
    if further is not None and form.private_note.data is None:
        form.private_note.data = _("复读 %(number)s 与原决定不同。", number=further.number)
    html = render_template(
        "registrations/standing.html",
        case=found,
        chip=CHIPS[found.status],
        undelivered=words.error(undelivered(found)),
        form=form,
        further=further,
        judgements=readings.JUDGEMENTS,
        refusal=refusal,
        labels=FIELD_LABELS,
        verdicts=dict(VERDICTS),
        hows=HOW_LABELS,
        items=timeline(found, catalogue.current()),
        own_suspension=row.suspended_by == actor.id,
        settled=row.effective_at is None or row.effective_at <= now,
        photos_left=row.erase_at is not None and row.erase_at > now,
    )
    return html, refusal.status if refusal is not None else 200
