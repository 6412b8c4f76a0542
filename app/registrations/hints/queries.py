"""What a reviewer with a live task may see of the hints: what was read, and photos that look alike, with their right.

No live task, no image, and nothing that was read off one (decisions.md 21). A comparison is a task of its own, opened
from the reviewer's case; photos of cases outside the reviewer's provinces, or of the own account, are not mentioned.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core import clock, numbers
from app.core.db import db
from app.core.errors import Forbidden, Gone, NotFound
from app.core.files import StoredFile, vault
from app.core.policy import Actor
from app.registrations.checks import FIELDS
from app.registrations.hints import matching, service
from app.registrations.hints.matching import Box, Level
from app.registrations.hints.models import PhotoMatch, PhotoReading, PhotoVerdict
from app.registrations.models import Registration, Submission, SubmissionImage
from app.registrations.queries.scope import in_scope
from app.registrations.task import refuse_own
from app.registrations.viewing import why_open

MARGIN = 0.35  # of a line's height, around a crop


@dataclass(frozen=True, slots=True)
class FieldHint:
    """One field's hint with the photo that bears it out."""

    level: Level
    read: str = ""
    image_id: uuid.UUID | None = None
    box: Box | None = None
    turn: int = 0  # clockwise quarter turns that make the photo upright


@dataclass(frozen=True, slots=True)
class Alike:
    """A pair as the panel and the comparison show it; ``share`` per cent, None when it was not laid over."""

    match: PhotoMatch
    own_image: uuid.UUID
    other: Registration
    other_name: str | None
    other_round: int
    other_at: datetime
    gone: bool  # the other photo is erased: no comparison, the fingerprint is all there is
    verdict: str | None
    verdict_by: str
    stored: StoredFile

    @property
    def laid_alike(self) -> bool:
        """Laid over each other, and enough of one is found in the other."""
        return self.match.alike is not None and self.match.alike >= _threshold()

    @property
    def same_picture(self) -> bool:
        """Near by fingerprint: one photograph, not one card photographed twice."""
        return self.match.distance <= service.NEAR_BITS

    @property
    def share(self) -> int | None:
        return None if self.match.alike is None else int(self.match.alike * 100)


def has_task(actor: Actor, row: Registration) -> bool:
    """Whether this person may open the photos of the case now."""
    return why_open(actor, row, clock.now()) is not None


def refuse_without_task(actor: Actor, row: Registration) -> None:
    """Forbidden for the own account's case, and (``claim_first``) without the task."""
    refuse_own(actor, row)
    if not has_task(actor, row):
        raise Forbidden(code="claim_first")


def field_hints(actor: Actor, row: Registration, submission_id: uuid.UUID) -> Mapping[str, FieldHint]:
    """A hint per claimed field for whoever has the task, UNREAD where nothing is known; nothing for anybody else."""
    if not has_task(actor, row):
        return {}
    query = (
        sa.select(PhotoReading)
        .join(SubmissionImage, SubmissionImage.id == PhotoReading.image_id)
        .where(SubmissionImage.submission_id == submission_id, PhotoReading.outcome == service.Outcome.READ)
        .options(joinedload(PhotoReading.image).joinedload(SubmissionImage.main))
        .order_by(SubmissionImage.place)
    )
    found: dict[str, list[FieldHint]] = {field: [] for field in FIELDS}
    for reading in db.session.scalars(query):
        said = opened(reading)
        for field, hint in said.fields.items() if said else ():
            image_id = reading.image_id if hint.box else None
            found[field].append(FieldHint(hint.level, hint.read, image_id, hint.box, said.turn if said else 0))
    return {field: matching.best_of(hints) or FieldHint(Level.UNREAD) for field, hints in found.items()}


def unread_hints(actor: Actor, row: Registration) -> Mapping[str, FieldHint]:
    """What `field_hints` says of a round that nothing was read of; no statement for the holder of the case."""
    return {field: FieldHint(Level.UNREAD) for field in FIELDS} if has_task(actor, row) else {}


def opened(reading: PhotoReading) -> service.Found | None:
    """What a reading holds; None once its photo is erased."""
    if reading.found_sealed is None:
        return None
    try:
        data = vault.open_beside(reading.image.main, service.PLACE, reading.id, reading.found_sealed)
    except Gone:
        return None
    return service.Found.from_json(data)


def crop_box(image_id: uuid.UUID, field: str) -> tuple[Box, int]:
    """Where on the photo this field was found, with a margin, and the turn that makes it upright. NotFound where it was
    not found; the caller checks the task."""
    query = sa.select(PhotoReading).where(
        PhotoReading.image_id == image_id, PhotoReading.outcome == service.Outcome.READ
    )
    options = joinedload(PhotoReading.image).joinedload(SubmissionImage.main)
    reading = db.session.scalars(query.options(options)).one_or_none()
    said = opened(reading) if reading is not None else None
    hint = said.fields.get(field) if said is not None else None
    if said is None or hint is None or hint.box is None:
        raise NotFound()
    pad = MARGIN * min(hint.box.bottom - hint.box.top, hint.box.right - hint.box.left)
    left, top, right, bottom = hint.box
    box = Box(max(0.0, left - pad), max(0.0, top - pad), min(1.0, right + pad), min(1.0, bottom + pad))
    return box, said.turn


def alike(actor: Actor, row: Registration, submission_id: uuid.UUID) -> list[Alike]:
    """Pairs that this round's photos belong to and that say enough to be shown, the most alike first."""
    if not has_task(actor, row):
        return []
    own = sa.select(SubmissionImage.id).where(SubmissionImage.submission_id == submission_id)
    return _alike(actor, PhotoMatch.image_id.in_(own), PhotoMatch.earlier_id.in_(own))


def comparison(actor: Actor, row: Registration, match_id: uuid.UUID) -> Alike:
    """One pair, opened from the reviewer's own case.

    Forbidden (``claim_first``) without the task; NotFound for a pair that the case's photos have no part in, or whose
    other side the reviewer may not see.
    """
    refuse_without_task(actor, row)
    own = sa.select(SubmissionImage.id).where(SubmissionImage.registration_id == row.id)
    found = [
        pair
        for pair in _alike(actor, PhotoMatch.image_id.in_(own), PhotoMatch.earlier_id.in_(own), all_of_them=True)
        if pair.match.id == match_id
    ]
    if not found:
        raise NotFound()
    return found[0]


def _alike(
    actor: Actor, newer: sa.ColumnElement[bool], earlier: sa.ColumnElement[bool], *, all_of_them: bool = False
) -> list[Alike]:
    """Both sides of the pairs; the other side in scope, and not of the reviewer's own account."""
    other_id = sa.case((newer, PhotoMatch.earlier_id), else_=PhotoMatch.image_id)
    query = (
        sa.select(PhotoMatch, SubmissionImage, Submission, Registration, StoredFile)
        .join(SubmissionImage, SubmissionImage.id == other_id)
        .join(Submission, Submission.id == SubmissionImage.submission_id)
        .join(Registration, Registration.id == SubmissionImage.registration_id)
        .join(StoredFile, StoredFile.id == SubmissionImage.main_id)
        .where(sa.or_(newer, earlier), *in_scope(actor))
    )
    if not all_of_them:
        query = query.where(_says_enough())
    rows = db.session.execute(query).all()
    verdicts = _verdicts([row[0].id for row in rows])
    found = []
    for match, image, sent, other, stored in rows:
        if _own_account(actor, other):
            continue
        said = verdicts.get(match.id)
        found.append(
            Alike(
                match=match, own_image=match.earlier_id if image.id == match.image_id else match.image_id,
                other=other, other_name=_name(sent), other_round=sent.round, other_at=sent.submitted_at,
                gone=stored.gone(clock.now()), stored=stored, verdict=said.verdict if said else None,
                verdict_by=said.by_name if said else "",
            )
        )  # fmt: skip
    return sorted(found, key=lambda pair: (not pair.laid_alike, -(pair.match.alike or 0.0), pair.match.distance))


def _says_enough() -> sa.ColumnElement[bool]:
    """Laid over each other and alike; the same name or number read within the hospital; or, where nothing could be laid
    over, all but the same picture by fingerprint."""
    return sa.or_(
        PhotoMatch.alike >= _threshold(),
        PhotoMatch.same_name,
        PhotoMatch.same_number,
        sa.and_(PhotoMatch.alike.is_(None), PhotoMatch.distance <= service.ALONE_BITS),
    )


def _threshold() -> float:
    return int(numbers.get("reuse_alike")) / 100


def _verdicts(match_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, PhotoVerdict]:
    """The latest verdict of each pair."""
    if not match_ids:
        return {}
    query = sa.select(PhotoVerdict).where(PhotoVerdict.match_id.in_(match_ids)).order_by(PhotoVerdict.id)
    return {said.match_id: said for said in db.session.scalars(query)}


def _own_account(actor: Actor, other: Registration) -> bool:
    try:
        refuse_own(actor, other)
    except Forbidden:
        return True
    return False


def _name(sent: Submission) -> str | None:
    try:
        return sent.name
    except Gone:
        return None
