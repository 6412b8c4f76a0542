"""The second step of a sign-in: a code, or the enrolment where one is required and none is set."""

from __future__ import annotations

from flask import Response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.db import db
from app.core.errors import NotFound, Unauthenticated
from app.core.policy import current_actor, public, signed_in
from app.staff import second_factor as arithmetic
from app.staff import service
from app.staff.forms import CodeForm
from app.staff.models import SessionStage, StaffAccount
from app.staff.queries import LiveSession
from app.staff.sessions import adopt, current_session
from app.staff.views import bp
from app.staff.views.sign_in import REFUSED
from app.staff.views.visitor import next_page, visitor


def half() -> LiveSession:
    """The session between password and second factor. Raises Unauthenticated when there is none."""
    found = current_session()
    if found is None or found.stage != SessionStage.PASSWORD:
        raise Unauthenticated()
    return found


def _page(form: CodeForm, found: LiveSession) -> str:
    pending = None if found.has_second_factor else _pending(found)
    manual = arithmetic.grouped(pending) if pending else None
    return render_template("staff/second_factor.html", form=form, manual=manual)


def _pending(found: LiveSession) -> str:
    account = db.session.get(StaffAccount, found.staff_id)
    if account is None or account.totp_pending is None:
        raise NotFound()
    return account.totp_pending


@bp.get("/login/second-factor")
@public("the second step of the way in; needs the cookie of the first")
def second_factor() -> ResponseReturnValue:
    form = CodeForm(formdata=None, next=next_page(request.args.get("next")))
    return _page(form, half())


@bp.post("/login/second-factor")
@public("the second step of the way in; needs the cookie of the first")
def second_factor_post() -> ResponseReturnValue:
    found = half()
    form = CodeForm()
    if form.validate_on_submit():
        answer = service.finish_second_factor(visitor(), found.staff_id, str(form.code.data))
        if answer.token is not None:
            adopt(answer.token)
            onward = next_page(form.next.data)
            if answer.recovery_codes:
                return render_template("staff/recovery_codes.html", codes=answer.recovery_codes, onward=onward)
            return redirect(onward)
        form.code.errors = [_("验证码不正确或已用过，请等下一个。")]
    return _page(form, found), REFUSED


@bp.get("/login/second-factor/qr.svg")
@public("the picture of the second step; needs the cookie of the first")
def enrolment_picture() -> ResponseReturnValue:
    found = half()
    return svg(arithmetic.qr_svg(_pending(found), found.email))


@bp.get("/account/second-factor/qr.svg")
@signed_in(step_up=True)
def account_picture() -> ResponseReturnValue:
    """One's own secret that is not confirmed yet; a confirmed one is never shown again."""
    account = db.session.get(StaffAccount, current_actor().id)
    if account is None or account.totp_pending is None:
        raise NotFound()
    return svg(arithmetic.qr_svg(account.totp_pending, account.email))


def svg(picture: bytes) -> Response:
    response = Response(picture, mimetype="image/svg+xml")
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
