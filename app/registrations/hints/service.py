"""The writer of hints. Nothing here decides, fills in a verdict, or touches what the applicant typed.

`expect` queues the photos of a round in its own transaction; `fingerprint` runs on any worker, `keep_reading` and
`keep_alignment` take what the recogniser found. A photo that was erased meanwhile is dropped without a word.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

import config
from app.core import audit, clock, jobs, keys, numbers
from app.core.db import db
from app.core.errors import Gone, Invalid
from app.core.files import vault
from app.core.policy import Actor
from app.customers.models import Customer
from app.registrations.hints import fingerprint as hashes
from app.registrations.hints import matching
from app.registrations.hints.matching import Hint, Level, Line
from app.registrations.hints.models import PhotoFingerprint, PhotoMatch, PhotoReading, PhotoVerdict
from app.registrations.models import Registration, Submission, SubmissionImage

FINGERPRINT, READ, ALIGN = "hints.fingerprint", "hints.read", "hints.align"
PLACE = "photo_reading.found_sealed"
TEXT_KEY = keys.declare("photo_text")
NEAR_BITS = 31  # of 256: a candidate to be laid over; docs/recognition.md
# Of 256: shown without that. Other people's cards of one template came no nearer than 18 (1,140 pairs).
ALONE_BITS = 16
MATCHES_MAX = 20  # kept per photo, the nearest first
KEEP = timedelta(days=730)  # decisions.md 22: 24 months


class Outcome(StrEnum):
    """How the reading of a photo ended. Anything but READ shows as 未识别."""

    READ = "read"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    REFUSED = "refused"


class Verdict(StrEnum):
    """What a person saw who laid two photos side by side."""

    SAME_PHOTO = "same_photo"
    SAME_CARD = "same_card"  # the same card, photographed again
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Found:
    """What a reading holds, once opened."""

    fields: Mapping[str, Hint]
    number: str
    turn: int = 0  # clockwise quarter turns that make the photo upright

    def to_json(self) -> bytes:
        fields = {f: [h.level.value, h.read, list(h.box) if h.box else None] for f, h in self.fields.items()}
        return json.dumps({"fields": fields, "number": self.number, "turn": self.turn}).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Found:
        kept = json.loads(data)
        fields = {
            field: Hint(Level(level), read, matching.Box(*box) if box else None)
            for field, (level, read, box) in kept["fields"].items()
        }
        return cls(fields, kept["number"], kept["turn"])


def expect(images: Sequence[SubmissionImage]) -> None:
    """Queue the photos of a new round, in the transaction that stores them."""
    for image in images:
        jobs.enqueue(FINGERPRINT, {"image": str(image.id)}, key=f"{FINGERPRINT}:{image.id}")
        if _settings().recognition:
            expect_reading(image.id)


def expect_reading(image_id: uuid.UUID) -> None:
    jobs.enqueue(READ, {"image": str(image_id)}, key=f"{READ}:{image_id}")


# Fingerprints ----------------------------------------------------------------------------------------------------


def fingerprint(image_id: uuid.UUID) -> bool:
    """Store the hash of a photo; again is no error. False when the photo is gone. One unit of work, then `compare`."""
    image = _image(image_id)
    if image is None or _of_image(image_id) is not None:
        return image is not None
    try:
        jpeg = vault.open_sealed(image.thumbnail)
    except Gone:
        return False
    case = db.session.get_one(Registration, image.registration_id)
    row = PhotoFingerprint(
        image_id=image_id, registration_id=case.id, customer_id=case.customer_id, perceptual=hashes.hash_of(jpeg),
        forget_at=clock.now() + KEEP,
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError:
        return True  # the other job of this photo was faster
    return True


def compare(image_id: uuid.UUID) -> None:
    """Note the photos of other people that look alike. In a unit of work after `fingerprint`'s commit: of two photos
    that come at once, whichever is compared later sees the other."""
    own, image = _of_image(image_id), _image(image_id)
    if own is None or image is None:
        return
    try:
        asked = hashes.all_ways(vault.open_sealed(image.thumbnail))
    except Gone:
        asked = [own.perceptual]
    living = _others(own)
    distances, ways = hashes.nearest(asked, [bytes(row.perceptual) for row in living])
    near = sorted((int(bits), at) for at, bits in enumerate(distances) if bits <= NEAR_BITS)[:MATCHES_MAX]
    for bits, at in near:
        _note(own, living[at].image_id, bits, int(ways[at]))
    for row in living:  # few: the same hospital's card with the same name or number
        name = own.name_index is not None and row.name_index == own.name_index
        number = own.number_index is not None and row.number_index == own.number_index
        if name or number:
            at = living.index(row)
            _note(own, row.image_id, int(distances[at]), int(ways[at]), name=name, number=number)


def _others(own: PhotoFingerprint) -> Sequence[Any]:
    """Fingerprints of other people that may still be kept."""
    columns = (
        PhotoFingerprint.image_id, PhotoFingerprint.perceptual, PhotoFingerprint.name_index,
        PhotoFingerprint.number_index,
    )  # fmt: skip
    query = sa.select(*columns).join(Customer, Customer.id == PhotoFingerprint.customer_id)
    return db.session.execute(
        query.where(
            PhotoFingerprint.customer_id != own.customer_id, PhotoFingerprint.forget_at > clock.now(),
            Customer.closed_at.is_(None),
        )
    ).all()  # fmt: skip


def _note(
    own: PhotoFingerprint, other_id: uuid.UUID, bits: int, way: int, *, name: bool = False, number: bool = False
) -> None:
    """One row per pair, the newer photo first; a later look may add that names agree."""
    newer, earlier = max(own.image_id, other_id), min(own.image_id, other_id)
    pair = sa.select(PhotoMatch).where(PhotoMatch.image_id == newer, PhotoMatch.earlier_id == earlier)
    row = db.session.scalars(pair).one_or_none()
    if row is None:
        if newer != own.image_id:
            way = _back(way)
        try:
            with db.session.begin_nested():
                row = PhotoMatch(image_id=newer, earlier_id=earlier, distance=bits, way=way, at=clock.now())
                db.session.add(row)
        except IntegrityError:  # the other photo's job notes the same pair at this moment
            row = db.session.scalars(pair).one()
    row.same_name, row.same_number = row.same_name or name, row.same_number or number
    if row.laid_at is None and _settings().recognition:
        jobs.enqueue(ALIGN, {"match": str(row.id)}, key=f"{ALIGN}:{row.id}")


def _back(way: int) -> int:
    """The way from there to here: a turn goes back, a mirrored turn is its own inverse."""
    quarter, mirror = hashes.WAYS[way]
    return way if mirror else hashes.WAYS.index((-quarter % 4, False))


def forget_due(limit: int = 500) -> int:
    """Delete fingerprints past their time, those of closed accounts, and what was noted about them."""
    closed = sa.select(Customer.id).where(Customer.closed_at.is_not(None))
    due = sa.select(PhotoFingerprint.image_id).where(
        sa.or_(PhotoFingerprint.forget_at <= clock.now(), PhotoFingerprint.customer_id.in_(closed))
    )
    return _forget(db.session.scalars(due.limit(limit)).all())


def forget_person(customer_id: uuid.UUID) -> int:
    """All fingerprints of one account, at once: what erasure of a person calls. Returns how many."""
    own = sa.select(PhotoFingerprint.image_id).where(PhotoFingerprint.customer_id == customer_id)
    return _forget(db.session.scalars(own).all())


def _forget(image_ids: Sequence[uuid.UUID]) -> int:
    pairs = sa.select(PhotoMatch.id).where(
        sa.or_(PhotoMatch.image_id.in_(image_ids), PhotoMatch.earlier_id.in_(image_ids))
    )
    found = db.session.scalars(pairs).all()
    for model, column, gone in (
        (PhotoVerdict, PhotoVerdict.match_id, found),
        (PhotoMatch, PhotoMatch.id, found),
        (PhotoFingerprint, PhotoFingerprint.image_id, image_ids),
    ):
        db.session.execute(sa.delete(model).where(column.in_(gone)).execution_options(synchronize_session=False))
    return len(image_ids)


# Readings --------------------------------------------------------------------------------------------------------


def keep_reading(image_id: uuid.UUID, lines: Sequence[Line], *, engine: str, millis: int) -> bool:
    """Store what was read, matched against the claims of its round. False when dropped: erased, or read already."""
    image = _image(image_id)
    if image is None or _read_already(image_id):
        return False
    sent = db.session.get_one(Submission, image.submission_id)
    try:
        claims = _claims(sent)
        found = Found(matching.compare(claims, lines), matching.number_on(lines), matching.upright(lines))
        row = PhotoReading(image_id=image_id, outcome=Outcome.READ, engine=engine, millis=millis, at=clock.now())
        row.found_sealed = vault.seal_beside(image.main, PLACE, row.id, found.to_json())
    except Gone:  # the photo or the person was erased while it was read
        return False
    if not _add(row):
        return False
    _index(image, sent, found, claims)
    return True


def note_failure(image_id: uuid.UUID, code: str) -> None:
    """The reader gave up on this photo: it stays 未识别 and isn't tried again."""
    if _image(image_id) is not None and not _read_already(image_id):
        _add(PhotoReading(image_id=image_id, outcome=Outcome(code), engine="", at=clock.now()))


def keep_alignment(match_id: uuid.UUID, alike: float | None) -> None:
    """How much of the earlier photo is found again in the newer one; None: it cannot be told from these two."""
    row = db.session.get(PhotoMatch, match_id)
    if row is not None:
        row.alike, row.laid_at = alike, clock.now()


def _claims(sent: Submission) -> dict[str, str]:
    return {
        "name": sent.name or "", "hospital": sent.hospital_text, "department": sent.department_text,
        "title": sent.title, "position": sent.position,
    }  # fmt: skip


def _index(image: SubmissionImage, sent: Submission, found: Found, claims: Mapping[str, str]) -> None:
    """Keyed hashes of name and number as read, within the hospital; and the pairs that follow from them."""
    if not fingerprint(image.id):
        return
    row = _of_image(image.id)
    assert row is not None
    hospital = str(sent.hospital_id or matching.plain(sent.hospital_text))
    name = found.fields["name"]
    if name.level is Level.SAME:
        row.name_index = keys.mac(TEXT_KEY, f"name|{hospital}|{matching.plain(claims['name'])}".encode())
    if len(found.number) > 2:
        row.number_index = keys.mac(TEXT_KEY, f"number|{hospital}|{found.number}".encode())


def _add(row: PhotoReading) -> bool:
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError:  # two jobs for one photo: the first counts
        return False
    return True


def _read_already(image_id: uuid.UUID) -> bool:
    return db.session.execute(sa.select(PhotoReading.id).where(PhotoReading.image_id == image_id)).first() is not None


# Verdicts --------------------------------------------------------------------------------------------------------


def judge(actor: Actor, match: PhotoMatch, row: Registration, verdict: str) -> PhotoVerdict:
    """Take down what the reviewer saw in a comparison that `queries.comparison` opened for this case."""
    if verdict not in tuple(Verdict):
        raise Invalid(code="verdict_unknown")
    assert actor.id is not None
    said = PhotoVerdict(
        match_id=match.id, verdict=verdict, distance=match.distance, alike=match.alike,
        threshold=numbers.get("reuse_alike"), by_id=actor.id, by_name=actor.name, at=clock.now(),
    )  # fmt: skip
    db.session.add(said)
    audit.record("photo.compared", actor, "registration", row.id, reason_code=verdict)
    db.session.flush()
    return said


def _image(image_id: uuid.UUID) -> SubmissionImage | None:
    query = sa.select(SubmissionImage).where(SubmissionImage.id == image_id)
    both = (joinedload(SubmissionImage.main), joinedload(SubmissionImage.thumbnail))
    found = db.session.scalars(query.options(*both).execution_options(populate_existing=True)).one_or_none()
    return None if found is None or found.main.erased_at is not None else found


def _of_image(image_id: uuid.UUID) -> PhotoFingerprint | None:
    return db.session.scalars(sa.select(PhotoFingerprint).where(PhotoFingerprint.image_id == image_id)).one_or_none()


def _settings() -> config.Settings:
    found: config.Settings = current_app.extensions["settings"]
    return found
