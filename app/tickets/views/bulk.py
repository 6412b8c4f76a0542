"""Safe acts on many tickets at once: take, give back, remind. First who is refused and why, then row by row.

Nothing is decided in bulk: priority, rejection and merging need somebody who has read the report.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from app.core.policy import Actor, Permission, current_actor, permit
from app.core.worklist import bulk
from app.tickets.queries.queue import QUEUE
from app.tickets.service import many
from app.tickets.views import bp

TRIAGE = Permission.TICKETS_TRIAGE


@dataclass(frozen=True, slots=True)
class Kind:
    """One bulk act: its title, the button's words, and what it does to one row."""

    title: Any
    word: Any
    act: Callable[[Actor, uuid.UUID], Any]


KINDS = {
    "claim": Kind(_l("批量接手分诊"), _l("接手"), many.take),
    "release": Kind(_l("批量放回队列"), _l("放回队列"), many.give_back),
    "remind": Kind(_l("批量提醒用户"), _l("发送提醒"), many.remind),
}


@bp.post("/bulk-claim")
@permit(TRIAGE)
def bulk_claim() -> ResponseReturnValue:
    return _preview("claim")


@bp.post("/bulk-release")
@permit(TRIAGE)
def bulk_release() -> ResponseReturnValue:
    return _preview("release")


@bp.post("/bulk-remind")
@permit(TRIAGE)
def bulk_remind() -> ResponseReturnValue:
    return _preview("remind")


@bp.post("/bulk-run/<any(claim, release, remind):kind>")
@permit(TRIAGE)
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
    run = url_for(".bulk_run", kind=kind)
    return render_template(
        "ui/bulk_preview.html", report=report, title=chosen.title, action_url=run, action_word=chosen.word
    )
