"""How a person stands, as SQL that is true at the moment it runs: which profile is in force, where, in what state.

Every clause stands alone, without a join, so that a list, its counters and a look-up by id can share it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core import clock
from app.core.db import UtcDateTime
from app.core.policy import Actor, Permission
from app.core.registry import Registry
from app.customers.models import Customer, CustomerProfile
from app.hospitals.models import Hospital

Clause = sa.ColumnElement[bool]
READ = Permission.CUSTOMERS_READ
# Read when the statement runs, so that a declaration made at import never remembers a moment
NOW: Any = sa.bindparam("standing_now", callable_=clock.now, type_=UtcDateTime(), unique=True)


class State(StrEnum):
    """What a person is to the portal; the first that holds, in this order."""

    CLOSED = "closed"
    FROZEN = "frozen"
    UNVERIFIED = "unverified"
    SUSPENDED = "suspended"
    ACTIVE = "active"


def state_of(person: Customer, profile: CustomerProfile | None) -> State:
    """The state of one person whose profile in force is known."""
    if person.closed_at is not None:
        return State.CLOSED
    if person.frozen_at is not None:
        return State.FROZEN
    if profile is None:
        return State.UNVERIFIED
    return State.SUSPENDED if profile.suspended_at is not None else State.ACTIVE


def profile_id(customer_id: Any, now: Any = NOW) -> sa.ScalarSelect[uuid.UUID]:
    """SQL: the id of the profile in force, null without one; one probe of ``ix_customer_profile_customer``."""
    p = aliased(CustomerProfile)
    return (
        sa.select(p.id)
        .where(p.customer_id == customer_id, p.effective_at <= now, sa.or_(p.ended_at.is_(None), p.ended_at > now))
        .order_by(p.effective_at.desc(), p.id.desc())
        .limit(1)
        .correlate_except(p)
        .scalar_subquery()
    )


def with_profile(*where: Clause, now: Any = NOW) -> Clause:
    """People whose profile in force satisfies ``where``, which may name `CustomerProfile` and `Hospital`."""
    p = CustomerProfile
    found = sa.select(p.customer_id).outerjoin(Hospital, Hospital.id == p.hospital_id)
    return Customer.id.in_(found.where(*where, p.id == profile_id(p.customer_id, now)).correlate(None))


# Clauses of features above for people whom this actor must not see just now, whatever his rights; each depends on the
# actor alone and reads no moment, since lists keep their statements
withheld: Registry[Callable[[Actor], list[Clause]]] = Registry("people withheld from an actor")


def in_scope(actor: Actor, permission: Permission = READ) -> list[Clause]:
    """The people an actor's right reaches: inside his provinces by the hospital of the profile in force.

    Whoever has no profile is in no province and seen by unbounded staff only. Raises Forbidden without the right.
    """
    provinces = actor.scope(permission)
    bounds: list[Clause] = [] if provinces is None else [with_profile(Hospital.province.in_(sorted(provinces)))]
    return bounds + [clause for source in withheld for clause in source(actor)]


def _living() -> list[Clause]:
    return [Customer.closed_at.is_(None), Customer.frozen_at.is_(None)]


def ranges(state: State, now: datetime) -> Sequence[Sequence[Clause]]:
    """The index ranges in which the people of a state lie (decisions.md 8)."""
    suspended = with_profile(CustomerProfile.suspended_at.is_not(None), now=now)
    verified = Customer.verified_from <= now
    match state:
        case State.CLOSED:
            return [[Customer.closed_at.is_not(None)]]
        case State.FROZEN:
            return [[Customer.frozen_at.is_not(None), Customer.closed_at.is_(None)]]
        case State.UNVERIFIED:  # without a profile, or with one whose undo window still runs
            return [[*_living(), Customer.verified_from.is_(None)], [*_living(), Customer.verified_from > now]]
        case State.SUSPENDED:
            return [[*_living(), verified, suspended]]
        case State.ACTIVE:
            return [[*_living(), verified, sa.not_(suspended)]]
