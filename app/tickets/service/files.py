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
from app.core.errors import Invalid
from app.core.files import StoredFile, vault
from app.core.files.audio import CleanSound
from app.core.files.images import CleanImage
from app.core.policy import Actor
from app.tickets.models import FileKind, Ticket, TicketFile, fault_tokens

PHOTOS_MAX = 9
VOICE_KEPT = timedelta(hours=24)


def attach_photos(
    row: Ticket,
    actor: Actor,
    photos: Sequence[CleanImage],
    *,
    message_id: uuid.UUID | None = None,
    kind: FileKind = FileKind.PHOTO,
    leg_id: uuid.UUID | None = None,
) -> list[TicketFile]:
    """Seal them in the given order; ``leg_id``: of the custody that they show. Raises Invalid beyond nine."""
    if len(photos) > PHOTOS_MAX:
        raise Invalid(fields={"photos": [_l("最多 9 张照片。")]})
    made, of_leg = [], {"leg": leg_id.hex} if leg_id is not None else {}
    for place, photo in enumerate(photos, start=1):
        main = vault.put_sealed("ticket_photo", photo.main, photo.media_type)
        thumbnail = vault.put_sealed("ticket_photo_thumb", photo.thumbnail, photo.media_type)
        db.session.flush()
        made.append(
            TicketFile(
                ticket_id=row.id, subject_id=row.subject_id, message_id=message_id, kind=kind.value,
                place=place, file_id=main.id, thumbnail_id=thumbnail.id, upload_sha256=photo.sha256,
                facts={"width": photo.width, "height": photo.height, **of_leg}, by_kind=actor.kind, by_id=actor.id,
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


def write_down(row: Ticket, actor: Actor, text: str) -> None:
    """What was heard. The recording goes 24 hours from the first saving on; correcting the text moves nothing."""
    said = text.strip()
    if said == (row.voice_text if row.voice_sealed is not None else None):
        return
    row.voice_text = said
    fault_tokens.remove(row.id)
    fault_tokens.put(row.id, f"{row.fault or ''}\n{said}")
    for one in recordings(row.id):
        if one.erase_at is None:
            one.erase_at = clock.now() + VOICE_KEPT
    audit.record("ticket.voice_written_down", actor, "ticket", row.id)
    db.session.flush()


def recordings(ticket_id: uuid.UUID) -> Sequence[StoredFile]:
    query = sa.select(StoredFile).join(TicketFile, TicketFile.file_id == StoredFile.id)
    spoken = TicketFile.kind == FileKind.VOICE.value
    return db.session.scalars(query.where(TicketFile.ticket_id == ticket_id, spoken)).all()
