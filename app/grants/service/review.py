"""The quarterly review: one decision per grant, by somebody who had no part in it; silence ends the grant.

Items come into being when a campaign opens: every grant in force of the hospital or province. Each gets its deadline
into its own row, so that a read knows of it without this table.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.errors import Conflict, Invalid, NotFound
from app.core.policy import Actor, Permission
from app.core.serials import next_serial
from app.grants.lookback import CHOICES
from app.grants.models import Campaign, Grant, GrantUse, ReviewDecision, ReviewItem, UseKind
from app.grants.scope import effective_status
from app.grants.service import nodes, record
from app.grants.service.facts import Facts
from app.grants.workflow import Status
from app.hospitals import provinces
from app.hospitals.models import Hospital
from app.staff.queries import colleagues
from app.staff.roles import Role

REVIEW = Permission.GRANTS_REVIEW
DUE_MIN, DUE_MAX = 3, 60  # days from opening to the deadline


def open_campaign(actor: Actor, due_on: date, *, province: str = "", hospital_id: uuid.UUID | None = None) -> Campaign:
    """Open a review of a hospital or of a province. Raises Invalid (nothing there, deadline), Forbidden, NotFound."""
    actor.require(Permission.GRANTS_LEAD)
    province = _place(actor, province, hospital_id)
    today, now = clock.today(), clock.now()
    if not DUE_MIN <= (due_on - today).days <= DUE_MAX:
        message = _l("截止日须在 %(low)s 到 %(high)s 天之后。", low=DUE_MIN, high=DUE_MAX)
        raise Invalid(fields={"due_on": [message]})
    closes = datetime.combine(due_on + timedelta(days=1), time.min, SHANGHAI)
    rows = _under_review(province, hospital_id, now)
    if not rows:
        raise Invalid(
            _l("这里没有要复核的权限。"), code="nothing_to_review", fields={"place": [_l("这里没有要复核的权限。")]}
        )
    campaign = Campaign(
        number=next_serial("GRV"), province=province, hospital_id=hospital_id, opened_at=now, opened_by=actor.id,
        opened_name=actor.name, due_on=due_on, closes_at=closes,
    )  # fmt: skip
    db.session.add(campaign)
    db.session.flush()
    for row in rows:
        record.settle(row, now)
        if row.status not in (Status.ACTIVE, Status.PAUSED):
            continue
        db.session.add(ReviewItem(campaign_id=campaign.id, grant_id=row.id, subject_id=row.subject_id))
        row.review_due_at = closes
        row.wakes_at = record.wakes_at(row, row.status, {})
    db.session.flush()
    audit.record("grant_review.opened", actor, "grant_campaign", campaign.id)
    return campaign


def decide(
    actor: Actor,
    item_id: uuid.UUID,
    version: int,
    decision: ReviewDecision,
    *,
    note: str = "",
    keep: Sequence[uuid.UUID] = (),
    lookback_months: int | None = None,
) -> ReviewItem:
    """KEEP, REDUCE to the departments ``keep`` and a shorter look-back, or REVOKE; one item at a time.

    Raises Conflict once decided or after the deadline, Forbidden on one's own grant or one that one had a part in.
    """
    item = db.session.get(ReviewItem, item_id, with_for_update=True, populate_existing=True)
    if item is None:
        raise NotFound()
    row = record.load(actor, item.grant_id, REVIEW, version=version)
    if item.decision is not None:
        raise Conflict(
            _l("这一项已经复核过。"), code="already_decided", who=item.decided_name, what=item.decision,
            when=item.decided_at,
        )  # fmt: skip
    now = clock.now()
    shown = use_of(row.id)
    facts = Facts(now=now, earlier=record.earlier_hands(row), note=note)
    _carry_out(actor, row, decision, facts, keep, lookback_months)
    item.decision, item.decided_by, item.decided_name, item.decided_at = decision.value, actor.id, actor.name, now
    item.note = note.strip() or None
    item.last_use_at, item.rows_opened, item.rows_listed = shown.last_at, shown.opened, shown.listed
    db.session.flush()
    return item


def _carry_out(
    actor: Actor,
    row: Grant,
    decision: ReviewDecision,
    facts: Facts,
    keep: Sequence[uuid.UUID],
    lookback_months: int | None,
) -> None:
    answered = {"review_due_at": None}
    if decision is ReviewDecision.KEEP:
        record.move(row, "keep_grant", actor, facts=facts, changes=answered)
        return
    if decision is ReviewDecision.REVOKE:
        record.move(row, "revoke_reviewed", actor, facts=facts, cause="reviewed")
        return
    old = nodes.open_nodes(row)
    dropped = [node for node in old if node.department_id not in set(keep)]
    if len(dropped) == len(old):
        raise Invalid(
            _l("请至少保留一个科室；要全部收回请选撤销。"), code="departments_required",
            fields={"departments": [_l("请至少保留一个科室；要全部收回请选撤销。")]},
        )  # fmt: skip
    months = lookback_months or row.lookback_months
    if months not in CHOICES or (row.lookback_months is not None and months > row.lookback_months):
        raise Invalid(fields={"lookback_months": [_l("回看只能缩短。")]})
    facts = replace(facts, reduces=bool(dropped) or months != row.lookback_months)
    nodes.remove(dropped, row.version + 1)
    db.session.expire(row, ["nodes"])
    record.move(row, "reduce_grant", actor, facts=facts, changes={**answered, "lookback_months": months})


def reviewers_of(campaign: Campaign) -> set[uuid.UUID]:
    """Who may decide its items: grant managers of the province."""
    return {staff_id for staff_id, _name in colleagues(Role.GRANT_MANAGER, province=campaign.province)}


class Use:
    """What a grant was used for since it began."""

    __slots__ = ("last_at", "listed", "opened")

    def __init__(self, last_at: datetime | None, opened: int, listed: int) -> None:
        self.last_at, self.opened, self.listed = last_at, opened, listed


def use_of(grant_id: uuid.UUID) -> Use:
    """Last use, records opened one by one (exports too), rows seen in lists."""
    u = GrantUse
    opened = sa.func.sum(sa.case((u.kind == UseKind.LISTED, 0), else_=u.rows))
    listed = sa.func.sum(sa.case((u.kind == UseKind.LISTED, u.rows), else_=0))
    row = db.session.execute(
        sa.select(sa.func.max(u.at, type_=u.at.type), opened, listed).where(u.grant_id == grant_id)
    ).one()
    return Use(row[0], int(row[1] or 0), int(row[2] or 0))


def _under_review(province: str, hospital_id: uuid.UUID | None, now: datetime) -> Sequence[Grant]:
    place = Grant.hospital_id == hospital_id if hospital_id is not None else Grant.province == province
    status = effective_status(now).in_((Status.ACTIVE, Status.PAUSED))
    stored = Grant.status.in_((Status.ACTIVE, Status.PAUSED, Status.SCHEDULED))
    query = sa.select(Grant).where(place, stored, status, Grant.review_due_at.is_(None))
    return db.session.scalars(query.order_by(Grant.id).with_for_update()).all()


def _place(actor: Actor, province: str, hospital_id: uuid.UUID | None) -> str:
    if hospital_id is not None:
        hospital = db.session.get(Hospital, hospital_id)
        if hospital is None:
            raise NotFound()
        province = hospital.province
    if province not in provinces.BY_CODE:
        raise Invalid(fields={"place": [_l("请选择医院或省份。")]})
    record.require_region(actor, Permission.GRANTS_LEAD, province)
    return province
