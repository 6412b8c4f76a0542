"""One's own account: data, choices, password, second factor, sessions."""

from __future__ import annotations

import uuid

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import Invalid
from app.core.policy import current_actor, signed_in
from app.core.web import fragment_requested
from app.staff import queries, service
from app.staff import second_factor as arithmetic
from app.staff.forms import ChangePasswordForm, CodeForm, PreferencesForm
from app.staff.roles import ROLES
from app.staff.sessions import adopt
from app.staff.views import bp
from app.staff.views.sign_in import REFUSED, forced
from app.staff.views.visitor import next_page
from app.ui import toasts


@bp.get("/account")
@signed_in()
def account() -> ResponseReturnValue:
    actor = current_actor()
    own = queries.account(actor, _id())
    return render_template(
        "staff/account.html",
        account=own,
        assignments=queries.assignments(actor, own.id),
        sessions=queries.living_sessions(actor, own.id),
        codes_left=queries.recovery_codes_left(actor),
        roles=ROLES,
        forced=forced(),
    )


@bp.post("/account/preferences")
@signed_in()
def save_preferences() -> ResponseReturnValue:
    """Without scripts a form of the menu, with them a request behind the page."""
    form = PreferencesForm()
    service.save_preferences(current_actor(), form.chosen())
    if fragment_requested():
        return "", 204
    return redirect(next_page(form.next.data, url_for("staff.account")))


@bp.get("/account/password")
@signed_in()
def password() -> ResponseReturnValue:
    return render_template("staff/password.html", form=ChangePasswordForm(formdata=None))


@bp.post("/account/password")
@signed_in()
def password_post() -> ResponseReturnValue:
    form = ChangePasswordForm()
    if form.validate_on_submit():
        try:
            adopt(service.change_password(current_actor(), str(form.current.data), str(form.new.data)))
            toasts.show("done", _("密码已改，其他设备都已退出。"))
            return redirect(url_for("staff.account"))
        except Invalid as error:
            form.take(error)
    return render_template("staff/password.html", form=form), REFUSED


@bp.post("/account/second-factor/start")
@signed_in(step_up=True)
def start_second_factor() -> ResponseReturnValue:
    service.start_second_factor(current_actor())
    return redirect(url_for("staff.own_second_factor"))


@bp.get("/account/second-factor")
@signed_in(step_up=True)
def own_second_factor() -> ResponseReturnValue:
    """Enrolment: the picture, the secret for typing, the first code. Before it is begun: what it is, and a button."""
    return _enrolment(CodeForm(formdata=None))


@bp.post("/account/second-factor")
@signed_in(step_up=True)
def confirm_second_factor() -> ResponseReturnValue:
    form = CodeForm()
    if form.validate_on_submit():
        try:
            codes = service.confirm_second_factor(current_actor(), str(form.code.data))
            return render_template("staff/recovery_codes.html", codes=codes, onward=url_for("staff.account"))
        except Invalid as error:
            form.take(error)
    return _enrolment(form), REFUSED


def _enrolment(form: CodeForm) -> str:
    own = queries.account(current_actor(), _id())
    pending = own.totp_pending
    manual = arithmetic.grouped(pending) if pending else None
    return render_template("staff/own_second_factor.html", form=form, manual=manual, account=own, forced=forced())


@bp.post("/account/second-factor/remove")
@signed_in(step_up=True)
def remove_second_factor() -> ResponseReturnValue:
    service.remove_second_factor(current_actor(), forced=forced())
    toasts.show("done", _("两步验证已关闭，其他设备都已退出。"))
    return redirect(url_for("staff.account"))


@bp.post("/account/recovery-codes")
@signed_in(step_up=True)
def renew_recovery_codes() -> ResponseReturnValue:
    codes = service.new_recovery_codes(current_actor())
    return render_template("staff/recovery_codes.html", codes=codes, onward=url_for("staff.account"))


@bp.post("/account/sessions/<uuid:session_id>/end")
@signed_in()
def end_own_session(session_id: uuid.UUID) -> ResponseReturnValue:
    service.end_session(current_actor(), _id(), session_id)
    toasts.show("done", _("这台设备已退出。"))
    return redirect(url_for("staff.account"))


@bp.post("/account/sessions/end-others")
@signed_in()
def end_other_sessions() -> ResponseReturnValue:
    service.end_all_sessions(current_actor(), _id())
    toasts.show("done", _("其他设备都已退出。"))
    return redirect(url_for("staff.account"))


def _id() -> uuid.UUID:
    """The id of whoever is signed in; the policy mark has seen to it that there is one."""
    staff_id = current_actor().id
    assert staff_id is not None
    return staff_id
