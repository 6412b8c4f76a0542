"""Whether it must be reported, with reason and name; and the end of a case."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.errors import Invalid
from app.core.policy import Actor
from app.safety.models import SafetyCase
from app.safety.service import clocks
from app.safety.service.step import Seen, fire, load
from app.safety.words import OUTCOMES, REASONS_NO, REASONS_YES
from app.safety.workflow import Facts
from app.tickets.service import hold


def decide(actor: Actor, number: str, seen: Seen, report: str, reason: str, text: str) -> SafetyCase:
    """``report`` is yes or no. "No" stops every clock. Raises Invalid, NotFound, Conflict."""
    row, _ticket = load(actor, number, seen)
    if report not in ("yes", "no"):
        raise Invalid(fields={"report": [_l("请选择一项。")]})
    yes = report == "yes"
    if reason and reason not in (REASONS_YES if yes else REASONS_NO):
        raise Invalid(fields={"reason": [_l("这个原因与所选的决定不符。")]})
    now = clock.now()
    changes = {"reportable": yes, "reason": reason, "decided_at": now, "decided_by": actor.name}
    action = "decide_report" if yes else "decide_no_report"
    fire(row, action, actor, Facts(text=text, reason=reason), detail=reason, changes=changes)
    if yes:
        clocks.reckon(row, now)  # after a "no" there is none
    else:
        clocks.void(row, now)
    return row


def close(actor: Actor, number: str, seen: Seen, outcome: str, text: str) -> SafetyCase:
    """The end; the ticket is let go with it."""
    row, ticket = load(actor, number, seen)
    if outcome and outcome not in OUTCOMES:
        raise Invalid(fields={"outcome": [_l("没有这个选项。")]})
    facts = Facts(text=text, outcome=outcome, running=clocks.steps_running(row))
    fire(row, "close_case", actor, facts, detail=outcome, changes={"outcome": outcome, "closed_at": clock.now()})
    if ticket.safety_hold:
        hold.lift(actor, ticket)
    return row


def reopen(actor: Actor, number: str, seen: Seen, text: str) -> SafetyCase:
    """Something new after the end: decided again, by the clocks from the same awareness, and held again."""
    row, ticket = load(actor, number, seen)
    changes = {"outcome": "", "closed_at": None}
    fire(row, "reopen_case", actor, Facts(text=text), changes=changes)
    clocks.reckon(row, clock.now())
    if not ticket.safety_hold:
        hold.put(actor, ticket)
    return row
