"""The deciding POSTs. A refusal draws the page again with everything that was typed; success opens the next case."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import numbers
from app.core.errors import Conflict, Forbidden, Invalid, Unavailable
from app.core.policy import Actor, Permission, current_actor, permit
from app.registrations import reasons as catalogue
from app.registrations import rules, service
from app.registrations.forms import DecisionForm
from app.registrations.views import bp
from app.registrations.views.case import draw, onward
from app.ui import toasts

DECIDE, LEAD = Permission.REGISTRATIONS_DECIDE, Permission.REGISTRATIONS_LEAD
Verb = Callable[[Actor, uuid.UUID, service.Seen, service.Entered, DecisionForm], Any]


@bp.post("/<number>/approve")
@permit(DECIDE)
def approve(number: str) -> ResponseReturnValue:
    return _decided(number, _for_task("approve"), _l("已通过 %(number)s"))


@bp.post("/<number>/ask-again")
@permit(DECIDE)
def ask_again(number: str) -> ResponseReturnValue:
    return _decided(number, lambda a, i, s, e, _f: service.ask_again(a, i, s, e), _l("已要求重拍 %(number)s"))


@bp.post("/<number>/reject")
@permit(DECIDE)
def reject(number: str) -> ResponseReturnValue:
    return _decided(number, _for_task("reject"), _l("已不予通过 %(number)s"))


@bp.post("/<number>/hold")
@permit(DECIDE)
def hold(number: str) -> ResponseReturnValue:
    def verb(a: Actor, i: uuid.UUID, s: service.Seen, e: service.Entered, form: DecisionForm) -> Any:
        until = form.hold_until()
        if until is None:
            raise Invalid(_l("请选择搁置到哪一天。"), code="hold_until_invalid")
        return service.hold(a, i, s, e, until=until)

    return _decided(number, verb, _l("已搁置 %(number)s"))


@bp.post("/<number>/ask-second")
@permit(DECIDE)
def ask_second(number: str) -> ResponseReturnValue:
    verb: Verb = lambda a, i, s, e, _f: service.ask_second(a, i, s, e)
    return _decided(number, verb, _l("已请第二人看 %(number)s"), undo=False)


@bp.post("/<number>/return")
@permit(DECIDE)
def return_second(number: str) -> ResponseReturnValue:
    verb: Verb = lambda a, i, s, e, _f: service.return_second(a, i, s, e)
    return _decided(number, verb, _l("已退回 %(number)s"), undo=False)


@bp.post("/<number>/undo")
@permit(DECIDE)
def undo(number: str) -> ResponseReturnValue:
    """Within the window: the case is open again, as it was."""
    actor = current_actor()
    service.undo(actor, service.find(actor, number))
    toasts.show("done", _("已撤销，%(number)s 回到您手上。", number=number))
    return redirect(url_for(".case", number=number))


@bp.post("/<number>/release-hold")
@permit(DECIDE)
def release_hold(number: str) -> ResponseReturnValue:
    actor = current_actor()
    service.release_hold(actor, service.find(actor, number))
    toasts.show("done", _("%(number)s 已回到队列。", number=number))
    return redirect(url_for(".case", number=number))


@bp.post("/<number>/release")
@permit(LEAD)
def release(number: str) -> ResponseReturnValue:
    """A lead frees a colleague's claim."""
    actor = current_actor()
    service.release_for_lead(actor, service.find(actor, number, LEAD))
    toasts.show("done", _("%(number)s 已回到队列。", number=number))
    return redirect(url_for(".case", number=number))


def _for_task(verdict: str) -> Verb:
    """Approve and reject mean the task that the page showed; the table refuses when it has changed."""

    def verb(a: Actor, i: uuid.UUID, s: service.Seen, e: service.Entered, form: DecisionForm) -> Any:
        if form.task.data == "awaiting_second":
            return service.decide_second(a, i, s, e, verdict=verdict)
        if form.task.data == "appealed":
            return service.decide_appeal(a, i, s, e, verdict=verdict)
        return (service.approve if verdict == "approve" else service.reject)(a, i, s, e)

    return verb


def _decided(number: str, verb: Verb, words: Any, *, undo: bool = True) -> ResponseReturnValue:
    actor, form = current_actor(), DecisionForm()
    registration_id = service.find(actor, number)
    try:
        if not form.validate():
            raise Invalid(fields=dict(form.errors))
        done = verb(actor, registration_id, form.seen(), form.entered(catalogue.current()), form)
    except (Conflict, Invalid, Forbidden, Unavailable) as refusal:
        return draw(actor, number, form, refusal)
    if done.registration.status == "awaiting_second" and done.event.rules:
        told = "、".join(str(rules.WORDS[code]) for code in done.event.rules)
        toasts.show("act", _("按规则须第二人看 %(number)s：%(why)s。", number=number, why=told))
    else:
        undo_url = url_for(".undo", number=number) if undo else None
        toasts.show("done", str(words) % {"number": number}, undo_url, numbers.get("undo_seconds") if undo else None)
    return onward(actor)
