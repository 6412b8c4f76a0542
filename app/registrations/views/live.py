"""What the open page asks by itself: prolong the claim, has anything changed, what comes next."""

from __future__ import annotations

from flask import jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import clock
from app.core.policy import Permission, current_actor, permit
from app.registrations import service
from app.registrations.forms import DecisionForm
from app.registrations.queries import case as cases
from app.registrations.views import bp
from app.registrations.views.case import draw
from app.registrations.views.timeline import BY_KIND, WORDS

DECIDE = Permission.REGISTRATIONS_DECIDE


@bp.post("/<number>/lease")
@permit(DECIDE)
def renew(number: str) -> ResponseReturnValue:
    """Prolong the claim while somebody works on the page; JSON for the page's script."""
    actor, form = current_actor(), DecisionForm()
    until = service.renew_lease(actor, service.find(actor, number), form.lease_token.data or "")
    local = until.astimezone(clock.SHANGHAI)
    return jsonify(until=local.isoformat(timespec="seconds"), words=_("占用至 %(time)s", time=f"{local:%H:%M}"))


@bp.get("/<number>/pulse")
@permit(Permission.REGISTRATIONS_READ)
def pulse(number: str) -> ResponseReturnValue:
    """Whether the case is still what the page shows (``version``, ``mine``): who, what, when in words; else 204."""
    actor = current_actor()
    row = cases.row_by_number(actor, number)
    same = request.args.get("version", "") == str(row.version)
    if same and ("mine" not in request.args or cases.holds_lease(actor, row, clock.now())):
        return "", 204
    if same:
        who = row.lease_name if row.leased(clock.now()) else None
        return jsonify(what=_("这一件不再由您处理"), who=who, at=None)
    event = cases.events(row)[0]
    who = event.by_name or str(BY_KIND.get(event.by_kind, ""))
    at = event.at.astimezone(clock.SHANGHAI)
    return jsonify(what=str(WORDS.get(event.action, event.action)), who=who, at=f"{at:%m-%d %H:%M}")


@bp.post("/<number>/refresh")
@permit(DECIDE)
def refresh(number: str) -> ResponseReturnValue:
    """The page as things are now, with everything that was typed."""
    return draw(current_actor(), number, DecisionForm())


@bp.post("/<number>/ahead")
@permit(DECIDE)
def ahead(number: str) -> ResponseReturnValue:
    """Claim the case after this one, so that its badge is loaded before it is asked for; 204 when there is none.

    The images are fetched like any other, each an event before its first byte; unused, `give_back` is called.
    """
    actor = current_actor()
    row = service.claim_ahead(actor, service.find(actor, number))
    if row is None:
        return "", 204
    pictures = cases.pictures_of(row)
    images = [url_for(".image", number=row.number, image_id=picture.id) for picture in pictures if not picture.gone]
    return jsonify(number=row.number, images=images)


@bp.post("/ahead/release")
@permit(DECIDE)
def give_back() -> ResponseReturnValue:
    """The page was left: what was claimed ahead returns to the queue."""
    service.release_ahead(current_actor())
    return "", 204
