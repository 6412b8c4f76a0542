"""Acts on many tickets: offer to the best ones or to one person, take offers back, give an absent colleague's visits to
others. First what is needed, then who is refused and why, then row by row."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from app.core.errors import Invalid
from app.core.policy import Actor, Permission, current_actor, permit
from app.core.worklist import bulk
from app.dispatch.queries.board import names
from app.dispatch.queries.pool import POOL
from app.dispatch.service import many
from app.dispatch.views import bp
from app.dispatch.words import OVERRIDE_REASONS, RECALL_REASONS

DISPATCH = Permission.TICKETS_DISPATCH
BEST = "best"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen for all rows."""

    to: str = ""
    reason: str = ""
    note: str = ""

    @property
    def person(self) -> uuid.UUID | None:
        """None: each ticket's best one. Raises Invalid on anything that is no person."""
        if self.to == BEST:
            return None
        try:
            return uuid.UUID(self.to)
        except ValueError as error:
            raise Invalid(_l("没有这位人员。"), code="receiver_unknown") from error


@dataclass(frozen=True, slots=True)
class Kind:
    """One act: its title, the button's words, and what it does to one row with what the form chose."""

    title: Any
    word: Any
    act: Callable[[Actor, uuid.UUID, Chosen], Any]


KINDS = {
    "offer": Kind(_l("批量派单"), _l("派单"), lambda a, i, c: many.offer(a, i, c.person, c.reason, c.note)),
    "recall": Kind(_l("批量撤回派单"), _l("撤回派单"), lambda a, i, c: many.recall(a, i, c.reason)),
    "reassign": Kind(_l("改派缺勤人员的工单"), _l("改派"), lambda a, i, _c: many.reassign(a, i)),
}


@bp.post("/bulk-offer")
@permit(DISPATCH)
def bulk_offer() -> ResponseReturnValue:
    return _preview("offer")


@bp.post("/bulk-recall")
@permit(DISPATCH)
def bulk_recall() -> ResponseReturnValue:
    return _preview("recall")


@bp.post("/bulk-reassign")
@permit(DISPATCH)
def bulk_reassign() -> ResponseReturnValue:
    return _preview("reassign")


@bp.post("/bulk-run/<any(offer, recall, reassign):kind>")
@permit(DISPATCH)
def bulk_run(kind: str) -> ResponseReturnValue:
    """What the preview named, each row with the version it had there."""
    actor, chosen, act = current_actor(), _chosen(), KINDS[kind]
    if not _complete(kind, chosen):
        raise Invalid(_l("请先选择。"), code="choice_required")
    picked = bulk.picked(POOL, actor, request.form)
    report = bulk.carry_out(POOL, picked, lambda row_id: act.act(actor, row_id, chosen))
    return render_template("ui/bulk_result.html", report=report, title=act.title)


def _preview(kind: str) -> ResponseReturnValue:
    """Without what the act needs the page asks for it; with it, it says what each row would say."""
    actor, chosen, act = current_actor(), _chosen(), KINDS[kind]
    ready = _complete(kind, chosen)
    if ready and kind == "offer" and chosen.person is not None and chosen.to not in dict(names(actor)):
        raise Invalid(_l("没有这位人员。"), code="receiver_unknown")
    picked = bulk.picked(POOL, actor, request.form)
    report = bulk.rehearse(POOL, picked, lambda row_id: act.act(actor, row_id, chosen) if ready else None)
    return render_template(
        "dispatch/bulk.html", report=report, title=act.title, kind=kind, ready=ready, chosen=chosen,
        people=names(actor) if kind == "offer" else (), overrides=OVERRIDE_REASONS, reasons=RECALL_REASONS, best=BEST,
        action_url=url_for(".bulk_run", kind=kind) if ready else url_for(f".bulk_{kind}"),
        action_word=act.word if ready else _l("看名单"),
    )  # fmt: skip


def _chosen() -> Chosen:
    form = request.form
    return Chosen(form.get("to", "")[:40], form.get("reason", "")[:32], form.get("override_note", "")[:200])


def _complete(kind: str, chosen: Chosen) -> bool:
    return {"offer": bool(chosen.to), "recall": bool(chosen.reason)}.get(kind, True)
