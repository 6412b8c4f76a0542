"""The composer of the ticket's page, and the whole number of a contact, for a minute, with a reason."""

from __future__ import annotations

from flask import make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import DomainError, Forbidden, NotFound
from app.core.masking import mask_phone, spaced_phone
from app.core.policy import Permission, current_actor, permit
from app.core.unit_of_work import savepoint
from app.core.web import fragment_requested
from app.customers.forms import ReasonForm
from app.customers.reasons import RevealReason
from app.customers.service import throttle_reveals
from app.tickets import service
from app.tickets.queries import dossier
from app.tickets.service import contact, say
from app.tickets.views import bp
from app.tickets.views.page import draw
from app.ui import toasts

READ, TRIAGE, REVEAL = Permission.TICKETS_READ, Permission.TICKETS_TRIAGE, Permission.CUSTOMERS_REVEAL
SHOWN_SECONDS = 60
TO_CUSTOMER = "customer"


@bp.post("/<number>/say")
@permit(TRIAGE)
def say_it(number: str) -> ResponseReturnValue:
    """To the customer, or a note for us; without a choice it is a note, so that nothing goes out by mistake."""
    actor, to, text = current_actor(), request.form.get("to", ""), request.form.get("text", "")
    ticket_id = service.find(actor, number)
    write = say.write_to_customer if to == TO_CUSTOMER else say.note
    try:
        with savepoint():
            write(actor, ticket_id, text)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        return draw(actor, number, refusal, text=text, to=to)
    toasts.show("done", _("已发给用户。") if to == TO_CUSTOMER else _("已记下内部备注。"))
    return redirect(url_for(".page", number=number, _anchor="said"), 303)


@bp.get("/<number>/contact")
@permit(READ)
def ask_contact(number: str) -> ResponseReturnValue:
    found = _revealable(number)
    return _question(found, ReasonForm(RevealReason, formdata=None))


@bp.post("/<number>/contact")
@permit(READ)
def reveal_contact(number: str) -> ResponseReturnValue:
    """The whole number, by the answer to a POST alone."""
    actor, form = current_actor(), ReasonForm(RevealReason)
    if not form.validate_on_submit():
        return _question(_revealable(number), form), 422
    throttle_reveals(actor)  # a transaction of its own, before this one reads
    found = _revealable(number)
    name, phone = contact.reveal(actor, found.row.id, RevealReason(form.reason.data), form.note_text)
    shown = f"{name or ''} {spaced_phone(phone)}".strip()
    inside = fragment_requested()
    back = url_for(".page", number=found.row.number)
    html = render_template(
        "customers/revealed_value.html" if inside else "tickets/revealed.html",
        title=_("联系人电话"), value=shown, mask=mask_phone(phone), seconds=SHOWN_SECONDS, back=back, row=found.row,
    )  # fmt: skip
    response = make_response(html)
    response.headers["Cache-Control"] = "no-store"
    if not inside:  # the page goes by itself, without scripts too
        response.headers["Refresh"] = f"{SHOWN_SECONDS}; url={back}"
    return response


def _revealable(number: str) -> dossier.Dossier:
    """Seeing the ticket and opening a masked value are two rights. Raises NotFound, Forbidden."""
    actor = current_actor()
    found = dossier.find(actor, number)
    actor.require(REVEAL)
    return found


def _question(found: dossier.Dossier, form: ReasonForm) -> str:
    template = "tickets/contact_body.html" if fragment_requested() else "tickets/contact.html"
    return render_template(template, row=found.row, form=form)
