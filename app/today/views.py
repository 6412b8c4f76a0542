"""The first page after sign-in."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.core import calendar, clock
from app.core.policy import Actor, Permission, current_actor, signed_in
from app.ui.charts import small_for
from app.ui.duties import counted, duty_sources

bp = Blueprint("today", __name__, template_folder="templates")
PER_SOURCE = 8
# who can do something about a calendar that ends: load the next year, or see to it that somebody does
ANSWERABLE = (Permission.SETTINGS_MANAGE, Permission.TICKETS_LEAD, Permission.REGISTRATIONS_LEAD)


@bp.get("/")
@signed_in()
def index() -> str:
    """What waits for me, oldest first; one statement per kind of work; then the small charts of what I may see.

    Deadlines read in working time, as in the lists.
    """
    actor, now, office = current_actor(), clock.now(), _office()
    sources = [source for source in duty_sources if actor.may(source.permission)]
    waiting = [counted(s, duty, office, now) for s in sources for duty in s.duties(actor, PER_SOURCE)]
    waiting.sort(key=lambda one: one.duty.due_at or one.duty.since)
    late = sum(1 for one in waiting if one.duty.due_at is not None and one.duty.due_at < now)
    return render_template(
        "today/index.html", sources=sources, waiting=waiting, late=late, now=now, actor=actor, smalls=small_for(actor),
        days_left=_days_left(actor, office),
    )  # fmt: skip


def _office() -> calendar.WorkCalendar | None:
    """None while nothing is loaded: deadlines are then told by the wall clock."""
    try:
        return calendar.current()
    except calendar.CalendarMissing:
        return None


def _days_left(actor: Actor, office: calendar.WorkCalendar | None) -> int | None:
    """Loaded working days ahead where they are too few and the reader can act on it, else None."""
    days = office.days_left(clock.today()) if office is not None else 0
    return days if days < calendar.DAYS_WARNING and any(map(actor.may, ANSWERABLE)) else None
