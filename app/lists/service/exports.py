"""Asking for an export, calling it off, and taking it away. `build` makes the large ones."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO
from urllib.parse import urlencode

from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from app.core import audit, clock, jobs
from app.core.db import db
from app.core.errors import Conflict, Gone, Invalid, TooManyRequests
from app.core.files import vault
from app.core.policy import Actor
from app.core.worklist import Worklist, choice, export
from app.lists import queries
from app.lists.models import ListExport
from app.lists.workflow import Status, workflow

JOB = "lists.export"
MOST_OPEN = 3  # exports of one person that wait or run
RETRY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Direct:
    """A file small enough to hand over at once."""

    file: IO[bytes]
    media_type: str
    name: str


@dataclass(frozen=True, slots=True)
class Download:
    """A finished export: its pieces are opened one after the other while they are sent."""

    chunks: Iterator[bytes]
    media_type: str
    name: str
    size: int


def request_export(
    actor: Actor, of: Worklist, args: MultiDict[str, str], *, kind: str, which: str, lang: str
) -> Direct | ListExport:
    """The file when it holds at most 5,000 rows, else an export that a worker builds.

    Raises Forbidden, Invalid (format; a filter that names a customer on a large one), TooManyRequests.
    """
    export.require(of, actor, kind)
    placed = export.columns(of, actor, which)
    body = list(islice(export.rows(of, actor, args, placed, limit=export.DIRECT + 1), export.DIRECT + 1))
    if len(body) <= export.DIRECT:
        keys = [column.key for _i, column in placed]
        audit.record(
            "worklist.exported", actor, "worklist", of.key, reason_code=kind, fields=keys, note=f"rows={len(body)}"
        )
        return Direct(
            export.write(kind, placed, body), export.MEDIA_TYPES[kind], export.file_name(of, kind, clock.now())
        )
    return _queue(actor, of, args, kind, [column.key for _i, column in placed], lang)


def _queue(actor: Actor, of: Worklist, args: MultiDict[str, str], kind: str, keys: list[str], lang: str) -> ListExport:
    if choice.names_a_customer(of, args):
        raise Invalid(_l("按姓名或手机查人的结果不能排队导出，请去掉这些条件。"), code="export_personal_filter")
    if queries.open_exports(actor) >= MOST_OPEN:
        raise TooManyRequests(
            _l("您有 %(n)s 个导出还没完成，请等它们完成或取消一个。", n=MOST_OPEN), retry_after=RETRY_SECONDS
        )
    known = {name: value for name, value in args.items() if name not in ("after", "before")}
    row = ListExport(
        staff_id=actor.id,
        worklist=of.key,
        kind=kind,
        query=choice.state_of(of, known),
        columns=",".join(keys),
        lang=lang,
        status=workflow.find(None, "request_export").target.value,
        created_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    audit.record("list_export.requested", actor, "list_export", row.id, reason_code=kind, fields=keys)
    jobs.enqueue(JOB, {"export": row.id.hex}, key=f"{JOB}:{row.id.hex}")
    return row


def cancel(actor: Actor, export_id: uuid.UUID) -> ListExport:
    """Call it off; a worker in the middle of it stops at its next step. Raises NotFound, TransitionRefused."""
    row = queries.export_of(actor, export_id)
    workflow.fire(row, "cancel_export", actor, changes={"finished_at": clock.now()})
    drop_parts(row)
    return row


def drop_parts(row: ListExport) -> None:
    """Erase whatever pieces any run has stored; inside the caller's unit of work."""
    for file in queries.parts(row):
        vault.erase(file)


def download(actor: Actor, export_id: uuid.UUID) -> Download:
    """The finished file, for who asked for it and still holds the right. An audit event each time.

    Raises NotFound, Forbidden, Conflict while it is not finished, Gone after 72 hours.
    """
    row = queries.export_of(actor, export_id)
    of = queries.worklist(actor, row.worklist)
    export.require(of, actor, row.kind)
    status = row.shown_status()
    if status == Status.EXPIRED:
        raise Gone(_l("导出的文件只保留 72 小时，已经删除；需要时请重新导出。"), code="export_expired")
    if status != Status.DONE:
        raise Conflict(_l("这个导出还没有可下载的文件。"), code="export_not_ready")
    files = queries.parts(row, row.version - 1)
    audit.record("list_export.downloaded", actor, "list_export", row.id, reason_code=row.kind, fields=["rows"])
    for file in files:
        db.session.expunge(file)  # they outlive the transaction: the bytes go out after its commit
    chunks = (vault.open_sealed(file) for file in files)
    return Download(chunks, export.MEDIA_TYPES[row.kind], export.file_name(of, row.kind, row.created_at), row.size)


def query_of(args: MultiDict[str, str]) -> str:
    """The state of a list as a query string, without the place in it."""
    return urlencode({key: value for key, value in args.items() if key not in ("after", "before")})
