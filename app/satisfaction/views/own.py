"""One's own results, as sums: for whoever is rated."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from app.core.policy import Permission, current_actor, permit
from app.satisfaction.queries import own
from app.satisfaction.standing import FEWEST
from app.satisfaction.views import bp


@bp.get("/own")
@permit(Permission.SATISFACTION_OWN)
def own_results() -> ResponseReturnValue:
    return render_template("satisfaction/own.html", quarters=own.quarters(current_actor()), k=own.K, fewest=FEWEST)
