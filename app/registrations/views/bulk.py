"""Safe acts on many cases at once: assign, release, remind. First who and what is refused, then row by row.

Deciding is not among them, on purpose: nobody looks at two badges at once.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.errors import Invalid
from app.core.policy import Actor, Permission, current_actor, permit
from app.core.worklist import bulk
from app.registrations import service
from app.registrations.queries import team
from app.registrations.queries.queue import QUEUE
from app.registrations.views import bp

LEAD = Permission.REGISTRATIONS_LEAD


@dataclass(frozen=True, slots=True)
class Kind:
    """One bulk act: its title, the button's words, and what it does to one row."""

    title: Any
    word: Any
    act: Callable[[Actor, uuid.UUID], Any]


def _release(actor: Actor, registration_id: uuid.UUID) -> Any:
    return _("原由 %(who)s 处理", who=service.release_claim(actor, registration_id))


def _remind(actor: Actor, registration_id: uuid.UUID) -> Any:
    row = service.remind(actor, registration_id)
    return row.hospital_text


KINDS = {
    "release": Kind(_l("批量释放占用"), _l("释放占用"), _release),
    "remind": Kind(_l("批量提醒补拍"), _l("发送提醒"), _remind),
}


@bp.post("/bulk-release")
@permit(LEAD)
def bulk_release() -> ResponseReturnValue:
    return _preview("release")


@bp.post("/bulk-remind")
@permit(LEAD)
def bulk_remind() -> ResponseReturnValue:
    return _preview("remind")


@bp.post("/bulk-assign")
@permit(LEAD)
def bulk_assign() -> ResponseReturnValue:
    """Without a receiver the page asks for one; with one it says what that person cannot take."""
    actor = current_actor()
    picked = bulk.picked(QUEUE, actor, request.form)
    chosen = _receiver(actor)
    act = (lambda row_id: _assign(actor, row_id, chosen)) if chosen is not None else (lambda _row_id: None)
    return render_template(
        "registrations/bulk_assign.html",
        report=bulk.rehearse(QUEUE, picked, act),
        title=_("批量指派"),
        chosen=chosen,
        members=team.members(actor, Permission.REGISTRATIONS_DECIDE),
        action_url=url_for(".bulk_assign_run" if chosen is not None else ".bulk_assign"),
        action_word=_("指派") if chosen is not None else _("看谁能接"),
    )


@bp.post("/bulk-assign/run")
@permit(LEAD)
def bulk_assign_run() -> ResponseReturnValue:
    actor, chosen = current_actor(), _receiver(current_actor())
    if chosen is None:
        raise Invalid(_l("请选择交给谁。"), code="receiver_required")
    picked = bulk.picked(QUEUE, actor, request.form)
    report = bulk.carry_out(QUEUE, picked, lambda row_id: _assign(actor, row_id, chosen))
    return render_template("ui/bulk_result.html", report=report, title=_("批量指派"))


def _receiver(actor: Actor) -> team.Member | None:
    wanted = request.form.get("to", "")
    if not wanted:
        return None
    found = next((one for one in team.members(actor, Permission.REGISTRATIONS_DECIDE) if str(one.id) == wanted), None)
    if found is None:
        raise Invalid(_l("没有这位审核员，或不在您的组里。"), code="receiver_unknown")
    return found


def _assign(actor: Actor, registration_id: uuid.UUID, chosen: team.Member) -> Any:
    service.assign(actor, registration_id, to_id=chosen.id)
    return _("交给 %(name)s", name=chosen.name)


@bp.post("/bulk-run/<any(release, remind):kind>")
@permit(LEAD)
def bulk_run(kind: str) -> ResponseReturnValue:
    """What the preview named, each row with the version it had there."""
    actor, chosen = current_actor(), KINDS[kind]
    picked = bulk.picked(QUEUE, actor, request.form)
    report = bulk.carry_out(QUEUE, picked, lambda row_id: chosen.act(actor, row_id))
    return render_template("ui/bulk_result.html", report=report, title=chosen.title)


def _preview(kind: str) -> ResponseReturnValue:
    actor, chosen = current_actor(), KINDS[kind]
    picked = bulk.picked(QUEUE, actor, request.form)
    report = bulk.rehearse(QUEUE, picked, lambda row_id: chosen.act(actor, row_id))
    return render_template(
        "ui/bulk_preview.html",
        report=report,
        title=chosen.title,
        action_url=url_for(".bulk_run", kind=kind),
        action_word=chosen.word,
    )
