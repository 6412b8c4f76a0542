"""Legal holds: proposed by one person, approved by another, with an end date; they end by themselves.

A hold does not move the date on which a photo is due: it stands beside it (``StoredFile.held_until``), so that every
decision goes on setting dates as if there were none, and ending a hold early needs no arithmetic.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock, jobs, numbers
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.errors import Conflict, Invalid, NotFound, TransitionRefused
from app.core.files import StoredFile
from app.core.policy import SYSTEM, Actor
from app.registrations.images.models import BadgeHold
from app.registrations.images.queries import live_hold
from app.registrations.images.workflow import HOLD, HoldStatus, workflow
from app.registrations.models import Registration
from app.registrations.queries.case import row_by_number
from app.registrations.service import erasure
from app.registrations.task import refuse_own

REASON_MAX = 300
LAPSE = "registrations.lapse_holds"
EVERY = timedelta(minutes=10)


def propose(actor: Actor, number: str, reason: str, until: date | None) -> BadgeHold:
    """Ask for the photos to stay to the end of ``until`` (China). Raises Invalid, Conflict (one is live), NotFound."""
    row = _row(actor, number)
    fields = {}
    last = clock.today() + timedelta(days=numbers.get("legal_hold_max_days"))
    if until is None or not clock.today() < until <= last:
        fields["until"] = [_l("截止日期须在明天到 %(day)s 之间。", day=last.isoformat())]
    if not reason.strip() or len(reason) > REASON_MAX:
        fields["reason"] = [_l("请写明依据，最多 %(n)s 个字。", n=REASON_MAX)]
    if fields or until is None:
        raise Invalid(fields=fields)
    if not _present(row):
        raise TransitionRefused(_l("照片已按期删除，没有可保留的内容。"), code="nothing_to_hold")
    found = live_hold(row)
    if found is not None and _settle(found) != HoldStatus.ENDED:
        raise Conflict(
            _l("已有一项保留在办理或生效中。"), code="hold_exists", who=found.proposed_name, when=found.proposed_at
        )
    made = BadgeHold(
        registration_id=row.id,
        subject_id=row.subject_id,
        status=workflow.find(None, "propose_hold").target.value,
        ends_at=datetime.combine(until + timedelta(days=1), time.min, SHANGHAI),
        reason=reason.strip(),
        proposed_by=actor.id,
        proposed_name=actor.name,
        proposed_at=clock.now(),
    )
    db.session.add(made)
    db.session.flush()
    audit.record("badge_hold.proposed", actor, "badge_hold", made.id)
    return made


def approve(actor: Actor, number: str) -> BadgeHold:
    """Another person agrees: from now on no photo of the case goes before the end. Raises Forbidden, Conflict."""
    row = _row(actor, number)
    if not _present(row):
        raise TransitionRefused(_l("照片已按期删除，没有可保留的内容。"), code="nothing_to_hold")
    hold = _open(row)
    said = {"answered_name": actor.name, "answered_at": clock.now(), "wakes_at": hold.ends_at}
    workflow.fire(hold, "approve_hold", actor, changes=said)
    erasure.apply_hold(row)
    return hold


def refuse(actor: Actor, number: str) -> BadgeHold:
    """Not agreed, or taken back by the one who proposed."""
    hold = _open(_row(actor, number))
    workflow.fire(hold, "refuse_hold", actor, changes={"answered_name": actor.name, "answered_at": clock.now()})
    return hold


def end(actor: Actor, number: str) -> BadgeHold:
    """End it before its date: photos whose time is over go at once."""
    row = _row(actor, number)
    hold = _open(row)
    workflow.fire(hold, "end_hold", actor, changes={"ended_name": actor.name, "ended_at": clock.now()})
    erasure.apply_hold(row)
    return hold


def lapse_due(limit: int = 100) -> int:
    """Write down the holds that are over; reading has known since. Returns how many."""
    due = sa.select(BadgeHold).where(BadgeHold.status == HoldStatus.ACTIVE, BadgeHold.wakes_at <= clock.now())
    rows = db.session.scalars(due.order_by(BadgeHold.wakes_at).limit(limit).with_for_update(skip_locked=True)).all()
    for hold in rows:
        _settle(hold)
    return len(rows)


def _settle(hold: BadgeHold) -> str:
    """The status now; what time has changed is written down with the instant at which it became true."""
    at = hold.wakes_at
    if hold.status == HoldStatus.ACTIVE and at is not None and at <= clock.now():
        workflow.fire(hold, "lapse_hold", SYSTEM, at=at, changes={"ended_at": at})
    return hold.status


def _row(actor: Actor, number: str) -> Registration:
    """The registration, locked, so that two people answer one after the other; nobody on his own case."""
    row = row_by_number(actor, number, HOLD)
    refuse_own(actor, row)
    db.session.refresh(row, with_for_update=True)
    return row


def _open(row: Registration) -> BadgeHold:
    hold = live_hold(row)
    if hold is None or _settle(hold) == HoldStatus.ENDED:
        raise NotFound(_l("没有等待处理或生效中的保留。"))
    return hold


def _present(row: Registration) -> bool:
    """Whether any photo of the case can still be read."""
    files = sa.select(StoredFile).where(StoredFile.id.in_(erasure.files_of(row)))
    return any(not stored.gone(clock.now()) for stored in db.session.scalars(files))


def install() -> None:
    @jobs.handler(LAPSE)
    def _lapse(_payload: dict[str, object]) -> None:
        lapse_due()

    jobs.every(LAPSE, EVERY)
