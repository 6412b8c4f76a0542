"""A new version of the rules. What was decided keeps the version it was decided under."""

from __future__ import annotations

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError

from app.core import audit, clock
from app.core.db import db
from app.core.errors import Conflict, Invalid
from app.core.policy import Actor, Permission
from app.grants import rules
from app.grants.models import GrantPolicy
from app.grants.rules import Rules

NOTE_MAX = 200


def save_policy(actor: Actor, changed: Rules, note: str, *, seen_version: int) -> GrantPolicy:
    """Write the next version. Raises Invalid, Conflict when somebody else was faster, Forbidden, StepUpRequired."""
    actor.require(Permission.GRANTS_LEAD)
    actor.require_step_up()
    note = note.strip()
    if not note or len(note) > NOTE_MAX:
        raise Invalid(fields={"note": [_l("请用一句话写明改了什么、为什么。")]})
    checked = rules.checked(changed)
    latest = db.session.scalar(sa.select(sa.func.max(GrantPolicy.version))) or 0
    if latest != seen_version:
        raise Conflict(_l("同事刚刚改了规则，请看最新的再改。"), code="policy_changed")
    if checked.to_json() == rules.current().to_json():
        raise Invalid(_l("没有改动。"), code="unchanged")
    row = GrantPolicy(
        version=latest + 1, content=checked.to_json(), note=note, created_at=clock.now(), created_by=actor.id,
        created_name=actor.name,
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(row)
            db.session.flush()
    except IntegrityError as error:
        raise Conflict(_l("同事刚刚改了规则，请看最新的再改。"), code="policy_changed") from error
    audit.record("grant_policy.changed", actor, "grant_policy", row.version)
    return row
