"""Tables of the registration story.

A registration is a person at a hospital and department; every round is an immutable submission; what happens is an
append-only row of `registration_event`. "Being looked at" is no status: it is a decidable case with a live lease, so a
closed browser never strands one. Lease, hold, answer-by and erasure are true at read time; jobs only announce.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Mapped, relationship

from app.core.columns import DataClass, index_column, plain, sealed_column
from app.core.db import Base
from app.core.files import StoredFile
from app.core.sealed import Sealed
from app.registrations.workflow import OPEN, Status

WORK, USAGE = DataClass.WORK, DataClass.USAGE
_open_list = ", ".join(f"'{status.value}'" for status in OPEN)


def normal_name(text: str) -> str:
    """How names are compared: without any blanks, case folded."""
    return "".join(text.split()).casefold()


class Registration(Base):
    """The case. ``status`` is what was decided; what the outside sees until `effective_at` is `status_before`."""

    __tablename__ = "registration"
    __table_args__ = (
        sa.UniqueConstraint("number"),
        # whatever a tab counts stands in the index, so that a count reads no row; then the order of the queue
        sa.Index("ix_registration_queue", "status", "due_at", "id", "wakes_at", "lease_expires_at", "lease_staff_id"),
        sa.Index("ix_registration_hospital_text", "hospital_text", "status"),
        sa.Index("ix_registration_changed", "status", "changed_at", "id"),
        sa.Index("ix_registration_province", "province", "status", "due_at", "id"),
        sa.Index(
            "ix_registration_wakes",  # with `rare`, what "hold is over" is found by
            "status",
            "wakes_at",
            "due_at",
            "id",
            sqlite_where=sa.text("wakes_at IS NOT NULL"),
            postgresql_where=sa.text("wakes_at IS NOT NULL"),
        ),
        sa.Index(
            "ix_registration_lease",
            "lease_staff_id",
            sqlite_where=sa.text("lease_staff_id IS NOT NULL"),
            postgresql_where=sa.text("lease_staff_id IS NOT NULL"),
        ),
        sa.Index(
            "ix_registration_passed",
            "passed_to_id",
            sqlite_where=sa.text("passed_to_id IS NOT NULL"),
            postgresql_where=sa.text("passed_to_id IS NOT NULL"),
        ),
        sa.Index(  # one open case per person, whatever two requests do at once
            "uq_registration_open_customer",
            "customer_id",
            unique=True,
            sqlite_where=sa.text(f"status IN ({_open_list})"),
            postgresql_where=sa.text(f"status IN ({_open_list})"),
        ),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    number: Mapped[str] = plain(sa.String(20))
    subject_id: Mapped[uuid.UUID] = plain()
    customer_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("customer.id"), index=True)
    status: Mapped[str] = plain(sa.String(32), cls=USAGE)
    version: Mapped[int] = plain(default=1)
    round: Mapped[int] = plain(default=1)
    evidence_version: Mapped[int] = plain(default=1)  # grows with every new photo or field of the applicant
    changed_at: Mapped[datetime] = plain(cls=USAGE)  # instant of the latest change of status
    submitted_at: Mapped[datetime] = plain(cls=USAGE)  # of the present round
    due_at: Mapped[datetime] = plain()
    wakes_at: Mapped[datetime | None] = plain(nullable=True)  # answer-by or hold-until, whichever the status has

    # copies of the present round, so that the queue reads one table
    name_sealed: Mapped[bytes | None] = sealed_column(DataClass.IDENTIFIER)
    name_index: Mapped[bytes | None] = index_column(DataClass.IDENTIFIER, index=True)
    name = Sealed("name_sealed", by="subject", index="name_index", normalise=normal_name)
    hospital_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("hospital.id"), nullable=True, index=True, cls=WORK)
    unknown_hospital_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("unknown_name.id"), nullable=True, index=True)
    hospital_text: Mapped[str] = plain(sa.String(120), cls=WORK)  # as chosen or typed
    department_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("department.id"), nullable=True, cls=WORK)
    unknown_department_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("unknown_name.id"), nullable=True)
    department_text: Mapped[str] = plain(sa.String(120), cls=WORK)
    province: Mapped[str | None] = plain(sa.String(2), nullable=True, cls=WORK)  # GB/T 2260; null until mapped

    # the latest decision and what waits for its effect
    decided_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)
    decided_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    effective_at: Mapped[datetime | None] = plain(nullable=True)
    status_before: Mapped[str | None] = plain(sa.String(32), nullable=True, cls=USAGE)
    answer_by: Mapped[datetime | None] = plain(nullable=True)
    appeal_by: Mapped[datetime | None] = plain(nullable=True)
    appealed_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)  # one appeal per registration
    hold_until: Mapped[datetime | None] = plain(nullable=True)
    erase_at: Mapped[datetime | None] = plain(nullable=True)  # of the present round's photos
    merged_into: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("registration.id"), nullable=True)
    reminded_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)  # the latest reminder to send another photo
    suspended_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    badge_valid_until: Mapped[date | None] = plain(sa.Date, nullable=True, cls=WORK)  # as the badge shows, if it does

    # the lease: on the row, so that a claim is one UPDATE and the queue shows it without a join
    lease_staff_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    lease_name: Mapped[str | None] = plain(sa.String(80), nullable=True, cls=WORK)
    lease_nonce: Mapped[bytes | None] = plain(sa.LargeBinary(16), nullable=True)  # the token is its keyed hash
    lease_expires_at: Mapped[datetime | None] = plain(nullable=True)
    lease_ahead: Mapped[bool] = plain(default=False)  # claimed so that the next page is ready; not looked at yet

    # passed on by name: until then only this person gets it, unless absent
    passed_to_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    passed_until: Mapped[datetime | None] = plain(nullable=True)

    submissions: Mapped[list[Submission]] = relationship(order_by="Submission.round", viewonly=True)

    def effective_status(self, now: datetime) -> str:
        """What the applicant and every right see at ``now`` (decisions.md 20)."""
        if self.effective_at is not None and self.status_before is not None and self.effective_at > now:
            return self.status_before
        if self.wakes_at is not None and self.wakes_at <= now:
            return {Status.NEEDS_RESUBMISSION: Status.LAPSED, Status.ON_HOLD: Status.PENDING}.get(
                Status(self.status), Status(self.status)
            )
        return self.status

    def leased(self, now: datetime) -> bool:
        """Whether anybody holds a live lease."""
        return self.lease_expires_at is not None and self.lease_expires_at > now


class Submission(Base):
    """One round as the applicant sent it. Nothing ever changes it; unset at erasure of the person by key only."""

    __tablename__ = "submission"
    __table_args__ = (sa.UniqueConstraint("registration_id", "round"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    registration_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("registration.id"))
    subject_id: Mapped[uuid.UUID] = plain()
    round: Mapped[int] = plain()
    evidence_version: Mapped[int] = plain()
    name_sealed: Mapped[bytes | None] = sealed_column(DataClass.IDENTIFIER)
    name = Sealed("name_sealed", by="subject")
    hospital_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("hospital.id"), nullable=True, cls=WORK)
    unknown_hospital_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("unknown_name.id"), nullable=True)
    hospital_text: Mapped[str] = plain(sa.String(120), cls=WORK)
    department_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("department.id"), nullable=True, cls=WORK)
    unknown_department_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("unknown_name.id"), nullable=True)
    department_text: Mapped[str] = plain(sa.String(120), cls=WORK)
    position: Mapped[str] = plain(sa.String(60), cls=WORK)
    title: Mapped[str] = plain(sa.String(60), cls=WORK)
    is_adult: Mapped[bool] = plain()
    policy_version: Mapped[str] = plain(sa.String(20))
    consent_ids: Mapped[list[str]] = plain(sa.JSON)
    submitted_at: Mapped[datetime] = plain(cls=USAGE)

    images: Mapped[list[SubmissionImage]] = relationship(order_by="SubmissionImage.place", viewonly=True)


class SubmissionImage(Base):
    """A badge photo of one round. The hash of the upload outlives the photo: "the same photo again" compares it."""

    __tablename__ = "submission_image"
    __table_args__ = (sa.UniqueConstraint("submission_id", "place"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    submission_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("submission.id"))
    registration_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("registration.id"), index=True)
    place: Mapped[int] = plain()  # 1 to 3
    main_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("stored_file.id"))
    thumbnail_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("stored_file.id"))
    upload_sha256: Mapped[bytes] = plain(sa.LargeBinary(32), cls=DataClass.SENSITIVE)
    width: Mapped[int] = plain()
    height: Mapped[int] = plain()

    main: Mapped[StoredFile] = relationship(foreign_keys=[main_id], viewonly=True)
    thumbnail: Mapped[StoredFile] = relationship(foreign_keys=[thumbnail_id], viewonly=True)


class FieldCheck(Base):
    """What a reviewer says about one claimed field of one round: seen on the badge, seen otherwise, or only claimed."""

    __tablename__ = "field_check"
    __table_args__ = (sa.UniqueConstraint("registration_id", "round", "field"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    registration_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("registration.id"))
    round: Mapped[int] = plain()
    field: Mapped[str] = plain(sa.String(16))
    verdict: Mapped[str] = plain(sa.String(16), cls=WORK)
    how: Mapped[str | None] = plain(sa.String(24), nullable=True, cls=WORK)  # `checks.How`, with "seen otherwise" only
    subject_id: Mapped[uuid.UUID] = plain()
    how_note_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    how_note = Sealed("how_note_sealed", by="subject")
    by_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    by_name: Mapped[str] = plain(sa.String(80), cls=WORK)
    at: Mapped[datetime] = plain()


class RegistrationEvent(Base):
    """Everything that happened to a case, decisions included; append-only, an undo is a row of its own."""

    __tablename__ = "registration_event"
    __table_args__ = (
        sa.UniqueConstraint("registration_id", "version"),
        sa.Index("ix_registration_event_by", "by_id", "at"),
        sa.Index("ix_registration_event_action", "action", "at"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    registration_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("registration.id"))
    subject_id: Mapped[uuid.UUID] = plain()
    version: Mapped[int] = plain()  # of the registration, after the event
    round: Mapped[int] = plain()
    evidence_version: Mapped[int] = plain()
    action: Mapped[str] = plain(sa.String(32), cls=USAGE)
    status_from: Mapped[str | None] = plain(sa.String(32), nullable=True, cls=USAGE)
    status_to: Mapped[str] = plain(sa.String(32), cls=USAGE)
    reason_codes: Mapped[list[str]] = plain(sa.JSON, default=list)
    reason_versions: Mapped[dict[str, Any]] = plain(default=dict)  # code -> version of the catalogue used
    proposal: Mapped[str | None] = plain(sa.String(32), nullable=True)  # what a second person is asked to confirm
    rules: Mapped[list[str]] = plain(sa.JSON, default=list)  # `rules.RULES` that asked for a second person
    public_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    public_text = Sealed("public_sealed", by="subject")
    note_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    private_note = Sealed("note_sealed", by="subject")
    by_kind: Mapped[str] = plain(sa.String(16))
    by_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    by_name: Mapped[str] = plain(sa.String(80), cls=WORK)  # a staff member's; empty for applicant and system
    at: Mapped[datetime] = plain(cls=USAGE)
    effective_at: Mapped[datetime] = plain(cls=USAGE)
    undoes_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("registration_event.id"), nullable=True, unique=True)


class ReviewDraft(Base):
    """What a reviewer had entered when handing a case back; also why *next* skips the case for that person a while."""

    __tablename__ = "review_draft"
    __table_args__ = (sa.UniqueConstraint("registration_id", "staff_id"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    registration_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("registration.id"))
    staff_id: Mapped[uuid.UUID] = plain(index=True)
    round: Mapped[int] = plain()
    entered_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    entered = Sealed("entered_sealed")  # JSON of `service.lease.Entered`
    handed_back_at: Mapped[datetime] = plain()
    skipped_until: Mapped[datetime | None] = plain(nullable=True)  # until then *next* never offers it to this person


class CasePass(Base):
    """One passing on of a case: by whom, to whom (or to the team), and the words that go with it."""

    __tablename__ = "case_pass"
    __table_args__ = (sa.Index("ix_case_pass_registration", "registration_id", "at"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    registration_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("registration.id"))
    subject_id: Mapped[uuid.UUID] = plain()
    by_id: Mapped[uuid.UUID] = plain()
    by_name: Mapped[str] = plain(sa.String(80), cls=WORK)
    to_id: Mapped[uuid.UUID | None] = plain(nullable=True)  # empty: whoever of the team comes next
    to_name: Mapped[str] = plain(sa.String(80), cls=WORK)
    note_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    note = Sealed("note_sealed", by="subject")
    at: Mapped[datetime] = plain(cls=USAGE)


class Recusal(Base):
    """A reviewer said "I know this person": no part in any of this person's cases from then on."""

    __tablename__ = "recusal"
    __table_args__ = (sa.UniqueConstraint("staff_id", "customer_id"), sa.Index("ix_recusal_customer", "customer_id"))

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    staff_id: Mapped[uuid.UUID] = plain()
    staff_name: Mapped[str] = plain(sa.String(80), cls=WORK)
    customer_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("customer.id"))
    registration_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("registration.id"))  # at which case it was said
    at: Mapped[datetime] = plain(cls=USAGE)


class ReviewerLimit(Base):
    """How many cases one reviewer may hold at once, where a lead set it apart from the business number."""

    __tablename__ = "reviewer_limit"
    __table_args__ = (sa.UniqueConstraint("staff_id"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    staff_id: Mapped[uuid.UUID] = plain()
    open_cases: Mapped[int] = plain()  # 1 to 10
    set_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    set_at: Mapped[datetime] = plain(cls=USAGE)


class Absence(Base):
    """Days on which a reviewer gets nothing new; both ends included, days of China. A cancelled one stays readable."""

    __tablename__ = "reviewer_absence"
    __table_args__ = (sa.Index("ix_reviewer_absence_days", "last_day", "staff_id"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    staff_id: Mapped[uuid.UUID] = plain()
    first_day: Mapped[date] = plain(sa.Date, cls=USAGE)
    last_day: Mapped[date] = plain(sa.Date, cls=USAGE)
    set_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    set_at: Mapped[datetime] = plain(cls=USAGE)
    cancelled_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)


class ReviewReason(Base):
    """One version of one reason. The highest version of a code counts; words and kind are never changed or removed.

    ``place`` is where the page shows the code; it is the same in all its versions and may be changed.
    """

    __tablename__ = "review_reason"
    __table_args__ = (sa.UniqueConstraint("code", "version"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    code: Mapped[str] = plain(sa.String(32))
    version: Mapped[int] = plain(default=1)
    kind: Mapped[str] = plain(sa.String(8))  # RETRY, FINAL, MERGE
    section: Mapped[str] = plain(sa.String(8))  # photo, match, final: where the case page shows it
    place: Mapped[int] = plain()
    private_text: Mapped[str] = plain(sa.String(60))
    public_long: Mapped[str] = plain(sa.String(200))
    public_short: Mapped[str] = plain(sa.String(20))  # WeChat `thing` field: 20 characters
    second_person: Mapped[bool] = plain(default=False)
    active: Mapped[bool] = plain(default=True)
    created_at: Mapped[datetime] = plain()
    created_by: Mapped[str] = plain(sa.String(80), default="", cls=WORK)  # empty: delivered with the portal


class AppendOnly(RuntimeError):
    """Somebody tried to change or delete what is kept for good."""


@event.listens_for(RegistrationEvent, "before_update")
@event.listens_for(RegistrationEvent, "before_delete")
@event.listens_for(Submission, "before_update")
@event.listens_for(Submission, "before_delete")
def _refuse(_mapper: object, _connection: object, row: Base) -> None:
    raise AppendOnly(f"{row.__tablename__} is append-only")
