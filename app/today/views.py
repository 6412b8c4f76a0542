"""The first page after sign-in."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.core import clock
from app.core.policy import current_actor, signed_in
from app.ui.charts import small_for
from app.ui.duties import duty_sources

bp = Blueprint("today", __name__, template_folder="templates")
PER_SOURCE = 8


@bp.get("/")
@signed_in()
def index() -> str:
    """What waits for me, oldest first; one statement per kind of work; then the small charts of what I may see."""
    actor = current_actor()
    sources = [source for source in duty_sources if actor.may(source.permission)]
    waiting = [(source, duty) for source in sources for duty in source.duties(actor, PER_SOURCE)]
    waiting.sort(key=lambda pair: pair[1].due_at or pair[1].since)
    now = clock.now()
    late = sum(1 for _source, duty in waiting if duty.due_at is not None and duty.due_at < now)
    return render_template(
        "today/index.html", sources=sources, waiting=waiting, late=late, now=now, actor=actor, smalls=small_for(actor)
    )
