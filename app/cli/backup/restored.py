"""What a restored database has to be told before anybody works on it: it believes that it is still yesterday.

Erasures since the backup are done again from the ledger; nobody stays signed in on sessions that may have been ended
since; messages that were due since are never sent by themselves, because most of them were.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.cli.backup.manifest import Manifest
from app.cli.backup.seal import BackupError
from app.core import audit, clock
from app.core.db import db
from app.core.keys import ledger
from app.core.outbox.models import OPEN, Message, MessageState
from app.core.policy import SYSTEM
from app.core.unit_of_work import unit_of_work
from app.customers.models import CustomerToken
from app.staff.models import StaffSession


@dataclass(frozen=True, slots=True)
class Settled:
    """What was done to the restored rows."""

    replayed: ledger.Replayed
    sessions: int
    messages: int


def settle(manifest: Manifest) -> Settled:
    """Replay, sign everybody out, stop what may have been sent; one transaction in the new place."""
    with unit_of_work():
        replayed = ledger.replay()
        if replayed.references and replayed.unknown == replayed.references:
            raise BackupError(
                "the key store knows none of the keys that this backup names: put the key store in place first "
                "(flask backup keys restore), or set PORTAL_KEYSTORE_URL to the right one"
            )
        sessions = sum(_end(model) for model in (StaffSession, CustomerToken))
        messages = _stop_messages()
        done = ", ".join(f"{name} {count}" for name, count in replayed.changed.items() if count) or "nothing"
        audit.record("backup.restored", SYSTEM, "backup", manifest.id, note=f"made {manifest.made_at.isoformat()}")
        audit.record("erasure.replayed", SYSTEM, "backup", manifest.id, note=done)
    return Settled(replayed, sessions, messages)


def _end(model: Any) -> int:
    ended: Any = db.session.execute(sa.update(model).where(model.ended_at.is_(None)).values(ended_at=clock.now()))
    return int(ended.rowcount)


def _stop_messages() -> int:
    """Those that were due by now: they went out after the backup, or may have. A person decides on each."""
    due = Message.state.in_(OPEN), Message.not_before <= clock.now()
    stopped: Any = db.session.execute(
        sa.update(Message).where(*due).values(state=MessageState.UNKNOWN.value, error_code="restored")
    )
    return int(stopped.rowcount)
