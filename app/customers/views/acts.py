"""What staff do to one person, each with a reason: reveal a value, end sign-ins, freeze, release.

The question is a page of its own, which the browser loads into a dialog where it has scripts. A value is shown by the
answer to a POST alone, for a minute; no address leads to it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask import make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.masking import mask_name, mask_phone, spaced_phone
from app.core.policy import Permission, current_actor, permit
from app.core.web import fragment_requested
from app.customers import access, service
from app.customers.forms import ReasonForm
from app.customers.reasons import EndReason, FreezeReason, ReleaseReason, RevealReason
from app.customers.service import Revealed
from app.customers.views import bp
from app.ui import toasts

P = Permission
REFUSED = 422
SHOWN_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before an act."""

    title: Any
    text: Any
    word: Any
    kind: str = "go"
    inside: bool = False  # the answer comes into the dialog instead of a new page


QUESTIONS = {
    Revealed.PHONE: Question(
        _l("显示手机号"), _l("显示 60 秒。谁、何时、为什么看，都会记入审计日志。"), _l("显示手机号"), inside=True
    ),
    Revealed.NAME: Question(
        _l("显示姓名"), _l("显示 60 秒。谁、何时、为什么看，都会记入审计日志。"), _l("显示姓名"), inside=True
    ),
}
END_ONE = Question(
    _l("结束这个登录"), _l("小程序在下一次操作时须重新登录。未发送的内容留在手机上。"), _l("结束登录"), kind="harm"
)
END_ALL = Question(
    _l("结束全部登录"), _l("小程序在下一次操作时须重新登录。未发送的内容留在手机上。"), _l("结束全部登录"), kind="harm"
)
FREEZE = Question(
    _l("冻结账号"), _l("全部登录立即结束，解除前不能再登录。注册、权限和工单保留。"), _l("冻结账号"), kind="harm"
)
RELEASE = Question(_l("解除冻结"), _l("解除后可以重新登录。请先核实是本人。"), _l("解除冻结"))


def _ask(customer_id: uuid.UUID, right: Permission, asked: Question, form: ReasonForm, action: str) -> Any:
    """The question, as a page or for the dialog. Raises NotFound, Forbidden for who may not act on this person."""
    access.find(current_actor(), customer_id, right)
    template = "customers/ask_form.html" if fragment_requested() else "customers/ask.html"
    return render_template(template, asked=asked, form=form, action=action, customer_id=customer_id)


def _back(customer_id: uuid.UUID, words: str, kind: str = "done") -> ResponseReturnValue:
    toasts.show(kind, words)
    return redirect(url_for("customers.detail", customer_id=customer_id), 303)


def _empty(kind: type[StrEnum]) -> ReasonForm:
    return ReasonForm(kind, formdata=None)


@bp.get("/<uuid:customer_id>/ask/<any(phone, name):what>")
@permit(P.CUSTOMERS_REVEAL)
def ask_reveal(customer_id: uuid.UUID, what: str) -> ResponseReturnValue:
    action = url_for("customers.reveal", customer_id=customer_id, what=what)
    return _ask(customer_id, P.CUSTOMERS_REVEAL, QUESTIONS[Revealed(what)], _empty(RevealReason), action)


@bp.post("/<uuid:customer_id>/reveal/<any(phone, name):what>")
@permit(P.CUSTOMERS_REVEAL)
def reveal(customer_id: uuid.UUID, what: str) -> ResponseReturnValue:
    form, field = ReasonForm(RevealReason), Revealed(what)
    if not form.validate_on_submit():
        action = url_for("customers.reveal", customer_id=customer_id, what=what)
        return _ask(customer_id, P.CUSTOMERS_REVEAL, QUESTIONS[field], form, action), REFUSED
    service.throttle_reveals(current_actor())
    person, value = service.reveal(current_actor(), customer_id, field, RevealReason(form.reason.data), form.note_text)
    is_phone = field is Revealed.PHONE
    mask, shown = (mask_phone(value), spaced_phone(value)) if is_phone else (mask_name(value), value)
    template = "customers/revealed_value.html" if fragment_requested() else "customers/revealed.html"
    response = make_response(
        render_template(
            template, title=QUESTIONS[field].title, value=shown, mask=mask, customer_id=person.id, seconds=SHOWN_SECONDS
        )
    )
    response.headers["Cache-Control"] = "no-store"
    if not fragment_requested():  # the page goes by itself, without scripts too
        response.headers["Refresh"] = f"{SHOWN_SECONDS}; url={url_for('customers.detail', customer_id=person.id)}"
    return response


@bp.get("/<uuid:customer_id>/sessions/<uuid:token_id>/end")
@permit(P.CUSTOMERS_SESSIONS)
def ask_end_session(customer_id: uuid.UUID, token_id: uuid.UUID) -> ResponseReturnValue:
    action = url_for("customers.end_session", customer_id=customer_id, token_id=token_id)
    return _ask(customer_id, P.CUSTOMERS_SESSIONS, END_ONE, _empty(EndReason), action)


@bp.post("/<uuid:customer_id>/sessions/<uuid:token_id>/end")
@permit(P.CUSTOMERS_SESSIONS)
def end_session(customer_id: uuid.UUID, token_id: uuid.UUID) -> ResponseReturnValue:
    form = ReasonForm(EndReason)
    if not form.validate_on_submit():
        action = url_for("customers.end_session", customer_id=customer_id, token_id=token_id)
        return _ask(customer_id, P.CUSTOMERS_SESSIONS, END_ONE, form, action), REFUSED
    ended = service.end_session(current_actor(), customer_id, token_id, EndReason(form.reason.data), form.note_text)
    return _back(customer_id, _("登录已结束。")) if ended else _back(customer_id, _("这个登录之前已经结束。"), "act")


@bp.get("/<uuid:customer_id>/sessions/end")
@permit(P.CUSTOMERS_SESSIONS)
def ask_end_sessions(customer_id: uuid.UUID) -> ResponseReturnValue:
    action = url_for("customers.end_sessions", customer_id=customer_id)
    return _ask(customer_id, P.CUSTOMERS_SESSIONS, END_ALL, _empty(EndReason), action)


@bp.post("/<uuid:customer_id>/sessions/end")
@permit(P.CUSTOMERS_SESSIONS)
def end_sessions(customer_id: uuid.UUID) -> ResponseReturnValue:
    form = ReasonForm(EndReason)
    if not form.validate_on_submit():
        action = url_for("customers.end_sessions", customer_id=customer_id)
        return _ask(customer_id, P.CUSTOMERS_SESSIONS, END_ALL, form, action), REFUSED
    count = service.end_sessions(current_actor(), customer_id, EndReason(form.reason.data), form.note_text)
    return _back(customer_id, _("已结束 %(n)s 个登录。", n=count))


@bp.get("/<uuid:customer_id>/freeze")
@permit(P.CUSTOMERS_FREEZE)
def ask_freeze(customer_id: uuid.UUID) -> ResponseReturnValue:
    action = url_for("customers.freeze", customer_id=customer_id)
    return _ask(customer_id, P.CUSTOMERS_FREEZE, FREEZE, _empty(FreezeReason), action)


@bp.post("/<uuid:customer_id>/freeze")
@permit(P.CUSTOMERS_FREEZE)
def freeze(customer_id: uuid.UUID) -> ResponseReturnValue:
    form = ReasonForm(FreezeReason)
    if not form.validate_on_submit():
        action = url_for("customers.freeze", customer_id=customer_id)
        return _ask(customer_id, P.CUSTOMERS_FREEZE, FREEZE, form, action), REFUSED
    service.freeze_account(current_actor(), customer_id, FreezeReason(form.reason.data), form.note_text)
    return _back(customer_id, _("账号已冻结，全部登录已结束。"))


@bp.get("/<uuid:customer_id>/release")
@permit(P.CUSTOMERS_FREEZE)
def ask_release(customer_id: uuid.UUID) -> ResponseReturnValue:
    action = url_for("customers.release", customer_id=customer_id)
    return _ask(customer_id, P.CUSTOMERS_FREEZE, RELEASE, _empty(ReleaseReason), action)


@bp.post("/<uuid:customer_id>/release")
@permit(P.CUSTOMERS_FREEZE)
def release(customer_id: uuid.UUID) -> ResponseReturnValue:
    form = ReasonForm(ReleaseReason)
    if not form.validate_on_submit():
        action = url_for("customers.release", customer_id=customer_id)
        return _ask(customer_id, P.CUSTOMERS_FREEZE, RELEASE, form, action), REFUSED
    service.release_account(current_actor(), customer_id, ReleaseReason(form.reason.data), form.note_text)
    return _back(customer_id, _("账号已解除冻结。"))
