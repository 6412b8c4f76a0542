"""The board `/dispatch`: what waits at the left, the week of people in the middle, who can take the chosen ticket at
the right. A look reads; every act is a form that the rule engine judges again."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import current_app, render_template, request
from flask.typing import ResponseReturnValue

from app.core import clock
from app.core.errors import Invalid
from app.core.policy import Permission, current_actor, permit
from app.dispatch.eligibility import half_plans
from app.dispatch.forms import OfferForm
from app.dispatch.queries import board as reads
from app.dispatch.queries import week as weeks
from app.dispatch.queries.pool import provinces_of
from app.dispatch.service.tell import window_words
from app.dispatch.views import bp
from app.dispatch.views.candidates import acts_in
from app.dispatch.views.look import Look, board_state, day_in, look_at, words_for
from app.tickets.triage import FAULT_CLASSES
from app.tickets.words import PRIORITY_CHIPS

DISPATCH = Permission.TICKETS_DISPATCH
PAGES_MAX = 50
NOT_SHOWN = 8  # excluded people in the panel; the candidate page has all


@bp.get("")
@permit(DISPATCH)
def board() -> ResponseReturnValue:
    actor, now, args = current_actor(), clock.now(), request.args
    state = board_state(args)
    choices = dict(provinces_of(actor))
    province = state.get("province", "") if state.get("province", "") in choices else ""
    kind = state.get("kind", "") if state.get("kind") in ("engineer", "dealer") else ""
    waiting = reads.pool(actor, province)
    named = args.get("ticket", "")
    number = named or (waiting[0].number if waiting else "")
    first = next((one.starts_at for one in waiting if one.number == number), None)
    seen = look_at(actor, number, OfferForm(formdata=args), first=first, held=True) if number else None
    day = day_in(state.get("week", "")) or (seen.plan.day if seen else half_plans(now, 1)[0].day)
    week = weeks.week_of(day, now)
    found = reads.people(actor, province, kind, week.span, _page(state))
    return render_template(
        "dispatch/board.html", waiting=waiting, week=week, state=state, back=urlencode(state), now=now,
        groups=weeks.groups(found.lanes, week, now, seen.table if seen else None, province), people=found,
        province=province, kind=kind, choices=choices, named=named, chosen=number, seen=seen,
        priorities=PRIORITY_CHIPS, faults=FAULT_CLASSES,
        has_map=bool(current_app.extensions["settings"].tile_url), **_panel(seen, actor),
    )  # fmt: skip


def _page(state: dict[str, str]) -> int:
    page = state.get("page", "0")
    return min(int(page), PAGES_MAX) if page.isdecimal() else 0


def _panel(seen: Look | None, actor: Any) -> dict[str, Any]:
    if seen is None:
        return {}
    return {
        "job": seen.job, "table": seen.table, "plan": seen.plan, "held": seen.held, "acts": acts_in(seen.job.status),
        "words": window_words, "may": actor.may, "excluded": seen.table.excluded[:NOT_SHOWN] if seen.table else (),
        **words_for(seen.job),
    }  # fmt: skip


@bp.get("/changes")
@permit(DISPATCH)
def changes() -> ResponseReturnValue:
    """Whether anything waiting or planned has changed since the page was drawn (``seen``): a bar, else 204."""
    seen, now = request.args.get("seen", "")[:80], reads.changes(current_actor())
    if seen == now:
        return "", 204
    try:
        more = reads.waiting_in(now) - reads.waiting_in(seen)
    except ValueError as error:
        raise Invalid() from error
    return render_template(
        "dispatch/changed.html", more=more, state=board_state(request.args), ticket=request.args.get("ticket", "")[:20]
    )
