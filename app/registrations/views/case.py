"""The case page, what holds it (claim, hand-back, skip, saved checks), and what follows a decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from flask import Response, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import calendar, clock, counters, numbers
from app.core.errors import Conflict, DomainError
from app.core.policy import Actor, Permission, current_actor, permit
from app.notifications import words
from app.registrations import reasons as catalogue
from app.registrations import service
from app.registrations.checks import FIELDS, Verdict
from app.registrations.forms import DecisionForm, Sheet
from app.registrations.images.queries import live_hold
from app.registrations.models import Registration
from app.registrations.queries import case as cases
from app.registrations.queries.delivery import undelivered
from app.registrations.queries.queue import CHIPS, late, waiting
from app.registrations.views import bp
from app.registrations.views.briefing import briefing
from app.registrations.views.hinting import hint_facts
from app.registrations.views.sheet import pick, reason_boxes, words_in
from app.registrations.views.timeline import timeline
from app.ui import toasts
from app.ui.frame import language, url_or_none

DECIDE = Permission.REGISTRATIONS_DECIDE
INLINE = "X-Onward"  # sent by static/js/case.js, which puts the next page in place by itself


@bp.get("/<number>")
@permit(Permission.REGISTRATIONS_READ)
def case(number: str) -> ResponseReturnValue:
    return draw(current_actor(), number)


@bp.post("/<number>/claim")
@permit(DECIDE)
def claim(number: str) -> ResponseReturnValue:
    """Take this very case: leads any, others a second reading, an appeal, or what they just had."""
    actor = current_actor()
    service.claim(actor, service.find(actor, number))
    return redirect(url_for(".case", number=number))


@bp.post("/<number>/hand-back")
@permit(DECIDE)
def hand_back(number: str) -> ResponseReturnValue:
    """Give it back to the queue with what was entered; what was claimed ahead goes back too."""
    actor, form = current_actor(), DecisionForm()
    try:
        service.hand_back(actor, service.find(actor, number), form.lease_token.data or "", form.entered())
    except DomainError as refusal:
        return draw(actor, number, form, refusal)
    service.release_ahead(actor)
    toasts.show("act", _("已交回 %(number)s，填写内容保留着。", number=number))
    return go(url_for(".queue"))


@bp.post("/<number>/skip")
@permit(DECIDE)
def skip(number: str) -> ResponseReturnValue:
    """Leave it to colleagues and take the next one; it does not come straight back."""
    actor, form = current_actor(), DecisionForm()
    try:
        service.skip(actor, service.find(actor, number), form.lease_token.data or "", form.entered())
    except DomainError as refusal:
        return draw(actor, number, form, refusal)
    hours = numbers.get("skip_hours")
    toasts.show("act", _("已跳过 %(number)s，%(n)s 小时内不再分给您。", number=number, n=hours))
    return onward(actor)


@bp.post("/<number>/checks")
@permit(DECIDE)
def all_seen(number: str) -> ResponseReturnValue:
    """V without scripts: every field seen on the badge, the rest of the form kept."""
    actor, form = current_actor(), DecisionForm()
    try:
        seen = dict.fromkeys(FIELDS, Verdict.SEEN.value)
        service.check_fields(actor, service.find(actor, number), form.seen(), seen)
    except DomainError as refusal:
        return draw(actor, number, form, refusal)
    for name in FIELDS:
        form[f"check_{name}"].data = Verdict.SEEN.value
    return draw(actor, number, form)


def onward(actor: Actor) -> ResponseReturnValue:
    """What follows a decision: the next case, or the queue. A page's own script gets it in this very answer."""
    try:
        row = service.onward(actor)
    except Conflict as refusal:
        toasts.show("soon", refusal.message)
        return go(url_for(".queue"))
    if row is None:
        toasts.show("act", _("没有等您处理的件了。"))
        return go(url_for(".queue"))
    url = url_for(".case", number=row.number)
    if INLINE not in request.headers:
        return redirect(url)
    answer = draw(actor, row.number)
    answer.headers["Content-Location"] = url
    return answer


def go(url: str) -> ResponseReturnValue:
    """Another page: a redirect, or for a page's own script the address alone."""
    return redirect(url) if INLINE not in request.headers else jsonify(go=url)


def draw(actor: Actor, number: str, form: DecisionForm | None = None, refusal: DomainError | None = None) -> Response:
    """The page; after a refusal with its status, its words, and all that was typed."""
    found, reasons = cases.case(actor, number), catalogue.shown()
    sheet = Sheet.of(_kept(actor, found)) if form is None else Sheet.typed(form)  # all else is what is true now
    if sheet.until is None:
        sheet = replace(sheet, until=_tomorrow())
    if actor.may(DECIDE):
        counters.want("registrations:waiting", waiting(actor))
        counters.want("registrations:late", late(actor))
    html = render_template("registrations/case.html", **_context(actor, found, sheet, reasons, refusal))
    return make_response(html, refusal.status if refusal is not None else 200)


def _tomorrow() -> date | None:
    """The next working day; None where the calendar does not reach, and the reviewer types the day."""
    try:
        return calendar.add_working_days(clock.today(), 1)
    except calendar.CalendarMissing:
        return None


def _office_time(row: Registration, now: datetime) -> float | None:
    """Seconds of office time left; None where the calendar does not reach: the page says so and shows the date."""
    try:
        left = calendar.left(calendar.current(), row.submitted_at, row.due_at, now)
    except calendar.CalendarMissing:
        return None
    return left.seconds if left is not None else None


def _kept(actor: Actor, found: cases.Case) -> service.Entered:
    """This person's draft, else what was checked already."""
    draft = service.draft_of(actor, found.row) if found.mine and found.beside.draft else None
    known = service.Entered(checks=found.checks, ways=found.ways, badge_valid_until=found.row.badge_valid_until)
    return draft or known


def _context(
    actor: Actor, found: cases.Case, sheet: Sheet, reasons: tuple[Any, ...], refusal: DomainError | None
) -> dict[str, Any]:
    now, row = found.now, found.row
    decides = actor.may(DECIDE)
    undoable = row.decided_by == actor.id and row.effective_at is not None and row.effective_at > now
    return {
        "case": found,
        "sheet": sheet,
        "chip": CHIPS[found.status],
        "undelivered": words.error(undelivered(found)),
        **words_in(language()),
        "pick": pick,
        "reason_boxes": reason_boxes,
        "reasons": reasons,
        "staff_words": catalogue.staff_words,
        "refusal": refusal,
        "items": timeline(found, reasons),
        "due_left": _office_time(row, now),
        "due_budget": numbers.get("review_due_hours" if row.round == 1 else "resubmission_due_hours") * 3600,
        "max_rounds": numbers.get("max_rounds"),
        "claimable": cases.claimable(actor, found),
        "may_decide": decides,
        "undo_until": row.effective_at if undoable else None,
        "unknown_url": url_or_none("hospitals.unknown") if actor.may(Permission.HOSPITALS_MANAGE) else None,
        "may_lead": actor.may(Permission.REGISTRATIONS_LEAD),
        "today": clock.today(),
        "others": [c for c in service.open_cases(actor, now) if c.id != row.id and not c.lease_ahead]
        if found.mine and found.beside.others
        else [],
        **briefing(actor, found),
        **hint_facts(actor, found),
        "may_see_views": actor.may(Permission.REGISTRATIONS_VIEWS),
        "may_see_proof": actor.may(Permission.REGISTRATIONS_PROOF),
        "hold": live_hold(row) if found.beside.hold and actor.may(Permission.REGISTRATIONS_VIEWS) else None,
    }
