"""Photos and recordings of a ticket: no live task, no file; the event is committed before the first byte.

decisions.md 5, 21: what was opened, by whom and for which task is in the audit log; photos carry the viewer's name.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from app.core import audit, clock
from app.core.errors import Conflict, DomainError, Invalid, NotFound
from app.core.files import StoredFile, vault
from app.core.policy import Actor, Permission, current_actor, permit
from app.core.unit_of_work import savepoint
from app.tickets.models import FileKind, Ticket
from app.tickets.queries import dossier, files
from app.tickets.queries.files import File
from app.tickets.service import look
from app.tickets.triage import LOOK_REASONS
from app.tickets.viewing import why_open
from app.tickets.views import bp
from app.tickets.views.facts import head
from app.ui import pictures

READ = Permission.TICKETS_READ
KINDS = {
    FileKind.PHOTO: _l("故障照片"), FileKind.VOICE: _l("录音"), FileKind.CONDITION: _l("设备外观照片"),
    FileKind.SIGNATURE: _l("签收"), FileKind.DOCUMENT: _l("文件"),
}  # fmt: skip
SOUND = ("audio", "empty", "document")  # played by a page of ours, or kept by a link on it


@bp.get("/<number>/files")
@permit(READ)
def file_list(number: str) -> ResponseReturnValue:
    """All files in words; with a live task the photos and recordings themselves."""
    return _listed(current_actor(), number)


def _listed(actor: Actor, number: str, refusal: DomainError | None = None) -> str:
    found = dossier.find(actor, number)
    shown = shown_files(actor, found.row, files.of(found.row.id))
    may_ask = not shown["may_open"] and look.may_ask(actor, found.row, clock.now())
    return render_template(
        "tickets/files.html", kinds=KINDS, may_ask=may_ask, look_reasons=LOOK_REASONS, refusal=refusal, **shown,
        **head(actor, found),
    )  # fmt: skip


@bp.post("/<number>/files/look")
@permit(Permission.TICKETS_LEAD)
def begin_look(number: str) -> ResponseReturnValue:
    """An ended ticket's files open for this lead, for an hour, with the reason given."""
    actor = current_actor()
    try:
        with savepoint():
            row = look.begin(actor, number, request.form.get("reason", ""))
    except (Invalid, Conflict) as refusal:
        return _listed(actor, number, refusal), refusal.status
    return redirect(url_for(".file_list", number=row.number), 303)


@bp.get("/<number>/photos/<uuid:file_id>")
@permit(READ, evidence=True)
def photo(number: str, file_id: uuid.UUID) -> ResponseReturnValue:
    return marked_photo(number, file_id, READ)


def marked_photo(number: str, file_id: uuid.UUID, permission: Permission) -> ResponseReturnValue:
    """The picture with the viewer's name on it. 403 ``claim_first`` without a task, 404 out of scope, 410 erased."""
    pictures.refuse_foreign_fetch()
    actor, thumb = current_actor(), "thumb" in request.args
    row, stored, why = files.to_open(actor, number, file_id, thumb=thumb, permission=permission)
    return send_photo(actor, row, stored, why, thumb=thumb)


def send_photo(actor: Actor, row: Ticket, stored: StoredFile, why: str, *, thumb: bool) -> ResponseReturnValue:
    """What somebody was found to have a task on, marked with his name; the event goes with it."""
    if not stored.media_type.startswith("image/"):
        raise NotFound()
    clear = vault.open_sealed(stored)
    size = "thumbnail" if thumb else "ok"
    audit.record("ticket.photo_opened", actor, "ticket", row.id, reason_code=why, result=size)
    return pictures.marked(actor, lambda: clear, "photo.jpg")


@bp.get("/<number>/recordings/<uuid:file_id>")
@permit(READ, evidence=True)
def recording(number: str, file_id: uuid.UUID) -> ResponseReturnValue:
    """The recording as it was sent; ``?keep`` where no browser plays it. Refusals as for a photo."""
    pictures.refuse_foreign_fetch(*SOUND)
    actor, keep = current_actor(), "keep" in request.args
    row, stored, why = files.to_open(actor, number, file_id)
    if not stored.media_type.startswith("audio/"):
        raise NotFound()
    clear = vault.open_sealed(stored)
    audit.record("ticket.recording_opened", actor, "ticket", row.id, reason_code=why, result="kept" if keep else "ok")

    def body() -> Iterator[bytes]:
        yield clear

    name = f"{row.number}.{stored.media_type.removeprefix('audio/')}"
    how = "attachment" if keep else "inline"
    headers = {**pictures.HEADERS, "Content-Disposition": f'{how}; filename="{name}"'}
    return Response(body(), mimetype=stored.media_type, headers=headers)


def shown_files(actor: Actor, row: Ticket, found: Sequence[File], endpoint: str = "tickets.photo") -> dict[str, Any]:
    """What pages show of the files: addresses only where this person may open them now."""
    may_open = why_open(actor, row, clock.now()) is not None
    photos = [one for one in found if one.picture and not one.gone]
    at = lambda one, **more: url_for(endpoint, number=row.number, file_id=one.id, **more)
    return {
        "files": found,
        "may_open": may_open,
        "photo_count": len(photos),
        "pictures": [at(one) for one in photos] if may_open else [],
        "thumbs": [at(one, thumb="") for one in photos] if may_open else [],
        "recordings": [one for one in found if one.media_type.startswith("audio/")],
    }
