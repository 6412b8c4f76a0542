"""Row 19 for a repair on the spot: the parts are here, and the same person comes again."""

from __future__ import annotations

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict
from app.core.policy import Actor
from app.dispatch.eligibility import Span, contract_for, plan_of
from app.dispatch.service import reach
from app.dispatch.service.follow import plan_again
from app.dispatch.service.prove import recheck
from app.tickets.models import PartLine, Ticket
from app.tickets.service import field


def resume(actor: Actor, number: str, version: int, span: Span | None, *, call_first: bool = False) -> Ticket:
    """Every line that was waited for has arrived; the window must suit whoever goes, as an offer's must.

    Raises Conflict when somebody was faster, NotEligible, Invalid without a window or a call.
    """
    row = reach.ticket(actor, number)
    reach.expect(row, version)
    found, now = reach.live(row), clock.now()
    if found is None:
        raise Conflict(_l("这次上门已经不在计划中。"), what=row.status)
    window = None
    if span is not None and not call_first:
        window = (span.since, span.until)
        if span.until > now:
            reach.hold_assignee(found.assignee_id)
            plan = plan_of(span)
            covering = contract_for(recheck(row, found, plan, now).candidate, plan)
            found.contract_id = covering.id if covering else found.contract_id
    field.resume_visit(actor, row.id, window, call_first=call_first)
    arrived = sa.update(PartLine).where(PartLine.ticket_id == row.id, PartLine.state == "wanted")
    arrived = arrived.values(state="arrived", arrived_at=now)
    db.session.execute(arrived.execution_options(synchronize_session=False))
    plan_again(row, found)
    return row
