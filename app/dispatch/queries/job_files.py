"""Photos of a job: our own engineers see all of the ticket's, a dealer the ones its own people took, nobody the voice.

The customer's photos are not in the minimum of C32: they may show people and papers, so a dealer never gets them.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.files import StoredFile
from app.core.policy import Actor
from app.dispatch.models import AssigneeKind
from app.dispatch.queries import jobs
from app.dispatch.queries.jobs import Job
from app.dispatch.queries.mine import Clause
from app.dispatch.stages import Stage
from app.staff.models import StaffAccount
from app.tickets.models import FileKind, Ticket, TicketFile

F = TicketFile
PICTURES = (FileKind.PHOTO.value, FileKind.CONDITION.value)


def photos(job: Job) -> Sequence[uuid.UUID]:
    """Ids of the photos that may be opened now, in the order in which they came; one statement."""
    if job.stage is not Stage.HAND:
        return []
    query = sa.select(F.id, StoredFile).join(StoredFile, StoredFile.id == F.file_id).where(*_shown(job))
    now = clock.now()
    return [row[0] for row in db.session.execute(query.order_by(F.at, F.place, F.id)) if not row[1].gone(now)]


def to_open(actor: Actor, number: str, file_id: uuid.UUID, *, thumb: bool) -> tuple[Ticket, StoredFile]:
    """One of them. Raises NotFound for everybody else's ticket or file, and once the work is over."""
    job = jobs.find(actor, number)
    if job.stage is not Stage.HAND:
        raise NotFound()
    place = F.thumbnail_id if thumb else F.file_id
    query = sa.select(StoredFile).join(F, place == StoredFile.id).where(F.id == file_id, *_shown(job))
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound()
    return job.row, found


def _shown(job: Job) -> list[Clause]:
    rule = [F.ticket_id == job.row.id, F.kind.in_(PICTURES)]
    if job.found.assignee_kind == AssigneeKind.DEALER:
        people = sa.select(StaffAccount.id).where(StaffAccount.dealer_id == job.found.assignee_id)
        rule += [F.by_kind == "staff", F.by_id.in_(people)]
    return rule
