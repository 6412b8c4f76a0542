"""Campaigns and their items, with the use that a reviewer decides on."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor, Permission
from app.customers.worklists import shown_name
from app.grants import standing
from app.grants.models import Campaign, Grant, GrantUse, ReviewItem, UseKind
from app.grants.queries.own import departments_of
from app.grants.scope import effective_status
from app.grants.service.record import hands_of
from app.hospitals.models import Hospital

LISTED_MAX = 100


@dataclass(frozen=True, slots=True)
class CampaignLine:
    """A campaign in the list."""

    row: Campaign
    hospital: str | None
    items: int
    decided: int
    closed: bool


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One grant under review. ``why_not``: this reader had a part in it, or it is his own."""

    item: ReviewItem
    grant: Grant
    status: str
    name: str | None
    hospital: str
    departments: Sequence[tuple[uuid.UUID, str]]
    last_use_at: datetime | None
    rows_opened: int
    rows_listed: int
    why_not: str | None  # "own" | "recused" | "part"

    @property
    def lapsed(self) -> bool:
        """Nobody decided in time."""
        return self.item.decision is None and self.grant.ended_cause == "not_reviewed"


def campaigns(actor: Actor) -> list[CampaignLine]:
    """The latest first, of the actor's provinces."""
    return _lines(actor)


def _lines(actor: Actor, *where: sa.ColumnElement[bool]) -> list[CampaignLine]:
    counted = (
        sa.select(
            ReviewItem.campaign_id, sa.func.count().label("items"), sa.func.count(ReviewItem.decision).label("decided")
        )
        .group_by(ReviewItem.campaign_id)
        .subquery()
    )
    query: sa.Select[Any] = (
        sa.select(Campaign, Hospital.name, *(counted.c[name] for name in ("items", "decided")))
        .outerjoin(Hospital, Hospital.id == Campaign.hospital_id)
        .outerjoin(counted, counted.c.campaign_id == Campaign.id)
        .where(*_scope(actor), *where)
        .order_by(Campaign.opened_at.desc(), Campaign.id.desc())
        .limit(LISTED_MAX)
    )
    now = clock.now()
    return [
        CampaignLine(row, hospital, items or 0, decided or 0, row.closes_at <= now)
        for row, hospital, items, decided in db.session.execute(query)
    ]


def campaign(actor: Actor, number: str) -> tuple[CampaignLine, list[ItemLine]]:
    """A campaign with every item; undecided and unused ones first. Raises NotFound."""
    lines = _lines(actor, Campaign.number == number)
    if not lines:
        raise NotFound()
    found = lines[0]
    now = clock.now()
    query = (
        sa.select(ReviewItem, Grant, effective_status(now), Hospital.name)
        .join(Grant, Grant.id == ReviewItem.grant_id)
        .join(Hospital, Hospital.id == Grant.hospital_id)
        .where(ReviewItem.campaign_id == found.row.id)
        .order_by(ReviewItem.decision.is_not(None), Hospital.name, Grant.number)
    )
    rows = db.session.execute(query).all()
    grants = [row[1].id for row in rows]
    uses, departments, hands = _uses(grants), departments_of(grants), hands_of(grants)
    bars = standing.bars_of(actor, {row[1].customer_id for row in rows})
    return found, [
        _line(
            actor,
            item,
            grant,
            status,
            hospital,
            departments.get(grant.id, ()),
            uses,
            bars.get(grant.customer_id) or ("part" if actor.id in hands.get(grant.id, ()) else None),
        )
        for item, grant, status, hospital in rows
    ]


def _line(
    actor: Actor, item: ReviewItem, grant: Grant, status: str, hospital: str,
    departments: Sequence[tuple[uuid.UUID, str]], uses: dict[uuid.UUID, tuple[datetime | None, int, int]],
    why: str | None,
) -> ItemLine:  # fmt: skip
    last, opened, listed = uses.get(grant.id, (None, 0, 0))
    if item.decision is not None:  # what the reviewer was shown then
        last, opened, listed = item.last_use_at, item.rows_opened or 0, item.rows_listed or 0
    return ItemLine(
        item, grant, status, shown_name(actor, grant.name), hospital, departments, last, opened, listed, why
    )


def _uses(grant_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[datetime | None, int, int]]:
    """Last use, rows opened and rows listed of many grants, in one statement."""
    u = GrantUse
    query = (
        sa.select(
            u.grant_id,
            sa.func.max(u.at, type_=u.at.type),
            sa.func.sum(sa.case((u.kind == UseKind.LISTED, 0), else_=u.rows)),
            sa.func.sum(sa.case((u.kind == UseKind.LISTED, u.rows), else_=0)),
        )
        .where(u.grant_id.in_(grant_ids))
        .group_by(u.grant_id)
    )
    return {row[0]: (row[1], int(row[2]), int(row[3])) for row in db.session.execute(query)}


def _scope(actor: Actor) -> list[sa.ColumnElement[bool]]:
    provinces = actor.scope(Permission.GRANTS_READ)
    return [] if provinces is None else [Campaign.province.in_(sorted(provinces))]
