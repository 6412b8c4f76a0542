"""One grant: what it rests on, what it opens with real rows, how it was used, and what may be done now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.errors import Conflict, Forbidden, Invalid
from app.core.policy import Actor, Permission, current_actor, permit
from app.grants import rules, service, standing
from app.grants.forms import DecideForm, ReconfirmForm, TermsForm, digest
from app.grants.models import Grant
from app.grants.queries import case as cases
from app.grants.queries.case import Case
from app.grants.service import Terms, record
from app.grants.views import bp
from app.grants.views.propose import look, over_text
from app.grants.views.timeline import timeline
from app.grants.words import CHIPS, VERDICTS
from app.grants.workflow import ENDED, Status
from app.ui import toasts

READ, DECIDE = Permission.GRANTS_READ, Permission.GRANTS_DECIDE


@bp.get("/<number>")
@permit(READ)
def case(number: str) -> ResponseReturnValue:
    return draw(current_actor(), number)


@bp.post("/<number>/preview")
@permit(DECIDE)
def preview(number: str) -> ResponseReturnValue:
    """Of a customer's own request: what the entered terms would open."""
    actor, form = current_actor(), TermsForm()
    try:
        return draw(actor, number, terms_form=form, terms=form.terms())
    except Invalid as refusal:
        form.take(refusal)
        return draw(actor, number, terms_form=form, refusal=refusal)


@bp.post("/<number>/approve")
@permit(DECIDE, step_up=True)
def approve(number: str) -> ResponseReturnValue:
    """What was proposed by staff as it stands; of a customer's request the terms that were previewed."""
    actor, form = current_actor(), TermsForm()
    row = cases.find(actor, number)
    asked = row.requested_kind == "customer" and row.status == Status.REQUESTED
    try:
        terms = form.terms() if asked else None
        if terms is not None and form.seen.data != digest(terms):
            return draw(actor, number, terms_form=form, terms=terms)
        row = service.approve(actor, row.id, form.version.data or 0, terms)
    except (Invalid, Conflict, Forbidden) as refusal:
        if asked and isinstance(refusal, Invalid):
            form.take(refusal)
        return draw(actor, number, terms_form=form if asked else None, refusal=refusal)
    words = (
        _l("已批准 %(number)s。") if row.status != Status.AWAITING_SECOND else _l("已同意 %(number)s，还须另一人批准。")
    )
    toasts.show("done", str(words) % {"number": number})
    return redirect(url_for(".case", number=number), 303)


@bp.post("/<number>/refuse")
@permit(DECIDE)
def refuse(number: str) -> ResponseReturnValue:
    return _noted(number, service.refuse, _l("%(number)s 未予批准。"))


@bp.post("/<number>/revoke")
@permit(DECIDE)
def revoke(number: str) -> ResponseReturnValue:
    return _noted(number, service.revoke, _l("已撤销 %(number)s，即时生效。"))


@bp.post("/<number>/reconfirm")
@permit(DECIDE, step_up=True)
def reconfirm(number: str) -> ResponseReturnValue:
    """After a pause: on what is true now."""
    actor, form = current_actor(), ReconfirmForm()
    row = cases.find(actor, number)
    try:
        service.reconfirm(actor, row.id, form.version.data or 0, form.keep(), form.note.data or "")
    except (Invalid, Conflict, Forbidden) as refusal:
        if isinstance(refusal, Invalid):
            form.take(refusal)
        return draw(actor, number, reconfirm_form=form, refusal=refusal)
    toasts.show("done", _("已重新确认 %(number)s。", number=number))
    return redirect(url_for(".case", number=number), 303)


@bp.post("/<number>/recuse")
@permit(DECIDE)
def recuse(number: str) -> ResponseReturnValue:
    """Declare that one knows the person; colleagues decide from then on."""
    actor = current_actor()
    service.recuse(actor, cases.find(actor, number).id)
    toasts.show("done", _("已记录您认识此人，%(number)s 由同事处理。", number=number))
    return redirect(url_for(".case", number=number), 303)


def _noted(number: str, verb: Callable[..., Grant], words: Any) -> ResponseReturnValue:
    actor, form = current_actor(), DecideForm()
    row = cases.find(actor, number)
    try:
        verb(actor, row.id, form.version.data or 0, form.note.data or "")
    except (Invalid, Conflict, Forbidden) as refusal:
        if isinstance(refusal, Invalid):
            form.take(refusal)
        return draw(actor, number, decide_form=form, refusal=refusal)
    toasts.show("done", str(words) % {"number": number})
    return redirect(url_for(".case", number=number), 303)


def draw(
    actor: Actor,
    number: str,
    *,
    terms_form: TermsForm | None = None,
    decide_form: DecideForm | None = None,
    reconfirm_form: ReconfirmForm | None = None,
    terms: Terms | None = None,
    refusal: Invalid | Conflict | Forbidden | None = None,
) -> ResponseReturnValue:
    """The page, with what was typed and why it was refused."""
    found = cases.case(actor, number)
    row = found.row
    acts = _acts(actor, found)
    shown: dict[str, Any] = {"preview": None, "names": {}}
    if acts["set_terms"]:
        terms_form = terms_form or TermsForm.fresh((node.id for node in found.nodes), version=row.version)
        if terms is not None:
            try:
                shown = look(standing.of(row.customer_id), terms, row.renews_id)
                terms_form.seen.data = digest(terms)
            except Invalid as wrong:
                terms_form.take(wrong)
                refusal = wrong
    elif found.status not in (Status.REFUSED, Status.RENEWED, Status.EXPIRED, Status.REVOKED):
        shown = {"preview": cases.preview_of(row), "names": {node.id: node.name for node in found.nodes}}
    page = render_template(
        "grants/case.html", case=found, row=row, chip=CHIPS[found.status], chips=CHIPS, acts=acts, refusal=refusal,
        terms_form=terms_form, decide_form=decide_form or DecideForm(formdata=None, data={"version": row.version}),
        reconfirm_form=reconfirm_form or ReconfirmForm(formdata=None, data={"version": row.version}),
        choices=cases.reconfirmable(row) if acts["reconfirm"] else [], now_standing=_standing_now(row, acts),
        verdicts=VERDICTS, over_text=over_text, asked=cases.asked(row) if acts["set_terms"] else [],
        causes=standing.CAUSES, bars=standing.BARS, rules=rules.current(),
        items=timeline(found), **{"checked": None, **shown},
    )  # fmt: skip
    return page, refusal.status if refusal is not None else 200


def _standing_now(row: Grant, acts: dict[str, Any]) -> standing.Standing | None:
    return cases.standing_or_refusal(row.customer_id)[0] if acts["reconfirm"] else None


def _acts(actor: Actor, found: Case) -> dict[str, Any]:
    """What this person may do now; a sentence where a button is shown and cannot be pressed."""
    row, status = found.row, found.status
    decides = actor.may(DECIDE) and found.bar is None
    open_now = status in (Status.REQUESTED, Status.AWAITING_SECOND)
    hands = record.earlier_hands(row) if decides else frozenset()
    why = None
    if open_now and actor.id in hands:
        why = _l("您提出或同意过这一项，须由另一位同事决定。")
    renewable = status == Status.ACTIVE and found.renewable_from is not None and found.now >= found.renewable_from
    return {
        "approve": decides and open_now,
        "why": why,
        "set_terms": decides and status == Status.REQUESTED and row.requested_kind == "customer" and why is None,
        "refuse": decides and open_now,
        "revoke": decides and status in (Status.ACTIVE, Status.SCHEDULED, Status.PAUSED),
        "reconfirm": decides and status == Status.PAUSED and row.status == Status.PAUSED,
        "renew": renewable and actor.may(Permission.GRANTS_PROPOSE) and found.bar is None and found.renewed_by is None,
        "view_as": actor.may(Permission.TICKETS_VIEW_AS) and found.bar is None,
        "recuse": actor.may(DECIDE) and found.bar is None and status not in ENDED,
        "submitted": request.method == "POST",
    }
