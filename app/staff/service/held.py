"""What somebody was typing when his session ended: kept sealed for an hour, for the same person alone.

A session ends by time while a page stands open; the next press of a button would lose the words. The form is kept here
instead, under the account that the old cookie belonged to, and waits after the sign-in. Nothing stays in the browser,
and it works without scripts. Never kept: forms with a password or a code, files, what another site sent.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor
from app.core.unit_of_work import evidence
from app.staff.models import AccountState, HeldForm, SessionStage, StaffAccount, StaffSession

LASTS = timedelta(hours=1)
AFTER_LAST_SEEN = timedelta(hours=24)  # an older cookie says too little about who sits there
MOST_CHARS = 64_000
MOST_FORMS = 5  # of one person; the oldest go
SECRETS = frozenset({"password", "code", "current", "new", "again"})
Fields = Sequence[tuple[str, str]]


def hold(token_hash: bytes, path: str, fields: Fields) -> uuid.UUID | None:
    """Keep the form, in a transaction of its own; its id, or None where nothing may or need be kept."""
    if SECRETS.intersection(name for name, _value in fields):
        return None
    text = json.dumps(list(fields), ensure_ascii=False)
    if not fields or len(text) > MOST_CHARS or len(path) > HeldForm.PATH_MAX_CHARS:
        return None
    now = clock.now()
    with evidence() as own:
        staff_id = own.scalar(
            sa.select(StaffSession.staff_id)
            .join(StaffAccount, StaffAccount.id == StaffSession.staff_id)
            .where(
                StaffSession.token_hash == token_hash, StaffSession.stage == SessionStage.FULL.value,
                StaffSession.ended_at.is_(None), StaffSession.last_seen_at > now - AFTER_LAST_SEEN,
                StaffAccount.state == AccountState.ACTIVE.value,
            )
        )  # fmt: skip
        if staff_id is None:
            return None
        row = HeldForm(staff_id=staff_id, path=path, at=now, until=now + LASTS)
        row.fields = text
        own.add(row)
        own.flush()
        kept = sa.select(HeldForm.id).where(HeldForm.staff_id == staff_id)
        kept = kept.order_by(HeldForm.at.desc(), HeldForm.id.desc()).offset(MOST_FORMS)
        own.execute(sa.delete(HeldForm).where(HeldForm.id.in_(own.scalars(kept).all())))
        return row.id


def held(actor: Actor, form_id: uuid.UUID) -> tuple[HeldForm, Fields]:
    """One's own, while it lasts. Raises NotFound."""
    row = db.session.get(HeldForm, form_id)
    if row is None or row.staff_id != actor.id or row.until <= clock.now():
        raise NotFound()
    return row, [(name, value) for name, value in json.loads(row.fields or "[]")]


def let_go(actor: Actor, form_id: uuid.UUID) -> None:
    """Throw it away. Raises NotFound."""
    row, _fields = held(actor, form_id)
    db.session.delete(row)
    db.session.flush()


def forget_held() -> int:
    """Erase what is over; how many."""
    done = db.session.execute(sa.delete(HeldForm).where(HeldForm.until <= clock.now()))
    return int(done.rowcount)  # type: ignore[attr-defined]
