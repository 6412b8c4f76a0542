"""What staff do to an account: open a masked value, end sign-ins, freeze, release. All with a reason, all audited."""

from __future__ import annotations

import uuid
from datetime import timedelta
from enum import StrEnum

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock, throttle
from app.core.db import db
from app.core.errors import Conflict, Gone, NotFound, TooManyRequests
from app.core.policy import Actor, Permission
from app.core.unit_of_work import evidence
from app.customers import access, queries
from app.customers.models import Customer, CustomerToken
from app.customers.reasons import EndReason, FreezeReason, ReleaseReason, RevealReason

P = Permission
REVEAL_BUCKET = "customer.reveal"
# of one staff member: a busy day of calls, not a copy of the list
REVEAL_LIMITS = ((30, timedelta(hours=1)), (100, timedelta(days=1)))


class Revealed(StrEnum):
    """What can be opened; nothing else of a person is masked on the page."""

    PHONE = "phone"
    NAME = "name"


def throttle_reveals(actor: Actor) -> None:
    """Count one try of this staff member, before the main transaction. Raises TooManyRequests with the wait."""
    with evidence() as session:
        seconds = throttle.hit(session, REVEAL_BUCKET, str(actor.id), REVEAL_LIMITS)
    if seconds is not None:
        raise TooManyRequests(_l("您在短时间内显示了太多完整信息，请稍后再试。"), retry_after=seconds)


def reveal(
    actor: Actor, customer_id: uuid.UUID, what: Revealed, reason: RevealReason, note: str = ""
) -> tuple[Customer, str]:
    """The whole value, once, with its event in the log. Raises Forbidden, NotFound; Gone for what was erased or of a
    closed account."""
    person = access.find(actor, customer_id, P.CUSTOMERS_REVEAL)
    if person.closed_at is not None:
        raise Gone(_l("账号已注销，个人信息不再显示。"))
    value = person.phone if what is Revealed.PHONE else queries.registered_name(person)
    if value is None:
        raise Gone()
    audit.record(
        "customer.revealed", actor, "customer", person.id, reason_code=reason.value, fields=(what.value,), note=note
    )
    return person, value


def end_session(actor: Actor, customer_id: uuid.UUID, token_id: uuid.UUID, reason: EndReason, note: str = "") -> bool:
    """End one sign-in; the mini program's next call answers 401. False when it had ended already.

    Raises NotFound for a sign-in of somebody else.
    """
    person = access.find(actor, customer_id, P.CUSTOMERS_SESSIONS)
    known = sa.select(CustomerToken.id).where(CustomerToken.id == token_id, CustomerToken.customer_id == person.id)
    if db.session.scalar(known) is None:
        raise NotFound()
    return _end(actor, person, reason, note, CustomerToken.id == token_id) > 0


def end_sessions(actor: Actor, customer_id: uuid.UUID, reason: EndReason, note: str = "") -> int:
    """End every sign-in of a person; how many there were."""
    return _end(actor, access.find(actor, customer_id, P.CUSTOMERS_SESSIONS), reason, note)


def freeze_account(actor: Actor, customer_id: uuid.UUID, reason: FreezeReason, note: str = "") -> None:
    """No sign-in until `release_account`; those that live end. Raises Conflict when closed or frozen meanwhile."""
    person = access.find(actor, customer_id, P.CUSTOMERS_FREEZE)
    _switch(person, Customer.frozen_at.is_(None), frozen_at=clock.now())
    ended = sa.update(CustomerToken).where(CustomerToken.customer_id == person.id, CustomerToken.ended_at.is_(None))
    db.session.execute(ended.values(ended_at=clock.now()).execution_options(synchronize_session="fetch"))
    audit.record("customer.frozen", actor, "customer", person.id, reason_code=reason.value, note=note)


def release_account(actor: Actor, customer_id: uuid.UUID, reason: ReleaseReason, note: str = "") -> None:
    """Sign-in is open again, wrong names forgotten. Raises Conflict when it was released meanwhile."""
    person = access.find(actor, customer_id, P.CUSTOMERS_FREEZE)
    _switch(person, Customer.frozen_at.is_not(None), frozen_at=None, name_failures=0)
    audit.record("customer.released", actor, "customer", person.id, reason_code=reason.value, note=note)


def _end(actor: Actor, person: Customer, reason: EndReason, note: str, *where: sa.ColumnElement[bool]) -> int:
    now = clock.now()
    living = (CustomerToken.customer_id == person.id, CustomerToken.ended_at.is_(None), CustomerToken.expires_at > now)
    ended = sa.update(CustomerToken).where(*living, *where).values(ended_at=now)
    done = db.session.execute(ended.execution_options(synchronize_session="fetch"))
    count = int(done.rowcount)  # type: ignore[attr-defined]
    if count:
        audit.record("customer_session.ended", actor, "customer", person.id, reason_code=reason.value, note=note)
    return count


def _switch(person: Customer, still: sa.ColumnElement[bool], **values: object) -> None:
    """Compare-and-set on what the actor saw; the loser of a race is told."""
    done = db.session.execute(
        sa.update(Customer)
        .where(Customer.id == person.id, Customer.closed_at.is_(None), still)
        .values(version=Customer.version + 1, **values)
        .execution_options(synchronize_session="fetch")
    )
    if done.rowcount != 1:  # type: ignore[attr-defined]
        raise Conflict(_l("账号的状态刚刚被改动，您的操作没有执行。"))
