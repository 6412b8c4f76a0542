"""What the page of one grant shows, and what the form of a proposal starts from: read once, as plain values."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import Invalid, NotFound
from app.core.policy import Actor, Permission
from app.customers.worklists import shown_name
from app.grants import rules, standing
from app.grants.lookback import months_back
from app.grants.models import Campaign, Grant, GrantEvent, GrantNode, ReviewItem
from app.grants.preview import Preview, record_sources
from app.grants.queries.lists import in_scope
from app.grants.scope import effective_status
from app.grants.service import review
from app.grants.service.decide import offered, renewable_from
from app.hospitals.models import Department, Hospital


@dataclass(frozen=True, slots=True)
class Node:
    """A department of a grant, with what became of it."""

    id: uuid.UUID
    name: str
    include_children: bool
    via: str | None
    trouble: str | None  # "merged" or "moved"


@dataclass(frozen=True, slots=True)
class Case:
    """Everything about one grant that its page shows."""

    row: Grant
    status: str
    now: datetime
    name: str | None
    hospital: str
    department: str
    nodes: Sequence[Node]
    removed: Sequence[str]
    drift: standing.Drift | None
    use: review.Use
    events: Sequence[GrantEvent]
    renews: str | None
    renewed_by: str | None
    review: tuple[str, datetime] | None  # number and deadline of an open review
    rules: rules.Rules
    renewable_from: datetime | None
    bar: str | None  # why this reader may have no part in it: "own" or "recused"

    @property
    def lookback_from(self) -> datetime | None:
        return months_back(self.row.lookback_months, self.now) if self.row.lookback_months else None


def find(actor: Actor, number: str) -> Grant:
    """The grant behind a number, in the actor's provinces. Raises NotFound."""
    row = db.session.scalar(sa.select(Grant).where(Grant.number == number, *in_scope(actor)))
    if row is None:
        raise NotFound()
    return row


def case(actor: Actor, number: str) -> Case:
    """One grant. Raises NotFound outside of the actor's provinces."""
    now = clock.now()
    query = sa.select(Grant, effective_status(now)).where(Grant.number == number, *in_scope(actor))
    found = db.session.execute(query).one_or_none()
    if found is None:
        raise NotFound()
    row, status = found
    linked = sa.select(Grant.id, Grant.number, Grant.renews_id).where(
        sa.or_(Grant.id == row.renews_id, Grant.renews_id == row.id)
    )
    links = db.session.execute(linked).all()
    events = sa.select(GrantEvent).where(GrantEvent.grant_id == row.id).order_by(GrantEvent.version.desc())
    live, gone = _nodes(row)
    return Case(
        row=row, status=status, now=now, name=shown_name(actor, row.name),
        hospital=db.session.get_one(Hospital, row.hospital_id).name,
        department=db.session.get_one(Department, row.home_department_id).name,
        nodes=live, removed=gone, drift=standing.drift(row, now), use=review.use_of(row.id),
        events=db.session.scalars(events).all(),
        renews=next((link.number for link in links if link.id == row.renews_id), None),
        renewed_by=next((link.number for link in links if link.renews_id == row.id), None),
        review=_open_review(row), rules=rules.of_version(row.policy_version), renewable_from=renewable_from(row),
        bar=standing.bars_of(actor, [row.customer_id]).get(row.customer_id),
    )  # fmt: skip


def preview_of(row: Grant) -> Preview | None:
    """What an undecided or running grant opens; None while its terms are open."""
    if row.lookback_months is None:
        return None
    departments = [node.department_id for node in row.nodes if node.removed_version is None]
    return preview(row.customer_id, departments, row.lookback_months, row.renews_id)


def preview(
    customer_id: uuid.UUID, departments: Sequence[uuid.UUID], months: int, replaces: uuid.UUID | None
) -> Preview | None:
    """The figures of the one kind of record there is."""
    since = months_back(months)
    return next((source.preview(customer_id, departments, since, replaces) for source in record_sources), None)


@dataclass(frozen=True, slots=True)
class Choice:
    """A department that a form offers; ``below``: how many sub-departments a tick would bring."""

    id: uuid.UUID
    name: str
    below: int


def choices(hospital_id: uuid.UUID) -> list[Choice]:
    """Active departments of a hospital, by name."""
    query = sa.select(Department).where(Department.hospital_id == hospital_id, Department.merged_into.is_(None))
    rows = db.session.scalars(query.where(Department.active.is_(True)).order_by(Department.name, Department.id)).all()
    below = {row.id: sum(1 for other in rows if other.parent_id == row.id) for row in rows}
    return [Choice(row.id, row.name, below[row.id]) for row in rows]


def reconfirmable(row: Grant) -> list[Choice]:
    """What a confirmation after a pause may keep."""
    ids = offered(row, [node for node in row.nodes if node.removed_version is None])
    return [choice for choice in choices(row.hospital_id) if choice.id in ids]


def asked(row: Grant) -> list[Choice]:
    """The departments that a person asked for, as the approver's form offers them."""
    ids = {node.department_id for node in row.nodes if node.removed_version is None}
    return [choice for choice in choices(row.hospital_id) if choice.id in ids]


def standing_or_refusal(customer_id: uuid.UUID) -> tuple[standing.Standing | None, Invalid | None]:
    """What a grant could rest on, or why there is nothing."""
    try:
        return standing.of(customer_id), None
    except Invalid as refusal:
        return None, refusal


def require_reach(actor: Actor, found: standing.Standing) -> None:
    """Proposing is for people of the actor's provinces; outside they are not there. Raises NotFound."""
    mine = actor.scope(Permission.GRANTS_PROPOSE)
    if mine is not None and found.hospital.province not in mine:
        raise NotFound()


def _nodes(row: Grant) -> tuple[list[Node], list[str]]:
    via = sa.orm.aliased(Department)
    query = (
        sa.select(GrantNode, Department, via.name)
        .join(Department, Department.id == GrantNode.department_id)
        .outerjoin(via, via.id == GrantNode.via_id)
        .where(GrantNode.grant_id == row.id)
        .order_by(GrantNode.place)
    )
    live, gone = [], []
    for node, department, via_name in db.session.execute(query):
        if node.removed_version is not None:
            gone.append((node.department_id, department.name))
            continue
        moved = (department.hospital_id, department.parent_id) != (row.hospital_id, node.parent_id)
        trouble = "merged" if department.merged_into is not None else "moved" if moved else None
        live.append(Node(department.id, department.name, node.include_children, via_name, trouble))
    kept = {node.id for node in live}
    return live, list(dict.fromkeys(name for department_id, name in gone if department_id not in kept))


def _open_review(row: Grant) -> tuple[str, datetime] | None:
    if row.review_due_at is None:
        return None
    query = (
        sa.select(Campaign.number, Campaign.closes_at)
        .join(ReviewItem, ReviewItem.campaign_id == Campaign.id)
        .where(ReviewItem.grant_id == row.id, ReviewItem.decision.is_(None))
        .order_by(Campaign.closes_at.desc())
        .limit(1)
    )
    found = db.session.execute(query).first()
    return (found.number, found.closes_at) if found is not None else None
