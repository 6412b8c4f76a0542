"""`/r/<token>`: a contact without an account rates, on a phone, without scripts. Only the POST stores anything."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from app.core import clock
from app.core.errors import DomainError, Invalid, NotFound
from app.core.policy import public
from app.core.unit_of_work import savepoint
from app.satisfaction import service
from app.satisfaction.forms import RatingForm, SecondForm
from app.satisfaction.service import follow, rate
from app.satisfaction.words import DIMENSIONS, HIGH_REASONS, LOW_REASONS, SCORES

bp = Blueprint("rating", __name__, url_prefix="/r", template_folder="../templates")
WHY = "whoever got the link has no account; the token is the key"


@bp.get("/<token>")
@public(WHY)
def ask(token: str) -> ResponseReturnValue:
    return _draw(token, RatingForm(formdata=None), SecondForm(formdata=None))


@bp.post("/<token>")
@public(WHY)
def give(token: str) -> ResponseReturnValue:
    """Store it; whatever is wrong, the page comes again with all that was filled in."""
    form = RatingForm()
    try:
        form.read()
        with savepoint():
            service.give_by_token(token, form.answer())
    except NotFound:
        raise
    except DomainError as refusal:
        return _draw(token, form, SecondForm(formdata=None), refusal)
    return redirect(url_for(".thanks", token=token), 303)


@bp.post("/<token>/again")
@public(WHY)
def give_again(token: str) -> ResponseReturnValue:
    """The answer to the second survey, after a follow-up."""
    form = SecondForm()
    try:
        form.read()
        with savepoint():
            service.answer_second(token, int(form.score.data or 0))
    except NotFound:
        raise
    except DomainError as refusal:
        return _draw(token, RatingForm(formdata=None), form, refusal)
    return redirect(url_for(".thanks", token=token), 303)


@bp.get("/<token>/thanks")
@public(WHY)
def thanks(token: str) -> ResponseReturnValue:
    _second, number = _behind(token)
    return _kept(render_template("satisfaction/public/thanks.html", number=number))


def _draw(token: str, form: RatingForm, second: SecondForm, refusal: DomainError | None = None) -> Response:
    """What can be done with this link now: rate, rate again, or nothing more and why."""
    is_second, number = _behind(token)
    over = _over(token, is_second)
    if over is not None:
        return _kept(render_template("satisfaction/public/over.html", number=number, over=over), over.status)
    if isinstance(refusal, Invalid):
        (second if is_second else form).take(refusal)
    values: dict[str, Any] = {
        "form": second if is_second else form, "number": number, "token": token, "scores": SCORES,
        "dimensions": DIMENSIONS, "low_reasons": LOW_REASONS, "high_reasons": HIGH_REASONS, "refusal": refusal,
    }  # fmt: skip
    template = "satisfaction/public/second.html" if is_second else "satisfaction/public/rate.html"
    return _kept(render_template(template, **values), refusal.status if refusal is not None else 200)


def _behind(token: str) -> tuple[bool, str]:
    """Whether the link asks a second time, and about which ticket. Raises NotFound."""
    try:
        return False, rate.by_token(token)[1].number
    except NotFound:
        return True, follow.by_token(token)[1].ticket_number


def _over(token: str, is_second: bool) -> DomainError | None:
    try:
        if is_second:
            follow.refuse_closed(follow.by_token(token)[0], clock.now())
        else:
            job, row = rate.by_token(token)
            rate.refuse_closed(job, row, "contact", clock.now())
    except NotFound:
        raise
    except DomainError as over:
        return over
    return None


def _kept(html: str, status: int = 200) -> Response:
    """Kept nowhere on the way, and the link told to nobody."""
    response = make_response(html, status)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
