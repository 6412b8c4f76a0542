"""Passing a case on, to a colleague by name or to the team; and saying that one knows the applicant."""

from __future__ import annotations

import uuid
from datetime import timedelta

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, calendar, clock, numbers
from app.core.db import db
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.policy import Actor, Permission
from app.registrations.models import CasePass, Recusal, Registration
from app.registrations.queries import team as team_queries
from app.registrations.queries.scope import in_scope
from app.registrations.service import guards, lease
from app.registrations.service.facts import Entered
from app.registrations.workflow import TASKS, Status

DECIDE, LEAD = Permission.REGISTRATIONS_DECIDE, Permission.REGISTRATIONS_LEAD
NOTE_MAX = 200
PASSABLE = (*TASKS, Status.ON_HOLD)


def pass_on(
    actor: Actor, registration_id: uuid.UUID, lease_token: str, entered: Entered, *, to_id: uuid.UUID | None
) -> CasePass:
    """The holder gives the case to a colleague, or with None to whoever comes next; the note says why.

    The draft stays with the giver. Due time and clock do not change. Raises Invalid (note, receiver), Conflict (lease).
    """
    row = guards.load(actor, registration_id, permission=DECIDE)
    guards.require_lease(actor, row, lease_token)
    note = _note(entered.private_note, required=True)
    until = clock.now() + timedelta(hours=numbers.get("skip_hours"))
    lease.keep_draft(actor, row, entered, skipped_until=until)
    return _give(actor, row, to_id, note)


def assign(actor: Actor, registration_id: uuid.UUID, *, to_id: uuid.UUID, note: str = "") -> CasePass:
    """A lead gives a case to a reviewer; what a colleague looks at right now stays his.

    Raises Conflict (``claimed_by_other``, not waiting), Invalid (receiver), Forbidden, NotFound.
    """
    row = guards.load(actor, registration_id, permission=LEAD)
    if row.status not in PASSABLE:
        raise guards.lost(actor, row)
    if row.leased(clock.now()) and row.lease_staff_id not in (actor.id, to_id):
        raise guards.lost(actor, row)
    return _give(actor, row, to_id, _note(note, required=False))


def recuse(actor: Actor, registration_id: uuid.UUID) -> Recusal:
    """Say "I know this applicant": no part in any of this person's cases, now or later; said twice it counts once.

    Raises Forbidden, NotFound.
    """
    actor.require(DECIDE)
    query = sa.select(Registration).where(Registration.id == registration_id, *in_scope(actor, DECIDE))
    row = db.session.scalars(query.with_for_update()).one_or_none()
    if row is None or actor.id is None:
        raise NotFound()
    same = Recusal.staff_id == actor.id, Recusal.customer_id == row.customer_id
    found = db.session.scalars(sa.select(Recusal).where(*same)).one_or_none()
    if found is not None:
        return found
    made = Recusal(
        staff_id=actor.id, staff_name=actor.name, customer_id=row.customer_id, registration_id=row.id, at=clock.now()
    )
    db.session.add(made)
    theirs = sa.select(Registration).where(
        Registration.customer_id == row.customer_id,
        sa.or_(Registration.lease_staff_id == actor.id, Registration.passed_to_id == actor.id),
    )
    for held in db.session.scalars(theirs.with_for_update()):
        lease.release(held)
    audit.record("registration.recused", actor, "registration", row.id)
    db.session.flush()
    return made


def _give(actor: Actor, row: Registration, to_id: uuid.UUID | None, note: str) -> CasePass:
    receiver = None
    if to_id is not None:
        receiver = next((one for one in team_queries.receivers(actor, row) if one.id == to_id), None)
        if receiver is None:
            message = _l("这位同事现在不能接这一件：不在岗、不负责这个省份，或已声明认识申请人。")
            raise Invalid(message, code="receiver_unfit", fields={"to": [message]})
        if row.status in lease.SECOND_TASKS and to_id in guards.earlier_deciders(row):
            raise Forbidden(_l("提出、决定或复读过这件注册的人不能再作这个决定。"), code="not_your_own_proposal")
    lease.release(row)
    made = CasePass(
        registration_id=row.id, subject_id=row.subject_id, by_id=actor.id, by_name=actor.name, to_id=to_id,
        to_name=receiver.name if receiver is not None else "", note=note or None, at=clock.now(),
    )  # fmt: skip
    db.session.add(made)
    if to_id is not None:
        row.passed_to_id = to_id
        row.passed_until = calendar.add_working_hours(clock.now(), numbers.get("pass_hours"))
    audit.record("registration.passed_on", actor, "registration", row.id)
    db.session.flush()
    return made


def _note(text: str, *, required: bool) -> str:
    text = text.strip()
    if (required and not text) or len(text) > NOTE_MAX:
        message = _l("请给接手的人写一句话，最多 %(n)s 个字。", n=NOTE_MAX)
        raise Invalid(message, code="note_required", fields={"private_note": [message]})
    return text
