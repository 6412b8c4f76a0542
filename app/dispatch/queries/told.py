"""What became of the messages about an offer: who was reached, by which channel, and which channel refused.

Of an open offer every message is shown; of one that was taken back those alone that went wrong, because then somebody
may still be on the way.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core import outbox
from app.core.db import db
from app.core.policy import Actor, Permission
from app.core.worklist import Chip
from app.dispatch.models import AssigneeKind, Dispatch, DispatchState
from app.dispatch.service.tell import key_of
from app.notifications import words
from app.staff.models import StaffAccount

TEMPLATES: Mapping[str, Sequence[str]] = {
    DispatchState.OFFERED.value: ("dispatch_offer", "dispatch_offer_urgent"),
    DispatchState.RECALLED.value: ("dispatch_recalled",),
    DispatchState.WITHDRAWN.value: ("dispatch_withdrawn",),
    DispatchState.LOST.value: ("dispatch_withdrawn",),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One message to one person. ``refusals`` are sentences about the channels that did not take it."""

    id: uuid.UUID
    name: str
    what: str
    channel: str
    chip: Chip
    error: str
    refusals: Sequence[str]
    at: datetime
    linked: bool  # the reader may open the message


def told(actor: Actor, rows: Iterable[Dispatch]) -> dict[uuid.UUID, list[Line]]:
    """By offer. Two statements, none without an offer that is open or was taken back."""
    asked = [row for row in rows if row.state in TEMPLATES]
    if not asked:
        return {}
    people = _people(asked)
    wanted = {
        key_of(template, row, person.id): (row, person.name, template)
        for row in asked
        for person in people
        if row.assignee_id == (person.dealer_id if row.assignee_kind == AssigneeKind.DEALER else person.id)
        for template in TEMPLATES[row.state]
    }
    found = outbox.told(wanted)
    lines: dict[uuid.UUID, list[Line]] = {}
    for key, (row, name, template) in wanted.items():
        one = found.get(key)
        if one is not None and (row.state == DispatchState.OFFERED or one.refused_by or one.state in outbox.STUCK):
            lines.setdefault(row.id, []).append(_line(actor, one, name, template))
    return lines


def _people(rows: Sequence[Dispatch]) -> Sequence[Any]:
    """The accounts that these offers were sent to, by name."""
    a = StaffAccount
    ids = {row.assignee_id for row in rows}
    query = sa.select(a.id, a.name, a.dealer_id).where(sa.or_(a.id.in_(ids), a.dealer_id.in_(ids)))
    return db.session.execute(query.order_by(a.name, a.id)).all()


def _line(actor: Actor, one: outbox.Told, name: str, template: str) -> Line:
    return Line(
        one.id, name, words.template(template), words.channel(one.channel), words.STATES[one.state],
        words.error(one.error_code), words.refusals(one.refused_by), one.at, actor.may(Permission.NOTIFICATIONS_READ),
    )  # fmt: skip
