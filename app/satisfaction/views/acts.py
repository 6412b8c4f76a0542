"""What an auditor does to a rating: each a POST, none of which knows a score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import DomainError, Invalid, NotFound
from app.core.policy import Permission, current_actor, permit
from app.core.unit_of_work import savepoint
from app.satisfaction.forms import AuditForm, ComplaintForm, FollowForm
from app.satisfaction.service import follow, judge
from app.satisfaction.views import bp
from app.satisfaction.views.page import cycle_asked, draw
from app.ui import toasts

AUDIT = Permission.SATISFACTION_AUDIT


@bp.post("/<number>/audit")
@permit(AUDIT)
def audit_rating(number: str) -> ResponseReturnValue:
    form = AuditForm()
    act = lambda actor: judge.give(actor, number, cycle_asked(), form.verdict(), seen=form.seen)
    return _done(number, act, _("已审核 %(number)s，分数没有改动。", number=number), audit=form)


@bp.post("/<number>/second")
@permit(AUDIT)
def second_audit(number: str) -> ResponseReturnValue:
    form = AuditForm()
    act = lambda actor: judge.give_second(actor, number, cycle_asked(), form.verdict())
    return _done(number, act, _("已记下 %(number)s 的盲复审，原结论没有改动。", number=number), audit=form)


@bp.post("/<number>/complaint")
@permit(AUDIT)
def decide_complaint(number: str) -> ResponseReturnValue:
    form = ComplaintForm()
    act = lambda actor: judge.decide(actor, number, cycle_asked(), form.said())
    return _done(number, act, _("已判定 %(number)s。", number=number), complaint=form)


@bp.post("/<number>/flag")
@permit(AUDIT)
def flag_rating(number: str) -> ResponseReturnValue:
    act = lambda actor: judge.flag(actor, number, cycle_asked())
    return _done(number, act, _("%(number)s 已列入须审核。", number=number))


@bp.post("/<number>/follow-up/take")
@permit(AUDIT)
def take_follow_up(number: str) -> ResponseReturnValue:
    act = lambda actor: follow.take(actor, number, cycle_asked())
    return _done(number, act, _("%(number)s 的回访由您负责。", number=number))


@bp.post("/<number>/follow-up/finish")
@permit(AUDIT)
def finish_follow_up(number: str) -> ResponseReturnValue:
    form = FollowForm()
    act = lambda actor: follow.finish(actor, number, cycle_asked(), form.written())
    return _done(number, act, _("已写下 %(number)s 的回访。", number=number), follow=form)


def _done(number: str, act: Callable[[Any], Any], words: str, **forms: Any) -> ResponseReturnValue:
    """Do it and go back to the page; a refusal shows the page again with all that was typed."""
    actor = current_actor()
    try:
        with savepoint():
            act(actor)
    except NotFound:
        raise
    except DomainError as refusal:
        if isinstance(refusal, Invalid):
            for form in forms.values():
                form.take(refusal)
        return draw(actor, number, refusal, **forms)
    toasts.show("done", words)
    return redirect(url_for(".page", number=number, cycle=cycle_asked()), 303)
