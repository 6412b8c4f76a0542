"""Who sees to a case, what is learned about it, what was handed to regulatory affairs, and the hold on its ticket."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.db import db
from app.core.errors import Invalid
from app.core.policy import Actor
from app.safety.kinds import Kind, Step
from app.safety.models import NAME_MAX_CHARS, REFERENCE_MAX_CHARS, SafetyCase, SafetyHandover
from app.safety.service import clocks, notices
from app.safety.service.step import Seen, fire, load
from app.safety.workflow import Facts, Status
from app.tickets.service import hold

HANDED = (Step.FIRST, Step.FOLLOW_UP, Step.REPORT)


def judge(actor: Actor, number: str, seen: Seen, kind: str, text: str) -> SafetyCase:
    """Say or extend what kind of harm it is. Clocks are reckoned anew from the same awareness; a decision is due again.

    Raises Invalid (``kind``, ``text``), NotFound, Conflict.
    """
    row, ticket = load(actor, number, seen)
    if kind not in tuple(Kind):
        raise Invalid(fields={"kind": [_l("没有这个选项。")]})
    was, now = row.status, clock.now()
    facts = Facts(text=text, kind=Kind(kind))
    changes = {"kind": kind, "outcome": "", "closed_at": None}
    fire(row, "judge_kind", actor, facts, detail=kind, changes=changes)
    clocks.stop(row, Step.JUDGE, now)
    clocks.reckon(row, now)
    if was == Status.CLOSED and not ticket.safety_hold:
        hold.put(actor, ticket)
    notices.tell_judged(row, ticket, but=actor)
    return row


def extend(actor: Actor, number: str, seen: Seen, text: str) -> SafetyCase:
    """Write down more, without another kind."""
    row, _ticket = load(actor, number, seen)
    fire(row, "add_knowledge", actor, Facts(text=text))
    return row


def take(actor: Actor, number: str, seen: Seen) -> SafetyCase:
    """See to it from now on; colleagues may still act, and read who does. Raises NotFound, Conflict."""
    row, _ticket = load(actor, number, seen)
    changes = {"owner_id": actor.id, "owner_name": actor.name}
    fire(row, "take_case", actor, Facts(owned=row.owner_id == actor.id), changes=changes)
    return row


def leave_all_of(staff_id: uuid.UUID) -> int:
    """Whoever leaves sees to no case any more: an officer must take it; how many."""
    query = sa.update(SafetyCase).where(*owned_by(staff_id)).values(owner_id=None, owner_name="")
    done = db.session.execute(query.execution_options(synchronize_session="fetch"))
    return int(done.rowcount)  # type: ignore[attr-defined]


def owned_by(staff_id: uuid.UUID) -> list[sa.ColumnElement[bool]]:
    return [SafetyCase.owner_id == staff_id, SafetyCase.status != Status.CLOSED]


def hand_over(
    actor: Actor, number: str, seen: Seen, step: str, to_name: str, handed_at: datetime | None, reference: str
) -> SafetyCase:
    """Keep to whom, when and under which number it went. Raises Invalid naming the fields, NotFound, Conflict."""
    row, _ticket = load(actor, number, seen)
    _check_handover(row, step, to_name.strip(), handed_at, reference.strip())
    assert handed_at is not None
    action = "hand_over_report" if step == Step.REPORT else "hand_over_step"
    fire(row, action, actor, Facts(step=step, running=clocks.steps_running(row)), detail=step)
    db.session.add(
        SafetyHandover(
            case_id=row.id, step=step, to_name=to_name.strip(), handed_at=handed_at, reference=reference.strip(),
            by_id=actor.id, by_name=actor.name, recorded_at=clock.now(),
        )
    )  # fmt: skip
    clocks.stop(row, step, handed_at)
    return row


def _check_handover(row: SafetyCase, step: str, to_name: str, handed_at: datetime | None, reference: str) -> None:
    errors: dict[str, list[object]] = {}
    if step not in HANDED:
        errors["step"] = [_l("请选择移交的是哪一步。")]
    if not to_name or len(to_name) > NAME_MAX_CHARS:
        errors["to_name"] = [_l("请写明交给法规事务的哪一位。")]
    if not reference or len(reference) > REFERENCE_MAX_CHARS:
        errors["reference"] = [_l("请填写对方给的编号，最多 %(limit)s 个字。", limit=REFERENCE_MAX_CHARS)]
    if handed_at is None or not row.aware_at <= handed_at <= clock.now():
        errors["handed_at"] = [_l("移交时间须在知悉之后、现在之前。")]
    if errors:
        raise Invalid(fields=errors)


def set_hold(actor: Actor, number: str, seen: Seen, on: bool) -> SafetyCase:
    """Hold the ticket, or let it end again; the latter only after the decision."""
    row, ticket = load(actor, number, seen)
    fire(row, "hold_ticket" if on else "lift_hold", actor, Facts(held=ticket.safety_hold))
    (hold.put if on else hold.lift)(actor, ticket)
    return row
