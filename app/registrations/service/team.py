"""The reviewers as a team: who may hold how many, who is away, who may be given a case."""

from __future__ import annotations

import uuid
from datetime import date

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock, numbers
from app.core.db import db
from app.core.errors import Conflict, Invalid, NotFound
from app.core.policy import Actor, Permission
from app.registrations.models import Absence, Registration, ReviewerLimit
from app.registrations.queries import team
from app.registrations.service.record import NO_LEASE

LEAD = Permission.REGISTRATIONS_LEAD
CAP_FLOOR, CAP_CEILING = 1, 10
LONGEST_DAYS = 365


def limit_of(staff_id: uuid.UUID | None) -> int:
    """How many cases this person may hold: the lead's number, else the business number."""
    own = db.session.scalar(sa.select(ReviewerLimit.open_cases).where(ReviewerLimit.staff_id == staff_id))
    return own if own is not None else numbers.get("open_leases")


def refuse_absent(actor: Actor) -> None:
    """Whoever is away gets nothing new. Raises Conflict."""
    if db.session.scalar(sa.select(sa.exists(team.away_today(actor.id)))):
        raise Conflict(_l("您今天登记为不在岗，不会分到新件。"), code="absent")


def set_limit(actor: Actor, staff_id: uuid.UUID, open_cases: int | None) -> None:
    """Set one reviewer's number of open cases, or None for the common one. Raises Invalid, NotFound, Forbidden."""
    team.member(actor, staff_id)
    row = db.session.scalars(sa.select(ReviewerLimit).where(ReviewerLimit.staff_id == staff_id)).one_or_none()
    if open_cases is None:
        if row is not None:
            db.session.delete(row)
    elif not CAP_FLOOR <= open_cases <= CAP_CEILING:
        message = _l("请输入 %(floor)s 到 %(ceiling)s 之间的数值。", floor=CAP_FLOOR, ceiling=CAP_CEILING)
        raise Invalid(message, code="limit_invalid", fields={"open_cases": [message]})
    else:
        if row is None:
            row = ReviewerLimit(staff_id=staff_id)
            db.session.add(row)
        row.open_cases, row.set_by, row.set_at = open_cases, actor.id, clock.now()
    db.session.flush()
    audit.record("reviewer.limit_set", actor, "staff_account", staff_id)


def set_absence(actor: Actor, staff_id: uuid.UUID, first_day: date | None, last_day: date | None) -> Absence:
    """Note days away, both ends included. What the person holds goes back once they begin: at once when that is today.

    Raises Invalid (missing, backwards, over, too long), Conflict (``absence_overlaps``), NotFound, Forbidden.
    """
    team.member(actor, staff_id)
    if first_day is None or last_day is None:
        raise Invalid(_l("请填写从哪天到哪天。"), code="absence_days", fields={"first_day": [_l("请填写。")]})
    if last_day < first_day or last_day < clock.today() or (last_day - first_day).days > LONGEST_DAYS:
        message = _l("结束日不能早于开始日，也不能早于今天；最长一年。")
        raise Invalid(message, code="absence_days", fields={"last_day": [message]})
    same = Absence.staff_id == staff_id, Absence.cancelled_at.is_(None)
    overlaps = sa.select(Absence.id).where(*same, Absence.first_day <= last_day, Absence.last_day >= first_day)
    if db.session.execute(overlaps).first() is not None:
        raise Conflict(_l("这几天已登记过不在岗。"), code="absence_overlaps")
    row = Absence(
        staff_id=staff_id, first_day=first_day, last_day=last_day, set_by=actor.id, set_at=clock.now()
    )  # fmt: skip
    db.session.add(row)
    audit.record("reviewer.absence_set", actor, "staff_account", staff_id)
    if first_day <= clock.today():
        let_go(actor, staff_id)
    db.session.flush()
    return row


def cancel_absence(actor: Actor, absence_id: uuid.UUID) -> None:
    """The person is there after all. Raises NotFound, Forbidden."""
    row = db.session.get(Absence, absence_id)
    if row is None or row.cancelled_at is not None:
        raise NotFound()
    team.member(actor, row.staff_id)
    row.cancelled_at = clock.now()
    audit.record("reviewer.absence_cancelled", actor, "staff_account", row.staff_id)
    db.session.flush()


def let_go(actor: Actor, staff_id: uuid.UUID) -> int:
    """Everything a person holds or was given returns to the queue. Returns how many leases were live."""
    mine = sa.or_(Registration.lease_staff_id == staff_id, Registration.passed_to_id == staff_id)
    live = 0
    for row in db.session.scalars(sa.select(Registration).where(mine).with_for_update()).all():
        if row.lease_staff_id == staff_id:
            live += row.leased(clock.now())
        elif row.leased(clock.now()):  # given to this person, but a lead looks at it: only the name comes off
            row.passed_to_id = row.passed_until = None
            continue
        for name, value in NO_LEASE.items():
            setattr(row, name, value)
        audit.record("registration.claim_released", actor, "registration", row.id)
    db.session.flush()
    return live
