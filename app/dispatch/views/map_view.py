"""The map: there only where a host of tiles is configured, and allowed to be called by this page alone.

Nothing needs it: what it shows stands in two lists beside it.
"""

from __future__ import annotations

import json

from flask import current_app, make_response, render_template, request
from flask.typing import ResponseReturnValue

import config
from app.core.errors import NotFound
from app.core.policy import Permission, current_actor, permit
from app.core.web import CSP
from app.dispatch.forms import OfferForm
from app.dispatch.queries import places
from app.dispatch.views import bp
from app.dispatch.views.look import look_at

DISPATCH = Permission.TICKETS_DISPATCH


@bp.get("/map")
@permit(DISPATCH)
def map_page() -> ResponseReturnValue:
    settings: config.Settings = current_app.extensions["settings"]
    if not settings.tile_url:
        raise NotFound()
    actor, number = current_actor(), request.args.get("ticket", "")
    waiting = places.waiting(actor)
    seen = look_at(actor, number, OfferForm(formdata=request.args)) if number else None
    people = places.candidates(seen.table if seen else None)
    marks = [
        {"kind": kind, "name": one.name, "words": one.words, "at": [one.lat, one.lon]}
        for kind, found in (("ticket", waiting), ("person", people)) for one in found if one.lat is not None
    ]  # fmt: skip
    tiles = {"url": settings.tile_url, "credit": settings.tile_credit}
    page = render_template(
        "dispatch/map.html", waiting=waiting, people=people, number=number,
        data=json.dumps({"marks": marks, "tiles": tiles, "chosen": number}),
    )  # fmt: skip
    answer = make_response(page)
    answer.headers["Content-Security-Policy"] = CSP.replace("img-src 'self'", f"img-src 'self' {settings.tile_origin}")
    return answer
