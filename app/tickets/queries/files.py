"""Files of a ticket: what there is, until when, and the one file that somebody with a task may open."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import Forbidden, NotFound
from app.core.files import StoredFile
from app.core.policy import Actor, Permission
from app.tickets.models import FileKind, Ticket, TicketFile
from app.tickets.service.reach import in_region
from app.tickets.viewing import why_open

Clause = sa.ColumnElement[bool]
UNHEARD = ("audio/amr", "audio/amr-wb")  # what browsers do not play: offered to be kept and heard elsewhere


@dataclass(frozen=True, slots=True)
class File:
    """A file in words. ``gone``: its content may not be read any more; ``message_id`` None: it came with the report."""

    id: uuid.UUID
    kind: str
    place: int
    media_type: str
    facts: Mapping[str, Any]
    at: datetime
    by_kind: str
    message_id: uuid.UUID | None
    erase_at: datetime | None
    gone: bool

    @property
    def picture(self) -> bool:
        return self.media_type.startswith("image/")

    @property
    def plays(self) -> bool:
        """Whether a browser can play it."""
        return self.media_type not in UNHEARD


_OF = (
    sa.select(TicketFile, StoredFile)
    .join(StoredFile, StoredFile.id == TicketFile.file_id)
    .where(TicketFile.ticket_id == sa.bindparam("ticket", type_=sa.Uuid()))
    .order_by(TicketFile.at, TicketFile.kind, TicketFile.place, TicketFile.id)
)


def of(ticket_id: uuid.UUID) -> list[File]:
    """All of them, in the order in which they came; one statement."""
    now = clock.now()
    return [
        File(
            row.id, row.kind, row.place, stored.media_type, row.facts, row.at, row.by_kind, row.message_id,
            stored.due_at(), stored.gone(now),
        )
        for row, stored in db.session.execute(_OF, {"ticket": ticket_id})
    ]  # fmt: skip


def by_message(found: Sequence[File]) -> dict[uuid.UUID | None, list[File]]:
    """By the message that brought them; None: by the report."""
    grouped: dict[uuid.UUID | None, list[File]] = {}
    for one in found:
        grouped.setdefault(one.message_id, []).append(one)
    return grouped


def to_open(
    actor: Actor,
    number: str,
    file_id: uuid.UUID,
    *,
    thumb: bool = False,
    permission: Permission = Permission.TICKETS_READ,
) -> tuple[Ticket, StoredFile, str]:
    """A file for staff, and why. NotFound out of the region, Forbidden (``claim_first``) without a task."""
    region = in_region(actor, permission)
    row = db.session.scalars(sa.select(Ticket).where(Ticket.number == number.upper(), *region)).one_or_none()
    if row is None:
        raise NotFound()
    stored = _stored(file_id, thumb, Ticket.id == row.id)
    why = why_open(actor, row, clock.now())
    if why is None:
        raise Forbidden(code="claim_first")
    return row, stored, why


def own(actor: Actor, number: str, file_id: uuid.UUID) -> StoredFile:
    """A file of a ticket that this customer reported himself; a department's rights open none. Raises NotFound."""
    if actor.kind != "customer":
        raise NotFound()
    told = TicketFile.kind.in_((FileKind.PHOTO.value, FileKind.VOICE.value))
    return _stored(file_id, False, Ticket.number == number, Ticket.customer_id == actor.id, told)


def _stored(file_id: uuid.UUID, thumb: bool, *where: Clause) -> StoredFile:
    place = TicketFile.thumbnail_id if thumb else TicketFile.file_id
    query = sa.select(StoredFile).join(TicketFile, place == StoredFile.id)
    query = query.join(Ticket, Ticket.id == TicketFile.ticket_id).where(TicketFile.id == file_id, *where)
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound()
    return found
