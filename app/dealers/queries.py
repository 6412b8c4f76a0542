"""Reads of dealers and their contracts. A dealer has no region of its own: who may read sees all of them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa

from app.core import clock
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.errors import NotFound
from app.core.files import StoredFile
from app.core.policy import Actor, Permission
from app.dealers.models import Dealer, DealerContract
from app.staff.models import StaffAccount

READ = Permission.DEALERS_READ


class ContractState(StrEnum):
    """Where a contract stands at an instant: derived, never stored."""

    DRAFT = "draft"
    COMING = "coming"
    IN_FORCE = "in_force"
    SOON = "soon"  # in force, with its end within `SOON_DAYS`
    LAPSED = "lapsed"
    ENDED = "ended"
    REVOKED = "revoked"


SOON_DAYS = 30


def get(actor: Actor, dealer_id: uuid.UUID) -> Dealer:
    actor.require(READ)
    row = db.session.get(Dealer, dealer_id)
    if row is None:
        raise NotFound()
    return row


def contract(actor: Actor, contract_id: uuid.UUID) -> DealerContract:
    actor.require(READ)
    row = db.session.get(DealerContract, contract_id)
    if row is None:
        raise NotFound()
    return row


def contracts(actor: Actor, dealer_id: uuid.UUID) -> Sequence[DealerContract]:
    """The latest first."""
    actor.require(READ)
    query = sa.select(DealerContract).where(DealerContract.dealer_id == dealer_id)
    return db.session.scalars(query.order_by(DealerContract.starts_at.desc(), DealerContract.id.desc())).all()


def users(actor: Actor, dealer_id: uuid.UUID) -> Sequence[StaffAccount]:
    """Staff accounts of the dealer, by name."""
    actor.require(READ)
    query = sa.select(StaffAccount).where(StaffAccount.dealer_id == dealer_id)
    return db.session.scalars(query.order_by(StaffAccount.name, StaffAccount.id)).all()


def file_of(actor: Actor, contract_id: uuid.UUID) -> tuple[DealerContract, StoredFile]:
    """The contract's document. Raises NotFound where there is none."""
    row = contract(actor, contract_id)
    file = db.session.get(StoredFile, row.file_id) if row.file_id else None
    if file is None:
        raise NotFound()
    return row, file


def state_of(row: DealerContract, at: datetime | None = None) -> ContractState:
    """As of an instant, by default now."""
    now = at or clock.now()
    if row.confirmed_at is None:
        return ContractState.DRAFT
    if row.ended_at is not None and row.ends_at <= now:
        return ContractState(row.ended_kind)
    if row.starts_at > now:
        return ContractState.COMING
    if row.ends_at <= now:
        return ContractState.LAPSED
    return ContractState.SOON if row.ends_at - now <= timedelta(days=SOON_DAYS) else ContractState.IN_FORCE


def last_day(row: DealerContract) -> str:
    """The last day on which it was or is in force."""
    return (row.ends_at - timedelta(microseconds=1)).astimezone(SHANGHAI).strftime("%Y-%m-%d")
