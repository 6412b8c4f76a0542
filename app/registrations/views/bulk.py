"""Safe acts on many cases at once: release claims, remind applicants. First who and what is refused, then row by row.

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

from app.core.policy import Actor, Permission, current_actor, permit
from app.core.worklist import bulk
from app.registrations import service
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
