"""Versions of the score's weights: one dispatcher proposes, a lead publishes what somebody else proposed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.policy import Actor, Permission
from app.dispatch.eligibility.score import PART_LABELS
from app.dispatch.models import Weights
from app.dispatch.queries.replay import in_force, waiting

DISPATCH, LEAD = Permission.TICKETS_DISPATCH, Permission.TICKETS_LEAD
SUM, NOTE_MAX_CHARS = 100, 200


def propose(actor: Actor, content: Mapping[str, int | None], note: str) -> Weights:
    """Write down the next version. Raises Forbidden, Conflict while one waits, Invalid naming the field."""
    actor.require(DISPATCH)
    points = checked(content)
    if not note.strip() or len(note) > NOTE_MAX_CHARS:
        words = _l("请写明改了什么、为什么，最多 %(limit)s 个字。", limit=NOTE_MAX_CHARS)
        raise Invalid(fields={"note": [words]})
    if waiting() is not None:
        raise Conflict(_l("已有一版权重等待发布。"), code="weights_waiting")
    newest = db.session.scalar(sa.select(sa.func.max(Weights.version))) or 1
    if points == dict(in_force().content):
        raise Invalid(_l("与现行权重相同，没有可提出的改动。"), code="weights_same")
    made = Weights(
        version=newest + 1, content=points, note=note.strip(), created_at=clock.now(), created_by=actor.id,
        created_name=actor.name,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    audit.record("dispatch.weights_proposed", actor, "dispatch_weights", made.version)
    return made


def publish(actor: Actor, version: int) -> Weights:
    """Put it into force for the whole country; never one's own. Raises Forbidden, NotFound."""
    row = _waiting(actor, version)
    if actor.scope(LEAD) is not None:
        raise Forbidden(_l("权重在全国有效，须由不限省份的组长发布。"), code="bounded")
    if row.created_by == actor.id:
        raise Forbidden(_l("自己提出的权重须由别人发布。"), code="own_proposal")
    row.published_at, row.published_by, row.published_name = clock.now(), actor.id, actor.name
    db.session.flush()
    audit.record("dispatch.weights_published", actor, "dispatch_weights", row.version)
    return row


def drop(actor: Actor, version: int) -> None:
    """Take back what waits: who proposed it, or a lead. Raises Forbidden, NotFound."""
    row = _waiting(actor, version)
    if row.created_by != actor.id:
        actor.require(LEAD)
    db.session.delete(row)
    db.session.flush()
    audit.record("dispatch.weights_dropped", actor, "dispatch_weights", version)


def checked(content: Mapping[str, int | None]) -> dict[str, int]:
    """Whole points from nought, a hundred in all. Raises Invalid naming the field."""
    points = {key: content.get(key) for key in PART_LABELS}
    wrong: dict[str, list[Any]] = {
        key: [_l("请填 0 到 100 的整数。")] for key, value in points.items() if value is None or not 0 <= value <= SUM
    }
    if wrong:
        raise Invalid(fields=wrong)
    found = {key: value for key, value in points.items() if value is not None}
    if sum(found.values()) != SUM:
        total = sum(found.values())
        raise Invalid(_l("各项合计须为 100 分，现在是 %(total)s 分。", total=total), code="weights_sum")
    return found


def _waiting(actor: Actor, version: int) -> Weights:
    actor.require(DISPATCH)
    row = db.session.get(Weights, version, with_for_update=True)
    if row is None or row.published_at is not None:
        raise NotFound()
    return row
