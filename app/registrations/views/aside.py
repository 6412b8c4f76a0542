"""Pages beside the decision, reached from it with the draft kept: pass on, "I know this person", merge, all rounds."""

from __future__ import annotations

import uuid

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import numbers
from app.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Unavailable
from app.core.policy import Actor, Permission, current_actor, permit
from app.registrations import reasons as catalogue
from app.registrations import service
from app.registrations.checks import HOW_LABELS
from app.registrations.forms import FIELD_LABELS, VERDICTS, DecisionForm
from app.registrations.queries import case as cases
from app.registrations.queries import duplicates, team
from app.registrations.queries.queue import CHIPS
from app.registrations.queries.rounds import rounds_of
from app.registrations.task import refuse_own
from app.registrations.views import bp
from app.registrations.views.case import draw, go, onward
from app.registrations.views.timeline import WORDS
from app.ui import toasts

DECIDE, READ = Permission.REGISTRATIONS_DECIDE, Permission.REGISTRATIONS_READ
PAGES = {"pass": ".pass_page", "merge": ".merge_page", "recuse": ".recuse_page"}


@bp.post("/<number>/aside/<any(pass, merge, recuse):page>")
@permit(DECIDE)
def aside(number: str, page: str) -> ResponseReturnValue:
    """Keep what was typed, then show the other page."""
    actor, form = current_actor(), DecisionForm()
    try:
        service.set_aside(actor, service.find(actor, number), form.lease_token.data or "", form.entered())
    except DomainError as refusal:
        return draw(actor, number, form, refusal)
    return go(url_for(PAGES[page], number=number))


@bp.get("/<number>/pass")
@permit(DECIDE)
def pass_page(number: str) -> ResponseReturnValue:
    return _pass_page(current_actor(), number)


@bp.post("/<number>/pass")
@permit(DECIDE)
def pass_on(number: str) -> ResponseReturnValue:
    """To a colleague by name, or to whoever of the team comes next."""
    actor, form = current_actor(), DecisionForm()
    to, note = request.form.get("to", ""), (form.private_note.data or "").strip()
    registration_id = service.find(actor, number)
    try:
        to_id, kept = None if to == "team" else _uuid(to), _kept(actor, number, note)
        made = service.pass_on(actor, registration_id, form.lease_token.data or "", kept, to_id=to_id)
    except (Conflict, Invalid, Forbidden, Unavailable) as refusal:
        return _pass_page(actor, number, refusal, to, note)
    toasts.show("done", _("已把 %(number)s 转给%(name)s。", number=number, name=made.to_name or _("同组")))
    return onward(actor)


def _kept(actor: Actor, number: str, note: str) -> service.Entered:
    """The draft, with the words for the receiver in place of the note to the decision."""
    draft = service.draft_of(actor, cases.row_by_number(actor, number, DECIDE)) or service.Entered()
    return service.Entered(draft.checks, draft.reasons, draft.public_text, note, draft.ways, draft.badge_valid_until)


def _pass_page(
    actor: Actor, number: str, refusal: DomainError | None = None, to: str = "", note: str = ""
) -> ResponseReturnValue:
    found = cases.case(actor, number)
    html = render_template(
        "registrations/pass.html",
        case=found,
        colleagues=[] if found.barred else team.receivers(actor, found.row),
        refusal=refusal,
        labels=FIELD_LABELS,
        pass_hours=numbers.get("pass_hours"),
        to=to,
        note=note,
    )
    return html, refusal.status if refusal is not None else 200


@bp.get("/<number>/recuse")
@permit(DECIDE)
def recuse_page(number: str) -> ResponseReturnValue:
    return render_template("registrations/recuse.html", case=cases.case(current_actor(), number))


@bp.post("/<number>/recuse")
@permit(DECIDE)
def recuse(number: str) -> ResponseReturnValue:
    """Declare a relation; the case goes to others."""
    actor = current_actor()
    service.recuse(actor, service.find(actor, number))
    toasts.show("done", _("已记录您认识申请人，%(number)s 由同事处理。", number=number))
    return onward(actor)


@bp.get("/<number>/merge")
@permit(DECIDE)
def merge_page(number: str) -> ResponseReturnValue:
    return _merge_page(current_actor(), number, request.args.get("target", ""))


@bp.post("/<number>/merge")
@permit(DECIDE)
def merge(number: str) -> ResponseReturnValue:
    """Join the case into the other one, which was shown beside it."""
    actor, form = current_actor(), DecisionForm()
    target, same = (form.target.data or "").upper(), bool(request.form.get("same_person"))
    entered = service.Entered(reasons=("duplicate",), private_note=form.private_note.data or "")
    registration_id = service.find(actor, number)
    try:
        service.merge(actor, registration_id, form.seen(), entered, target_number=target, same_person=same)
    except (Conflict, Invalid, Forbidden) as refusal:
        return _merge_page(actor, number, target, refusal)
    toasts.show("done", _("已把 %(number)s 并入 %(target)s。", number=number, target=target))
    return onward(actor)


def _merge_page(actor: Actor, number: str, target: str, refusal: DomainError | None = None) -> ResponseReturnValue:
    found = cases.case(actor, number)
    other = None
    try:
        other = duplicates.side(actor, target.strip().upper()) if target.strip() else None
    except NotFound as error:
        refusal = refusal or error
    html = render_template(
        "registrations/merge.html",
        case=found,
        here=duplicates.side_of(found.row),
        other=other,
        target=target,
        same_phone=other is not None and service.same_phone(found.row, other.row),
        candidates=duplicates.candidates(actor, found.row),
        chips=CHIPS,
        labels=FIELD_LABELS,
        refusal=refusal,
    )
    return html, refusal.status if refusal is not None else 200


@bp.get("/<number>/rounds")
@permit(READ)
def rounds(number: str) -> ResponseReturnValue:
    """All rounds beside each other, with what was verified and why each was sent back."""
    actor = current_actor()
    found = cases.case(actor, number)
    refuse_own(actor, found.row)
    return render_template(
        "registrations/rounds.html",
        case=found,
        rounds=rounds_of(found.row, found.events),
        labels=FIELD_LABELS,
        verdicts=dict(VERDICTS),
        hows=HOW_LABELS,
        words=WORDS,
        staff_words=catalogue.staff_words,
    )


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        message = _("请选择转给谁。")
        raise Invalid(message, code="receiver_required", fields={"to": [message]}) from error
