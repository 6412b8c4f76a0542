"""Sign-in, second step, sign-out, confirming one's password, the one-time link."""

from __future__ import annotations

from flask import current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import Invalid, TooManyRequests
from app.core.policy import current_actor, public, signed_in
from app.staff import service
from app.staff.forms import ConfirmForm, NewPasswordForm, SignInForm
from app.staff.sessions import adopt, current_session
from app.staff.views import bp
from app.staff.views.visitor import next_page, visitor
from app.ui import toasts
from app.ui.frame import language

REFUSED = 422
CLEAR = '"cookies", "storage"'  # nothing of ours lies in the cache: every page is no-store


def forced() -> bool:
    """The second factor is required in production."""
    return bool(current_app.extensions["settings"].production)


@bp.get("/login")
@public("the way in")
def login() -> ResponseReturnValue:
    if current_actor().kind == "staff":
        return redirect(next_page(request.args.get("next")))
    form = SignInForm(formdata=None, next=next_page(request.args.get("next"), ""))
    return render_template("staff/login.html", form=form, refused=False, wait=None)


@bp.post("/login")
@public("the way in")
def login_post() -> ResponseReturnValue:
    form = SignInForm()
    refused, wait = False, None
    if form.validate_on_submit():
        try:
            answer = service.sign_in(
                visitor(), str(form.email.data), str(form.password.data), second_factor_forced=forced()
            )
        except TooManyRequests as error:
            answer, wait = None, error.retry_after
        if answer is not None and answer.token is not None:
            adopt(answer.token)
            onward = next_page(form.next.data)
            if answer.outcome is service.Outcome.SECOND_FACTOR:
                return redirect(url_for("staff.second_factor", next=onward))
            return redirect(onward)
        refused = wait is None
    response = make_response(render_template("staff/login.html", form=form, refused=refused, wait=wait), REFUSED)
    if wait is not None:
        response.status_code = TooManyRequests.status
        response.headers["Retry-After"] = str(wait)
    return response


@bp.post("/logout")
@public("signing out works also half signed in, and twice")
def logout() -> ResponseReturnValue:
    found = current_session()
    if found is not None:
        service.sign_out(current_actor(), found.staff_id, found.id)
    adopt(None)
    lang = None if language() == "zh" else language()  # the cookies go, the language stays
    response = make_response(redirect(url_for("staff.login", lang=lang)))
    response.headers["Clear-Site-Data"] = CLEAR
    return response


@bp.get("/account/confirm")
@signed_in()
def step_up() -> ResponseReturnValue:
    form = ConfirmForm(formdata=None, next=next_page(request.args.get("next")))
    return render_template("staff/confirm.html", form=form, with_code=_has_second_factor())


@bp.post("/account/confirm")
@signed_in()
def step_up_post() -> ResponseReturnValue:
    """The password again; the session gets a new token, and ten minutes for what needs a fresh sign-in."""
    form = ConfirmForm()
    if form.validate_on_submit():
        try:
            adopt(service.step_up(current_actor(), str(form.password.data), form.code.data or ""))
            return redirect(next_page(form.next.data))
        except Invalid as error:
            form.take(error)
    return render_template("staff/confirm.html", form=form, with_code=_has_second_factor()), REFUSED


@bp.get("/staff/invitation/<token>")
@public("whoever holds the one-time link sets the first password")
def invitation(token: str) -> ResponseReturnValue:
    account = service.invitation_account(token)
    return render_template("staff/invitation.html", form=NewPasswordForm(formdata=None), account=account, token=token)


@bp.post("/staff/invitation/<token>")
@public("whoever holds the one-time link sets the first password")
def invitation_post(token: str) -> ResponseReturnValue:
    """The second factor, where there is one, is asked for at the sign-in that follows."""
    account = service.invitation_account(token)
    form = NewPasswordForm()
    if form.validate_on_submit():
        try:
            service.accept_invitation(token, str(form.password.data))
            toasts.show("done", _("密码已设好，请登录。"))
            return redirect(url_for("staff.login"))
        except Invalid as error:
            form.take(error)
    return render_template("staff/invitation.html", form=form, account=account, token=token), REFUSED


def _has_second_factor() -> bool:
    found = current_session()
    return bool(found and found.has_second_factor)
