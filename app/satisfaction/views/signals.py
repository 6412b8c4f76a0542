"""Signs of manipulation that the worker's last run told: hints, each with n and p, and the ratings behind it."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from app.core.policy import Permission, current_actor, permit
from app.satisfaction.looks import FALSE_SHARE
from app.satisfaction.queries import hints
from app.satisfaction.service.looks import WINDOW
from app.satisfaction.views import bp
from app.satisfaction.words import SIGNALS
from app.tickets.triage import MODE_LABELS


@bp.get("/signals")
@permit(Permission.SATISFACTION_AUDIT)
def signals() -> ResponseReturnValue:
    run, looks = hints.looks(current_actor())
    return render_template(
        "satisfaction/signals.html", run=run, looks=looks, words=SIGNALS, kinds=MODE_LABELS, days=WINDOW.days,
        percent=round(100 * FALSE_SHARE),
    )  # fmt: skip
