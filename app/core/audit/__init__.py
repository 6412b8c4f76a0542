"""The audit log: who did what to which object, in the same transaction as the change, in a chain of hashes.

``record`` gathers an event in the running unit of work; the frame appends it as its last words. Events hold no
personal data of customers: ids, codes and names of columns only. Free text and the network address go to an
encrypted side row, of which the chain holds a commitment, so that erasing it never breaks the chain.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import g, has_request_context

from app.core import clock, unit_of_work
from app.core.audit import chain
from app.core.audit.models import AuditCheckpoint, AuditEvent, AuditNote, AuditVerification
from app.core.policy import Actor

__all__ = ["AuditCheckpoint", "AuditEvent", "AuditNote", "AuditVerification", "record"]

EVENT_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]*")
MAX_CODE = 64
MAX_RESULT = 32
MAX_NAME = 128


def record(
    event: str,
    actor: Actor,
    object_type: str,
    object_id: Any,
    *,
    reason_code: str | None = None,
    fields: Sequence[str] = (),
    result: str = "ok",
    note: str | None = None,
    at: datetime | None = None,
) -> None:
    """Gather an event; it is appended when the running unit of work commits, or never.

    ``event`` is ``noun.verb_past``; ``fields`` are names of columns, never values; ``note`` is free text and goes to
    the encrypted side row. Raises ValueError on anything that is not a code where a code belongs, and RuntimeError
    outside of a unit of work.
    """
    if not EVENT_NAME.fullmatch(event) or len(event) > MAX_CODE:
        raise ValueError(f"audit event {event!r} is not noun.verb_past")
    names = list(fields)
    codes = (object_type, str(object_id), *names, *([reason_code] if reason_code is not None else ()))
    for code in (*codes, result):
        if not CODE.fullmatch(code) or len(code) > (MAX_RESULT if code is result else MAX_CODE):
            raise ValueError(f"{event}: {len(code)} characters that are no code; free text belongs in the note")
    if at is not None and at.tzinfo is None:
        raise ValueError("naive datetime in an audit event")
    unit_of_work.current().pending.setdefault(chain.PENDING, []).append(
        {
            "at": at or clock.now(),
            "actor_kind": actor.kind,
            "actor_id": actor.id,
            "actor_name": actor.name[:MAX_NAME] if actor.kind in ("staff", "system") else "",
            "session_hash": _session_hash(actor),
            "event": event,
            "object_type": object_type,
            "object_id": str(object_id),
            "reason_code": reason_code,
            "fields": names,
            "result": result,
            "request_id": g.get("request_id") if has_request_context() else None,
            "note": _note(note),
        }
    )


def _session_hash(actor: Actor) -> str | None:
    if actor.session_id is None:
        return None
    return hashlib.sha256(b"session|" + actor.session_id.bytes).hexdigest()


def _note(text: str | None) -> dict[str, str]:
    from app.core.web import client_address  # late: the frame below the web needs none of it

    found = {"text": text} if text else {}
    if has_request_context():
        found["address"] = client_address()
    return found


unit_of_work.last_words(chain.append)
