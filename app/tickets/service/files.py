"""Files of a ticket: photos written anew, one recording, both under keys of their own in the vault.

A recording goes 24 hours after its words are saved as text (product.md, decisions.md 29); from that instant on reading
it answers Gone, job or no job.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock
from app.core.db import db
from app.core.errors import Invalid, NotFound
from app.core.files import StoredFile, vault
from app.core.files.audio import CleanSound
from app.core.files.images import CleanImage
from app.core.policy import Actor, Permission
from app.tickets.models import FAULT_MAX_CHARS, FileKind, Ticket, TicketFile, fault_tokens
from app.tickets.service.reach import load

PHOTOS_MAX = 9
VOICE_KEPT = timedelta(hours=24)


def attach_photos(
    row: Ticket, actor: Actor, photos: Sequence[CleanImage], *, message_id: uuid.UUID | None = None
) -> list[TicketFile]:
    """Seal them in the given order. Raises Invalid beyond nine."""
    if len(photos) > PHOTOS_MAX:
        raise Invalid(fields={"photos": [_l("最多 9 张照片。")]})
    made = []
    for place, photo in enumerate(photos, start=1):
        main = vault.put_sealed("ticket_photo", photo.main, photo.media_type)
        thumbnail = vault.put_sealed("ticket_photo_thumb", photo.thumbnail, photo.media_type)
        db.session.flush()
        made.append(
            TicketFile(
                ticket_id=row.id, subject_id=row.subject_id, message_id=message_id, kind=FileKind.PHOTO.value,
                place=place, file_id=main.id, thumbnail_id=thumbnail.id, upload_sha256=photo.sha256,
                facts={"width": photo.width, "height": photo.height}, by_kind=actor.kind, by_id=actor.id,
                at=clock.now(),
            )
        )  # fmt: skip
    db.session.add_all(made)
    db.session.flush()
    return made


def attach_voice(row: Ticket, actor: Actor, sound: CleanSound, text: str) -> TicketFile:
    """Seal the recording. Where the phone recognised it already, its day begins now."""
    now = clock.now()
    stored = vault.put_sealed(
        "ticket_voice", sound.data, sound.media_type, erase_at=now + VOICE_KEPT if text.strip() else None
    )
    db.session.flush()
    made = TicketFile(
        ticket_id=row.id, subject_id=row.subject_id, message_id=None, kind=FileKind.VOICE.value, place=1,
        file_id=stored.id, thumbnail_id=None, upload_sha256=sound.sha256, facts={"seconds": sound.seconds},
        by_kind=actor.kind, by_id=actor.id, at=now,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made


def save_voice_text(actor: Actor, ticket_id: uuid.UUID, text: str) -> Ticket:
    """What the triager heard. The recording goes 24 hours from the first saving on; correcting the text moves nothing.

    Raises Invalid on an empty or too long text, NotFound without a recording.
    """
    row = load(actor, ticket_id, Permission.TICKETS_TRIAGE)
    stored = db.session.scalars(
        sa.select(StoredFile)
        .join(TicketFile, TicketFile.file_id == StoredFile.id)
        .where(TicketFile.ticket_id == row.id, TicketFile.kind == FileKind.VOICE.value)
    ).all()
    if not stored:
        raise NotFound()
    said = text.strip()
    if not said or len(said) > FAULT_MAX_CHARS:
        raise Invalid(fields={"voice_text": [_l("请填写，最多 %(limit)s 个字。", limit=FAULT_MAX_CHARS)]})
    row.voice_text = said
    fault_tokens.remove(row.id)
    fault_tokens.put(row.id, f"{row.fault or ''}\n{said}")
    for one in stored:
        if one.erase_at is None:
            one.erase_at = clock.now() + VOICE_KEPT
    audit.record("ticket.voice_written_down", actor, "ticket", row.id)
    db.session.flush()
    return row


def own_file(actor: Actor, number: str, file_id: uuid.UUID, *, thumb: bool = False) -> StoredFile:
    """A file of a ticket that this customer reported himself; a department's rights open none. Raises NotFound."""
    if actor.kind != "customer":
        raise NotFound()
    return _stored(file_id, thumb, Ticket.number == number, Ticket.customer_id == actor.id)


def staff_file(ticket: Ticket, file_id: uuid.UUID, *, thumb: bool = False) -> StoredFile:
    """A file of a ticket that the caller was already found to see. Raises NotFound."""
    return _stored(file_id, thumb, Ticket.id == ticket.id)


def _stored(file_id: uuid.UUID, thumb: bool, *where: sa.ColumnElement[bool]) -> StoredFile:
    place = TicketFile.thumbnail_id if thumb else TicketFile.file_id
    query = sa.select(StoredFile).join(TicketFile, place == StoredFile.id)
    query = query.join(Ticket, Ticket.id == TicketFile.ticket_id).where(TicketFile.id == file_id, *where)
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound()
    return found
