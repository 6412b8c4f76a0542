"""The quarterly review: campaigns, one decision at a time, and the page that proves it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.policy import Actor, Permission, current_actor, permit
from app.grants import service, standing
from app.grants.forms import CampaignForm, ReviewForm
from app.grants.models import ReviewDecision
from app.grants.queries import reviews
from app.grants.views import bp
from app.grants.words import CHIPS, DECISIONS
from app.hospitals import provinces
from app.hospitals.models import Hospital
from app.ui import toasts
from app.ui.frame import language

READ, REVIEW, LEAD = Permission.GRANTS_READ, Permission.GRANTS_REVIEW, Permission.GRANTS_LEAD


@bp.get("/reviews")
@permit(READ)
def review_list() -> ResponseReturnValue:
    return _list(current_actor(), None)


@bp.post("/reviews")
@permit(LEAD)
def open_review() -> ResponseReturnValue:
    actor, form = current_actor(), CampaignForm()
    form.place.choices = _places(actor)
    try:
        due_on = form.due_on.data
        if not form.validate() or due_on is None:
            raise Invalid(fields={})
        row = service.open_campaign(
            actor, due_on, province=form.place.data or "", hospital_id=_hospital(form.hospital.data or "")
        )
    except Invalid as refusal:
        if refusal.fields or not form.errors:
            form.take(refusal)
        return _list(actor, form, 422)
    toasts.show("done", _("已开始复核 %(number)s。", number=row.number))
    return redirect(url_for(".review", number=row.number), 303)


@bp.get("/reviews/<number>")
@permit(READ)
def review(number: str) -> ResponseReturnValue:
    return _draw(current_actor(), number)


@bp.post("/reviews/<number>/<uuid:item_id>")
@permit(REVIEW)
def decide_item(number: str, item_id: uuid.UUID) -> ResponseReturnValue:
    actor, form = current_actor(), ReviewForm(prefix=item_id.hex)
    line, items = reviews.campaign(actor, number)
    if item_id not in {found.item.id for found in items}:
        raise NotFound()
    try:
        if not form.validate():
            raise Invalid(fields={})
        decision = ReviewDecision(form.decision.data)
        reduced = decision is ReviewDecision.REDUCE
        service.decide(
            actor, item_id, form.version.data or 0, decision, note=form.note.data or "",
            keep=form.keep() if reduced else (), lookback_months=form.lookback_months.data if reduced else None,
        )  # fmt: skip
    except (Invalid, Conflict, Forbidden) as refusal:
        if isinstance(refusal, Invalid) and (refusal.fields or not form.errors):
            form.take(refusal)
        return _draw(actor, number, {item_id: form}, refusal)
    toasts.show("done", _("已记录决定，%(left)s 项待复核。", left=line.items - line.decided - 1))
    return redirect(url_for(".review", number=number), 303)


@bp.get("/reviews/<number>/evidence")
@permit(READ)
def review_evidence(number: str) -> ResponseReturnValue:
    """What was decided by whom on what figures, to be printed."""
    line, items = reviews.campaign(current_actor(), number)
    return render_template(
        "grants/evidence.html", line=line, items=items, chips=CHIPS, decisions=DECISIONS, made_at=clock.now(),
        place=_place(line),
    )  # fmt: skip


def _list(actor: Actor, form: CampaignForm | None, status: int = 200) -> ResponseReturnValue:
    if form is None and actor.may(LEAD):
        form = CampaignForm(formdata=None, data={"due_on": clock.today() + timedelta(days=14)})
        form.place.choices = _places(actor)
    lines = reviews.campaigns(actor)
    return render_template("grants/reviews.html", lines=lines, form=form, place=_place), status


def _draw(
    actor: Actor,
    number: str,
    forms: dict[uuid.UUID, ReviewForm] | None = None,
    refusal: Invalid | Conflict | Forbidden | None = None,
) -> ResponseReturnValue:
    line, items = reviews.campaign(actor, number)
    shown = {item.item.id: (forms or {}).get(item.item.id) or _form(item) for item in items if _open(actor, line, item)}
    page = render_template(
        "grants/review.html", line=line, items=items, forms=shown, chips=CHIPS, decisions=DECISIONS, refusal=refusal,
        place=_place(line), causes=standing.CAUSES,
    )  # fmt: skip
    return page, refusal.status if refusal is not None else 200


def _open(actor: Actor, line: reviews.CampaignLine, item: reviews.ItemLine) -> bool:
    """Whether this person may decide it now."""
    live = item.status in ("active", "paused")
    return item.item.decision is None and item.why_not is None and not line.closed and actor.may(REVIEW) and live


def _form(item: reviews.ItemLine) -> ReviewForm:
    """Nothing is chosen beforehand: keeping is a decision too."""
    return ReviewForm(
        formdata=None, prefix=item.item.id.hex,
        data={
            "version": item.grant.version, "departments": [str(found) for found, _name in item.departments],
            "lookback_months": item.grant.lookback_months,
        },
    )  # fmt: skip


def _places(actor: Actor) -> list[tuple[str, Any]]:
    mine = actor.scope(LEAD)
    return [("", "—"), *(c for c in provinces.choices(language()) if mine is None or c[0] in mine)]


def _place(line: reviews.CampaignLine) -> str:
    return line.hospital or provinces.title(line.row.province, language())


def _hospital(code: str) -> uuid.UUID | None:
    if not code:
        return None
    found = db.session.scalar(sa.select(Hospital.id).where(Hospital.code == code.upper()))
    if found is None:
        raise Invalid(fields={"hospital": [_l("没有这个编号的医院。")]})
    return found
