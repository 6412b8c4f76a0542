"""Jobs of the hints: fingerprints on any worker; reading and laying over each other on the recogniser alone."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import click
import sqlalchemy as sa
from flask import Flask, current_app
from flask.cli import with_appcontext
from flask_babel import lazy_gettext as _l

import config
from app.core import clock, jobs, numbers
from app.core.db import db
from app.core.errors import Gone
from app.core.files import StoredFile, vault
from app.core.numbers import NumberSpec
from app.core.unit_of_work import unit_of_work
from app.registrations.hints import recogniser, service
from app.registrations.hints.fingerprint import WAYS
from app.registrations.hints.matching import Box, Line
from app.registrations.hints.models import PhotoMatch, PhotoReading
from app.registrations.models import Registration, SubmissionImage
from app.registrations.workflow import OPEN

FORGET = "hints.forget"
FORGET_EVERY = timedelta(hours=6)
READER = "photo_reader"  # key in app.extensions
MOST = 3  # times that a photo whose recogniser was killed as a whole is taken up again


def fingerprint(payload: dict[str, Any]) -> None:
    """Two units of work, so that each of two photos that come at once is seen by one of them."""
    image_id = uuid.UUID(payload["image"])
    with unit_of_work():
        known = service.fingerprint(image_id)
    if known:
        with unit_of_work():
            service.compare(image_id)


def read(payload: dict[str, Any]) -> None:
    """Read one photo of a case that is still open. No transaction is held while the reader works."""
    image_id = uuid.UUID(payload["image"])
    with unit_of_work(write=False):
        jpeg = _unread(image_id)
    if jpeg is None:
        return
    reader = _reader()
    try:
        answer = reader.read(jpeg)
    except recogniser.ReaderFailed as failure:
        with unit_of_work():
            service.note_failure(image_id, failure.code)
        return
    lines = [Line(text, Box(*box), score) for text, score, *box in answer["lines"]]
    with unit_of_work():
        kept = service.keep_reading(image_id, lines, engine=answer["engine"], millis=answer["millis"])
    if kept:
        with unit_of_work():
            service.compare(image_id)


def align(payload: dict[str, Any]) -> None:
    """Lay the two photos of a pair over each other; a pair of which one was erased stays as it is."""
    match_id = uuid.UUID(payload["match"])
    with unit_of_work(write=False):
        pair = _pair(match_id)
    if pair is None:
        return
    newer, earlier, ways = pair
    try:
        alike = _reader().align(earlier, newer, ways)
    except recogniser.ReaderFailed:
        alike = None
    with unit_of_work():
        service.keep_alignment(match_id, alike)


def _unread(image_id: uuid.UUID) -> bytes | None:
    query = (
        sa.select(StoredFile)
        .join(SubmissionImage, SubmissionImage.main_id == StoredFile.id)
        .join(Registration, Registration.id == SubmissionImage.registration_id)
        .outerjoin(PhotoReading, PhotoReading.image_id == SubmissionImage.id)
        .where(SubmissionImage.id == image_id, Registration.status.in_(OPEN), PhotoReading.id.is_(None))
    )
    stored = db.session.scalars(query).one_or_none()
    return None if stored is None else _content(stored)


def _pair(match_id: uuid.UUID) -> tuple[bytes, bytes, list[tuple[int, bool]]] | None:
    match = db.session.get(PhotoMatch, match_id)
    if match is None or match.laid_at is not None:
        return None
    both = [db.session.get_one(SubmissionImage, found).main for found in (match.image_id, match.earlier_id)]
    newer, earlier = (_content(stored) for stored in both)
    if newer is None or earlier is None:
        return None
    ways = [WAYS[match.way]] if match.distance <= service.NEAR_BITS else [WAYS[0]]
    return newer, earlier, ways  # points are found in any turn: only a mirrored picture needs its way


def _content(stored: StoredFile) -> bytes | None:
    try:
        return vault.open_sealed(stored)
    except Gone:
        return None


def _reader() -> recogniser.Reader:
    found: recogniser.Reader = current_app.extensions[READER]
    return found


def catch_up(limit: int = 1_000) -> int:
    """Queue the photos of open cases that were sent while nobody read: how many."""
    query = (
        sa.select(SubmissionImage.id)
        .join(Registration, Registration.id == SubmissionImage.registration_id)
        .join(StoredFile, StoredFile.id == SubmissionImage.main_id)
        .outerjoin(PhotoReading, PhotoReading.image_id == SubmissionImage.id)
        .where(
            Registration.status.in_(OPEN), PhotoReading.id.is_(None), StoredFile.erased_at.is_(None),
            sa.or_(StoredFile.erase_at.is_(None), StoredFile.erase_at > clock.now()),
        )
        .order_by(Registration.due_at)
        .limit(limit)
    )  # fmt: skip
    found = db.session.scalars(query).all()
    for image_id in found:
        service.expect_reading(image_id)
    return len(found)


@click.command("recognise")
@click.option("--once", is_flag=True, help="Read what waits, then end.")
@with_appcontext
def recognise(once: bool) -> None:
    """Read badge photos until SIGTERM or SIGINT; one such process per machine (requirements-ocr.txt)."""
    if why := recogniser.missing():
        raise click.ClickException(why)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    settings: config.Settings = app.extensions["settings"]
    with recogniser.only_one(settings.instance) as alone:
        if not alone:
            raise click.ClickException("another recogniser runs on this machine")
        with unit_of_work():
            catch_up()
        reader = app.extensions[READER]
        try:
            jobs.run_worker(app, recogniser.until_told(), once=once, lane=recogniser.LANE)
        finally:
            reader.close()


def install(app: Flask) -> None:
    """Handlers, the rhythm of forgetting, the command, the threshold on the settings page."""
    app.extensions[READER] = recogniser.Reader()
    jobs.handler(service.FINGERPRINT, outside=True)(fingerprint)
    on_recogniser = {"outside": True, "lane": recogniser.LANE, "max_attempts": MOST}
    jobs.handler(service.READ, **on_recogniser)(read)  # type: ignore[arg-type]
    jobs.handler(service.ALIGN, **on_recogniser)(align)  # type: ignore[arg-type]

    @jobs.handler(FORGET)
    def _forget(_payload: dict[str, Any]) -> None:
        service.forget_due()

    jobs.every(FORGET, FORGET_EVERY)
    numbers.specs.add(
        "reuse_alike",
        NumberSpec(
            "reuse_alike", "review", 90, 50, 100, "count",
            _l("两张照片至少有百分之多少的区域相同，才提示可能重复。"),
        ),
    )  # fmt: skip
    app.cli.add_command(recognise)
