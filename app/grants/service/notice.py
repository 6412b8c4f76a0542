"""Telling both sides: the person by the channels of customers, the staff who had a part by WeCom or e-mail."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa

from app.core import outbox
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.errors import NotFound
from app.customers import service as customers
from app.grants.models import Campaign, Grant, GrantEvent
from app.grants.workflow import Status, workflow
from app.staff.models import AccountState, StaffAccount
from app.staff.reach import addresses

PURPOSE = "grant_notice"
# what staff are told, in both languages: they read mail without our pages' language
STAFF_WORDS = {
    "grant_paused": ("已暂停，须重新确认", "paused; it has to be confirmed again"),
    "grant_expired": ("已失效", "ended"),
    "grant_expiring": ("即将到期", "about to end"),
    "grant_approved": ("已批准", "approved"),
    "grant_revoked": ("已撤销", "revoked"),
    "grant_reduced": ("已缩小范围", "reduced"),
    "grant_started": ("已生效", "in force"),
    "grant_resumed": ("已恢复", "in force again"),
    "grant_refused": ("未批准", "not approved"),
}


def tell(row: Grant, event: GrantEvent) -> None:
    """The message that the table names for this transition, to both sides."""
    source = Status(event.status_from) if event.status_from else None
    template = workflow.find(source, event.action).message
    if template is not None:
        _send(row, template, f"grant:{event.id.hex}", event.at)


def remind(row: Grant, days: int) -> None:
    """The end is near."""
    assert row.ends_at is not None
    _send(row, "grant_expiring", f"grant:{row.id.hex}:{days}:{row.ends_at:%Y%m%d}", row.ends_at)


def remind_reviewers(campaign: Campaign, left: int, staff_ids: set[uuid.UUID]) -> None:
    """Items without a decision lapse by themselves: whoever may decide them hears of it once more."""
    for staff_id, found in _addresses(staff_ids):
        outbox.send(
            "grant_review_due",
            to=outbox.Recipient(staff_id=staff_id, addresses=found),
            params={"number": campaign.number, "left": str(left), "due": campaign.due_on.isoformat()},
            purpose=PURPOSE,
            dedupe_key=f"grant_review:{campaign.id.hex}:{staff_id.hex}",
        )


def _send(row: Grant, template: str, key: str, at: Any) -> None:
    params = {"number": row.number, "at": at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")}
    try:
        to = customers.recipient(row.customer_id)
    except NotFound:  # the account was closed: nobody to tell on that side
        to = None
    if to is not None:
        outbox.send(template, to=to, params=params, purpose=PURPOSE, dedupe_key=f"{key}:person")
    words, english = STAFF_WORDS[template]
    for staff_id, found in _addresses(_staff_of(row)):
        outbox.send(
            "grant_staff_notice",
            to=outbox.Recipient(staff_id=staff_id, addresses=found),
            params={"number": row.number, "what": words, "what_en": english},
            purpose=PURPOSE,
            dedupe_key=f"{key}:{staff_id.hex}",
        )


def _staff_of(row: Grant) -> set[uuid.UUID]:
    asked = row.requested_by if row.requested_kind == "staff" else None
    return {found for found in (asked, row.endorsed_by, row.approved_by) if found is not None}


def _addresses(staff_ids: set[uuid.UUID]) -> list[tuple[uuid.UUID, dict[str, str]]]:
    if not staff_ids:
        return []
    active = (StaffAccount.id.in_(staff_ids), StaffAccount.state == AccountState.ACTIVE.value)
    query = sa.select(StaffAccount.id, StaffAccount.email, StaffAccount.wecom_user_id).where(*active)
    return [(row.id, addresses(row)) for row in db.session.execute(query.order_by(StaffAccount.id))]
