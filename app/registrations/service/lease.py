"""Claiming: who looks at which case. One UPDATE decides, on both databases; two people never get the same case."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock, numbers
from app.core.db import db
from app.core.errors import Conflict, Forbidden, NotFound, TransitionRefused
from app.core.policy import Actor, Permission
from app.core.sql_hints import rare
from app.customers.models import Customer
from app.registrations.models import Recusal, Registration, ReviewDraft
from app.registrations.queries import team as team_queries
from app.registrations.queries.scope import in_scope
from app.registrations.service import guards, team
from app.registrations.service.facts import Entered
from app.registrations.service.record import NO_LEASE
from app.registrations.task import token_of
from app.registrations.workflow import OPEN, Status

NONCE_BYTES = 16
SKIP_FOR = timedelta(minutes=30)  # a case handed back does not come straight back to the same person
SECOND_TASKS = (Status.AWAITING_SECOND, Status.APPEALED)
DECIDE, LEAD = Permission.REGISTRATIONS_DECIDE, Permission.REGISTRATIONS_LEAD
Claimed = tuple[Registration, str]


def claim_next(actor: Actor) -> Claimed | None:
    """The oldest due case that this person may decide, with the lease token; None when there is none.

    What a colleague passed to this person comes first. A case handed back comes again only when nothing else waits;
    one that was skipped not before its time, unless the applicant sent something new. Raises Conflict (``lease_limit``
    at the greatest number of open cases, ``absent``), Forbidden without the right.
    """
    now = clock.now()
    _one_claim_at_a_time(actor)
    team.refuse_absent(actor)
    if len(open_cases(actor, now)) >= team.limit_of(actor.id):
        raise Conflict(_l("您手上的件数已到上限，请先处理或交回一件。"), code="lease_limit")
    handed_back = sa.select(ReviewDraft.registration_id).where(
        ReviewDraft.staff_id == actor.id, ReviewDraft.handed_back_at > now - SKIP_FOR
    )
    given: list[sa.ColumnElement[bool]] = [Registration.passed_to_id == actor.id, Registration.passed_until > now]
    fresh: list[sa.ColumnElement[bool]] = [Registration.id.not_in(handed_back)]
    for extra in (given, fresh, []):
        row = _take_oldest(actor, now, extra)
        if row is not None:
            return row, token_of(row)
    return None


def claim_ahead(actor: Actor, registration_id: uuid.UUID) -> Registration | None:
    """The case that comes after ``registration_id``, claimed now so that its page is ready; None without one.

    What the person holds besides counts as the next one, so that at most one case is claimed ahead.
    """
    held = [row for row in open_cases(actor, clock.now()) if row.id != registration_id]
    if held:
        return held[0]
    try:
        claimed = claim_next(actor)
    except Conflict:
        return None
    if claimed is None:
        return None
    claimed[0].lease_ahead = True
    db.session.flush()
    return claimed[0]


def release_ahead(actor: Actor) -> int:
    """Give back what was claimed ahead and never looked at. Returns how many."""
    held = [row for row in open_cases(actor, clock.now()) if row.lease_ahead]
    for row in held:
        release(row)
        audit.record("registration.handed_back", actor, "registration", row.id, reason_code="unused")
    return len(held)


def onward(actor: Actor) -> Registration | None:
    """After a decision: what the person holds, oldest due first, else the next case; None when there is none.

    Raises what `claim_next` raises.
    """
    now = clock.now()
    held = open_cases(actor, now)
    if not held:
        claimed = claim_next(actor)
        return claimed[0] if claimed is not None else None
    row = held[0]
    if row.lease_ahead:
        row.lease_ahead = False
        row.lease_expires_at = now + timedelta(minutes=numbers.get("lease_minutes"))
        db.session.flush()
    return row


def claim(actor: Actor, registration_id: uuid.UUID) -> Claimed:
    """Claim one particular case: leads any open one; others a second reading, an appeal, or what they just had.

    Raises Conflict when a colleague has it or it is closed, Forbidden for picking or for one's own decision.
    """
    actor.require(DECIDE)
    now = clock.now()
    row = guards.load(actor, registration_id, permission=DECIDE)
    if row.status not in OPEN:
        raise guards.lost(actor, row)
    if row.status in SECOND_TASKS and actor.id in guards.earlier_deciders(row):
        raise Forbidden(_l("提出、决定或复读过这件注册的人不能再作这个决定。"), code="not_your_own_proposal")
    if row.leased(now) and row.lease_staff_id != actor.id:
        raise guards.lost(actor, row)
    had_it = row.lease_staff_id == actor.id
    given = row.passed_to_id == actor.id
    elsewhere = row.passed_to_id is not None and row.passed_until is not None and row.passed_until > now
    if elsewhere and not given and not actor.may(LEAD):
        raise Conflict(_l("这一件已转给一位同事。"), code="passed_to_other")
    if not (actor.may(LEAD) or row.status in SECOND_TASKS or had_it or given):
        raise Forbidden(_l("请用「领取下一件」，由系统按截止时间分派。"), code="take_next")
    if not had_it:
        _one_claim_at_a_time(actor)
        team.refuse_absent(actor)
        if len(open_cases(actor, now)) >= team.limit_of(actor.id):
            raise Conflict(_l("您手上的件数已到上限，请先处理或交回一件。"), code="lease_limit")
    grant(actor, row, now)
    return row, token_of(row)


def renew_lease(actor: Actor, registration_id: uuid.UUID, lease_token: str) -> datetime:
    """Prolong a live lease; returns its new end. Raises Conflict when it is lost."""
    team.refuse_absent(actor)
    row = guards.load(actor, registration_id, permission=DECIDE)
    guards.require_lease(actor, row, lease_token)
    row.lease_expires_at = clock.now() + timedelta(minutes=numbers.get("lease_minutes"))
    for ahead in open_cases(actor, clock.now()):
        if ahead.lease_ahead:
            ahead.lease_expires_at = row.lease_expires_at
    db.session.flush()
    return row.lease_expires_at


def hand_back(actor: Actor, registration_id: uuid.UUID, lease_token: str, entered: Entered) -> Registration:
    """Give the case back and keep what was entered, for this person and this round. Raises Conflict."""
    row = guards.load(actor, registration_id, permission=DECIDE)
    guards.require_lease(actor, row, lease_token)
    keep_draft(actor, row, entered)
    release(row)
    audit.record("registration.handed_back", actor, "registration", row.id)
    return row


def set_aside(actor: Actor, registration_id: uuid.UUID, lease_token: str, entered: Entered) -> Registration:
    """Keep what was entered while another page of the case is open; the lease stays. Raises Conflict."""
    row = guards.load(actor, registration_id, permission=DECIDE)
    guards.require_lease(actor, row, lease_token)
    keep_draft(actor, row, entered)
    return row


def skip(actor: Actor, registration_id: uuid.UUID, lease_token: str, entered: Entered) -> Registration:
    """Leave this case to colleagues: as `hand_back`, and *next* will not offer it to this person for some hours."""
    row = hand_back(actor, registration_id, lease_token, entered)
    keep_draft(actor, row, entered, skipped_until=clock.now() + timedelta(hours=numbers.get("skip_hours")))
    return row


def release_for_lead(actor: Actor, registration_id: uuid.UUID) -> Registration:
    """A lead frees a case that somebody else holds. Raises Forbidden, NotFound."""
    row = guards.load(actor, registration_id, permission=LEAD)
    release(row)
    audit.record("registration.claim_released", actor, "registration", row.id)
    return row


def release_claim(actor: Actor, registration_id: uuid.UUID) -> str:
    """`release_for_lead` of a claim that must be live; whose it was. Raises TransitionRefused when nobody has it."""
    row, now = guards.load(actor, registration_id, permission=LEAD), clock.now()
    holder = row.lease_name if row.leased(now) else None
    if holder is None:
        raise TransitionRefused(_l("现在没有人占用这一件。"), code="nobody_has_it")
    release_for_lead(actor, registration_id)
    return holder


def release_all_of(actor: Actor, staff_id: uuid.UUID) -> int:
    """Free everything a person holds or was given, when the account is disabled. Returns how many were live."""
    return team.let_go(actor, staff_id)


def open_cases(actor: Actor, now: datetime) -> list[Registration]:
    """Cases this person holds live, oldest due first."""
    mine = sa.select(Registration).where(Registration.lease_staff_id == actor.id, Registration.lease_expires_at > now)
    return list(db.session.scalars(mine.order_by(Registration.due_at, Registration.id)))


def draft_of(actor: Actor, row: Registration) -> Entered | None:
    """What this person had entered in this round when handing the case back."""
    query = sa.select(ReviewDraft).where(
        ReviewDraft.registration_id == row.id, ReviewDraft.staff_id == actor.id, ReviewDraft.round == row.round
    )
    draft = db.session.scalars(query).one_or_none()
    return Entered.from_json(draft.entered) if draft is not None and draft.entered else None


def keep_draft(actor: Actor, row: Registration, entered: Entered, *, skipped_until: datetime | None = None) -> None:
    same = ReviewDraft.registration_id == row.id, ReviewDraft.staff_id == actor.id
    draft = db.session.scalars(sa.select(ReviewDraft).where(*same)).one_or_none()
    if draft is None:
        draft = ReviewDraft(registration_id=row.id, staff_id=actor.id)
        db.session.add(draft)
    draft.round, draft.entered, draft.handed_back_at = row.round, entered.to_json(), clock.now()
    draft.skipped_until = skipped_until
    db.session.flush()


def grant(actor: Actor, row: Registration, now: datetime) -> None:
    """Put the lease on a row that is locked and free."""
    for name, value in _lease(actor, now).items():
        setattr(row, name, value)
    audit.record("registration.claimed", actor, "registration", row.id)
    db.session.flush()


def release(row: Registration) -> None:
    for name, value in NO_LEASE.items():
        setattr(row, name, value)
    db.session.flush()


def _take_oldest(actor: Actor, now: datetime, extra: list[sa.ColumnElement[bool]]) -> Registration | None:
    """Two ordered index ranges (pending; holds that are over), the earlier due of both, taken by one UPDATE."""
    free = sa.or_(Registration.lease_expires_at.is_(None), Registration.lease_expires_at <= now)
    common = [*in_scope(actor, DECIDE), free, *extra, *_not_barred(actor, now)]
    ranges = (
        [Registration.status == Status.PENDING],
        [Registration.status == Status.ON_HOLD, rare(Registration.wakes_at <= now)],
    )
    found: list[Any] = []
    for where in ranges:
        query = sa.select(Registration.id, Registration.due_at).where(*where, *common)
        query = query.order_by(Registration.due_at, Registration.id).limit(1).with_for_update(skip_locked=True)
        found += db.session.execute(query).all()
    if not found:
        return None
    row_id = min(found, key=lambda hit: (hit.due_at, hit.id)).id
    try:
        row = guards.load(actor, row_id, permission=DECIDE)  # settles a hold that is over
    except NotFound:
        return None
    taken = db.session.execute(
        sa.update(Registration)
        .where(Registration.id == row_id, Registration.status == Status.PENDING, free)
        .values(**_lease(actor, now))
        .execution_options(synchronize_session=False)
    )
    db.session.refresh(row)
    if taken.rowcount != 1:  # type: ignore[attr-defined]
        return None
    audit.record("registration.claimed", actor, "registration", row.id)
    return row


def _lease(actor: Actor, now: datetime) -> dict[str, Any]:
    return {
        "lease_staff_id": actor.id,
        "lease_name": actor.name,
        "lease_nonce": secrets.token_bytes(NONCE_BYTES),
        "lease_ahead": False,
        "lease_expires_at": now + timedelta(minutes=numbers.get("lease_minutes")),
    }


def _not_barred(actor: Actor, now: datetime) -> list[sa.ColumnElement[bool]]:
    """Not one's own, nobody one knows, not passed to a colleague, not skipped in this round."""
    known = sa.select(Recusal.customer_id).where(Recusal.staff_id == actor.id)
    skipped = sa.select(ReviewDraft.id).where(
        ReviewDraft.staff_id == actor.id,
        ReviewDraft.skipped_until > now,
        ReviewDraft.registration_id == Registration.id,
        ReviewDraft.round == Registration.round,
    )
    found = [
        Registration.customer_id.not_in(known),
        sa.not_(sa.exists(skipped)),
        team_queries.not_for_others(actor, now),
    ]
    if actor.phone_index is not None:
        own = sa.select(Customer.id).where(Customer.phone_index == actor.phone_index)
        found.append(Registration.customer_id.not_in(own))
    return found


def _one_claim_at_a_time(actor: Actor) -> None:
    """Two tabs of one person must not pass the limit together; SQLite writes one at a time anyway."""
    if db.engine.dialect.name == "postgresql" and actor.id is not None:
        db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(actor.id.int & (2**62 - 1))))
