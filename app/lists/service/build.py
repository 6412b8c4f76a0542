"""The worker's part of an export: stream the rows into a file, seal it in parts, say how far it is.

The job may be killed at any moment and run again: each run has the version that its start gave the row, writes its
own parts, and only the run that still owns the row can finish it. Parts of a run that was cut off are erased by the
next one, and in any case after 72 hours.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import IO, Any
from urllib.parse import parse_qsl

import sqlalchemy as sa
from flask_babel import force_locale
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.core import clock, jobs
from app.core.db import db
from app.core.errors import Conflict, DomainError, NotFound, TransitionRefused, Unavailable
from app.core.files import vault
from app.core.policy import SYSTEM, Actor
from app.core.unit_of_work import evidence, unit_of_work
from app.core.worklist import Worklist, export
from app.lists import queries
from app.lists.models import ListExport, ListExportPart
from app.lists.service.exports import JOB, drop_parts
from app.lists.workflow import Status, workflow
from app.staff import queries as staff
from app.ui.frame import LANGUAGES

log = logging.getLogger("portal.exports")
LIFE = timedelta(hours=72)  # decisions.md 12
LEASE = timedelta(minutes=15)  # a million rows take a few minutes; a killed run is taken up again after this
ATTEMPTS = 4
PART_BYTES = 4 << 20  # the most of a file that is ever in memory
FILE_KIND = "list_export"


class GivenUp(Exception):
    """The row is no longer this run's: called off, or taken over. Nothing more to do."""


def run(payload: dict[str, Any]) -> None:
    """Build one export. What cannot go well another time ends as failed; what may is tried again by the job."""
    export_id = uuid.UUID(str(payload["export"]))
    try:
        row = _start(export_id)
    except (NotFound, TransitionRefused, Conflict):
        return  # called off, finished by another run, or gone
    try:
        _build(row)
    except GivenUp:
        log.info("export %s was called off or taken over", export_id)
    except Unavailable:
        raise
    except DomainError as error:
        _fail(row, error.code)


def _start(export_id: uuid.UUID) -> ListExport:
    """Take the row, and erase what a run that was cut off has left."""
    with unit_of_work():
        row = db.session.get(ListExport, export_id)
        if row is None:
            raise NotFound()
        workflow.fire(row, "start_export", SYSTEM, changes={"rows": 0})
        drop_parts(row)
        db.session.flush()
        db.session.expunge(row)
    return row


def _build(row: ListExport) -> None:
    with unit_of_work(write=False):
        actor = staff.actor_of(row.staff_id)
        of = queries.worklist(actor, row.worklist)
        export.require(of, actor, row.kind)
        placed = export.named(of, row.columns.split(","))
        args = MultiDict(parse_qsl(row.query))
        with force_locale(LANGUAGES.get(row.lang, LANGUAGES["zh"])):
            file = export.write(row.kind, placed, _counted(row, _rows(of, actor, args, placed)))
    with file:
        size = _seal(row, file)
    _finish(row, size)


def _rows(of: Worklist, actor: Actor, args: MultiDict[str, str], placed: list[Any]) -> Iterator[list[Any]]:
    return export.rows(of, actor, args, placed, limit=export.MOST)


def _counted(row: ListExport, body: Iterable[list[Any]]) -> Iterator[list[Any]]:
    """Pass the rows on and say every `export.STEP` of them how many there were."""
    count = 0
    for count, line in enumerate(body, start=1):
        yield line
        if count % export.STEP == 0:
            _progress(row, count)
    _progress(row, count)


def _progress(row: ListExport, count: int) -> None:
    with evidence() as session:  # a short transaction beside the long read
        _own(session, row, rows=count)
    row.rows = count


def _own(session: Session, row: ListExport, **values: Any) -> None:
    """Write to the row while it is still this run's; GivenUp otherwise."""
    done: Any = session.execute(
        sa.update(ListExport)
        .where(ListExport.id == row.id, ListExport.version == row.version, ListExport.status == Status.RUNNING)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    if done.rowcount != 1:
        raise GivenUp


def _seal(row: ListExport, file: IO[bytes]) -> int:
    """Store the file part by part, each in a short transaction; its size in bytes."""
    size, expires_at = 0, clock.now() + LIFE
    for seq, data in enumerate(iter(_reader(file), b"")):
        with unit_of_work():
            _own(db.session(), row, size=size + len(data))
            part = vault.put_sealed(FILE_KIND, data, "application/octet-stream", erase_at=expires_at)
            db.session.flush()
            db.session.add(ListExportPart(export_id=row.id, run=row.version, seq=seq, file_id=part.id))
        size += len(data)
    row.expires_at = expires_at
    return size


def _reader(file: IO[bytes]) -> Callable[[], bytes]:
    return lambda: file.read(PART_BYTES)


def _finish(row: ListExport, size: int) -> None:
    expires_at: datetime | None = row.expires_at
    with unit_of_work():
        mine = db.session.get(ListExport, row.id)
        if mine is None or mine.version != row.version or mine.status != Status.RUNNING:
            raise GivenUp
        changes = {"finished_at": clock.now(), "expires_at": expires_at, "size": size}
        workflow.fire(mine, "finish_export", SYSTEM, expected_version=row.version, changes=changes)


def _fail(row: ListExport, code: str) -> None:
    with unit_of_work():
        mine = db.session.get(ListExport, row.id)
        if mine is None or mine.version != row.version:
            return
        changes = {"finished_at": clock.now(), "error": code[:64]}
        workflow.fire(mine, "fail_export", SYSTEM, changes=changes, reason_code=code[:64])
        drop_parts(mine)


def install() -> None:
    """Register the job."""
    jobs.handler(JOB, outside=True, lease=LEASE, max_attempts=ATTEMPTS)(run)
