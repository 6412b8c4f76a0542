"""A new version of the promises: drafted by one person, published by another, in force from a day on.

Tickets keep the version they were frozen with; only `rebase` moves them, and never by itself. Two people, because one
wrong figure moves every promise made from that day on (as for grants, decisions.md 18).
"""

from __future__ import annotations

from datetime import date, datetime, time

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError

from app.core import audit, clock
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.policy import Actor, Permission
from app.tickets.models import SlaDraft, SlaPolicy
from app.tickets.sla import content, policy
from app.tickets.sla.content import Content

MANAGE = Permission.PROMISES_MANAGE
ONLY = 1  # the draft's id
NOTE_MAX_CHARS = 200
AHEAD_MOST_DAYS = 366


def save_draft(actor: Actor, found: Content, note: str, *, seen: int) -> SlaDraft:
    """Write the draft anew; ``seen`` is the edition that the actor had before himself, 0 for none.

    Raises Forbidden, Invalid (fields of the form), Conflict when somebody saved meanwhile.
    """
    actor.require(MANAGE)
    note = note.strip()
    if not note or len(note) > NOTE_MAX_CHARS:
        raise Invalid(fields={"note": [_l("请用一句话写明改了什么、为什么。")]})
    checked, base = content.checked(found), policy.latest()
    if not list(content.changes(content.of(base), checked)):
        raise Invalid(_l("与第 %(n)s 版完全相同，没有可保存的改动。", n=base.version), code="unchanged")
    row = _locked_draft()
    if (row.edition if row else 0) != seen:
        raise Conflict(_l("同事刚刚改了草稿，请看最新的再改。"), code="draft_changed")
    if row is None:
        row = SlaDraft(id=ONLY, edition=0)
    row.edition, row.base_version, row.content, row.note = seen + 1, base.version, checked.plain(), note
    row.drafted_at, row.drafted_by, row.drafted_name = clock.now(), actor.id, actor.name
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError as error:
        raise Conflict(_l("同事刚刚改了草稿，请看最新的再改。"), code="draft_changed") from error
    audit.record("sla_policy.drafted", actor, "sla_draft", row.edition)
    return row


def drop_draft(actor: Actor, *, seen: int) -> None:
    """Give the draft up. Raises Forbidden, Conflict when it is another one by now."""
    actor.require(MANAGE)
    row = _seen(seen)
    db.session.delete(row)
    db.session.flush()
    audit.record("sla_policy.draft_dropped", actor, "sla_draft", seen)


def publish(actor: Actor, from_day: date, *, seen: int) -> SlaPolicy:
    """Put the draft in force for what is reported and triaged from ``from_day`` on, in China; today: from now on.

    Raises Forbidden (also for whoever wrote the draft), StepUpRequired, Invalid (``from_day``), Conflict.
    """
    actor.require(MANAGE)
    actor.require_step_up()
    row = _seen(seen)
    if row.drafted_by == actor.id:
        raise Forbidden(_l("草稿由您写下，须由另一位同事发布。"))
    latest = policy.latest()
    if latest.version != row.base_version:
        raise Conflict(
            _l("草稿对照的是第 %(n)s 版，之后又发布过新版，请重新起草。", n=row.base_version), code="policy_changed"
        )
    today = clock.today()
    if not today <= from_day or (from_day - today).days > AHEAD_MOST_DAYS:
        raise Invalid(fields={"from_day": [_l("生效日期从今天起，最远 %(n)s 天。", n=AHEAD_MOST_DAYS)]})
    midnight = datetime.combine(from_day, time(), clock.SHANGHAI)
    made = SlaPolicy(
        version=latest.version + 1, valid_from=max(midnight, clock.now()), note=row.note, published_by=actor.id,
        published_name=actor.name, published_at=clock.now(), **row.content,
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(made)
    except IntegrityError as error:
        raise Conflict(code="policy_changed") from error
    db.session.delete(row)
    db.session.flush()
    audit.record("sla_policy.published", actor, "sla_policy", made.version)
    return made


def _locked_draft() -> SlaDraft | None:
    query = sa.select(SlaDraft).where(SlaDraft.id == ONLY).with_for_update()
    return db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def _seen(edition: int) -> SlaDraft:
    row = _locked_draft()
    if row is None or row.edition != edition:
        raise Conflict(_l("草稿刚刚被改过、发布或放弃，请看最新的。"), code="draft_changed")
    return row
