"""Tables of the helpers that only hint: what was read on a photo, its fingerprint, photos that look alike, verdicts.

What was read is sealed under the photo's own key and dies with it. A fingerprint is personal data of its own
(decisions.md 22): it outlives the photo, for 24 months or until the account is closed.
"""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from app.core.columns import DataClass, index_column, plain, sealed_column
from app.core.db import Base
from app.registrations.models import SubmissionImage

SENSITIVE, WORK = DataClass.SENSITIVE, DataClass.WORK


class PhotoReading(Base):
    """What the recogniser made of one photo; without a row nobody has tried, or whoever did was killed."""

    __tablename__ = "photo_reading"
    __table_args__ = (sa.UniqueConstraint("image_id"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    image_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("submission_image.id"))
    outcome: Mapped[str] = plain(sa.String(16))  # service.Outcome
    found_sealed: Mapped[bytes | None] = sealed_column(SENSITIVE)  # JSON, under the key of the photo
    engine: Mapped[str] = plain(sa.String(40))
    millis: Mapped[int | None] = plain(nullable=True)
    at: Mapped[datetime] = plain()

    image: Mapped[SubmissionImage] = relationship(viewonly=True)


class PhotoFingerprint(Base):
    """The 256-bit perceptual hash of a photo, and keyed hashes of the name and the number read on it."""

    __tablename__ = "photo_fingerprint"
    __table_args__ = (sa.UniqueConstraint("image_id"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    image_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("submission_image.id"))
    registration_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("registration.id"), index=True)
    customer_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("customer.id"), index=True)
    perceptual: Mapped[bytes] = plain(sa.LargeBinary(32), cls=SENSITIVE)
    name_index: Mapped[bytes | None] = index_column(SENSITIVE, index=True)  # hospital and name as read
    number_index: Mapped[bytes | None] = index_column(SENSITIVE, index=True)  # hospital and number as read
    forget_at: Mapped[datetime] = plain(index=True)


class PhotoMatch(Base):
    """Two photos of different people that may show one picture or one card. A hint until somebody looked."""

    __tablename__ = "photo_match"
    __table_args__ = (sa.UniqueConstraint("image_id", "earlier_id"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    image_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("submission_image.id"))
    earlier_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("submission_image.id"), index=True)
    distance: Mapped[int] = plain(cls=SENSITIVE)  # bits of 256 that differ, in the way that differs least
    way: Mapped[int] = plain()  # that way: index of fingerprint.WAYS, from the newer photo to the earlier
    same_name: Mapped[bool] = plain(default=False, cls=SENSITIVE)
    same_number: Mapped[bool] = plain(default=False, cls=SENSITIVE)
    alike: Mapped[float | None] = plain(sa.Float, nullable=True, cls=SENSITIVE)  # share of blocks; NULL: not laid over
    laid_at: Mapped[datetime | None] = plain(nullable=True)
    at: Mapped[datetime] = plain()


class PhotoVerdict(Base):
    """What a reviewer saw, beside what was measured: the data from which the threshold is tuned. Append-only."""

    __tablename__ = "photo_verdict"

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    match_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("photo_match.id"), index=True)
    verdict: Mapped[str] = plain(sa.String(16), cls=SENSITIVE)  # service.Verdict
    distance: Mapped[int] = plain(cls=SENSITIVE)
    alike: Mapped[float | None] = plain(sa.Float, nullable=True, cls=SENSITIVE)
    threshold: Mapped[int] = plain()  # per cent, as it was set then
    by_id: Mapped[uuid.UUID] = plain()
    by_name: Mapped[str] = plain(sa.String(80), cls=WORK)
    at: Mapped[datetime] = plain()
