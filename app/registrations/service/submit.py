"""What the applicant does: submit, send again, withdraw, appeal."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError

from app.core import audit, calendar, clock, numbers
from app.core.db import db
from app.core.errors import Conflict, Invalid, NotFound, TransitionRefused
from app.core.files import vault
from app.core.policy import Actor
from app.core.serials import next_serial
from app.registrations.hints import service as hints
from app.registrations.models import Registration, RegistrationEvent, Submission, SubmissionImage
from app.registrations.service import erasure, people, places
from app.registrations.service.facts import Claim, Entered, Facts
from app.registrations.service.record import NO_LEASE, move, settle
from app.registrations.workflow import OPEN, Status

PHOTOS_MAX = 3
TEXT_LIMITS = {"name": 60, "position": 60, "title": 60, "hospital_name": 120, "department_name": 120}


def submit(actor: Actor, claim: Claim) -> Registration:
    """Open a registration for the signed-in person; also a change of hospital or position of an approved one.

    Raises Invalid (consent, adulthood, texts, photos), Conflict (``registration_open``) while another one is open.
    """
    person = people.of(actor)
    _check(claim)
    _refuse_while_open(person.id)
    now, place = clock.now(), places.resolve(claim)
    row = Registration(
        number=next_serial("REG"), subject_id=person.subject_id, customer_id=person.id, status=Status.PENDING,
        version=1, round=1, evidence_version=1, changed_at=now, submitted_at=now,
        due_at=calendar.add_working_hours(now, numbers.get("review_due_hours")), name=claim.name.strip(),
        **place.columns(),
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError as error:
        raise _already_open() from error
    db.session.add(_event(row, actor, "submit_registration"))
    _add_round(row, claim, place)
    audit.record("registration.submitted", actor, "registration", row.id)
    return row


def resubmit(actor: Actor, claim: Claim) -> Registration:
    """The next round: after a request for another photo, or new evidence while the case still waits.

    The same photo as before is refused (``photo_repeated``). A proposal that waits for a second person is void.
    """
    row = _own_current(actor)
    _check(claim)
    _refuse_repeated(row, claim)
    now, place = clock.now(), places.resolve(claim)
    asked = row.status == Status.NEEDS_RESUBMISSION
    if asked:  # the round that was asked about keeps its photos until the next decision, at the latest 30 days
        limit = (row.decided_at or now) + timedelta(days=numbers.get("badge_retention_days"))
        erasure.keep_until(row, limit)
    due = calendar.add_working_hours(now, numbers.get("resubmission_due_hours")) if asked else row.due_at
    changes: dict[str, Any] = {
        "round": row.round + 1, "evidence_version": row.evidence_version + 1, "submitted_at": now, "due_at": due,
        "answer_by": None, "erase_at": None, "hold_until": None, "badge_valid_until": None, **place.columns(),
    }  # fmt: skip
    action = "resubmit_registration" if asked else "replace_evidence"
    move(row, action, actor, facts=_facts(), changes=changes)
    row.name = claim.name.strip()
    _add_round(row, claim, place)
    return row


def withdraw(actor: Actor) -> Registration:
    """The applicant gives up the open registration; its photos are erased at once."""
    row = _own_current(actor)
    move(row, "withdraw_registration", actor, facts=_facts(), changes={**NO_LEASE, "erase_at": clock.now()})
    erasure.erase_now(row)
    return row


def appeal(actor: Actor, text: str) -> Registration:
    """Object to a rejection, once, within the time given; the photos stay until it is answered."""
    row = _own_current(actor)
    if not text.strip() or len(text) > 500:
        message = _l("请写明申诉理由，最多 500 个字。")
        raise Invalid(message, code="appeal_text", fields={"text": [message]})
    now = clock.now()
    due = calendar.add_working_hours(now, numbers.get("review_due_hours"))
    changes = {"appealed_at": now, "due_at": due, "erase_at": None}
    move(row, "appeal_rejection", actor, facts=_facts(), entered=Entered(private_note=text), changes=changes)
    erasure.keep_until(row, None)
    return row


def _own_current(actor: Actor) -> Registration:
    """The person's latest registration, locked and settled. NotFound without one; Conflict while one is decided on."""
    person = people.of(actor)
    query = sa.select(Registration).where(Registration.customer_id == person.id)
    query = query.order_by(Registration.id.desc()).limit(1).with_for_update()
    row = db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound()
    now = clock.now()
    if row.effective_at is not None and row.effective_at > now:
        raise TransitionRefused(_l("这一件正在审核，请一分钟后再试。"), code="being_decided")
    settle(row, now)
    return row


def _refuse_while_open(customer_id: uuid.UUID) -> None:
    open_rows = sa.select(Registration).where(Registration.customer_id == customer_id, Registration.status.in_(OPEN))
    now = clock.now()
    for row in db.session.scalars(open_rows.with_for_update()).all():
        settle(row, now)
        if row.status in OPEN:
            raise _already_open()
    undone = sa.select(Registration.id).where(Registration.customer_id == customer_id, Registration.effective_at > now)
    if db.session.execute(undone).first() is not None:
        raise _already_open()


def _already_open() -> Conflict:
    return Conflict(_l("您已有一件注册正在处理。"), code="registration_open")


def _check(claim: Claim) -> None:
    fields: dict[str, Any] = {}
    if not claim.badge_consent:
        fields["badge_consent"] = [_l("需要您单独同意提交证件照片。")]
    if not claim.is_adult:
        fields["is_adult"] = [_l("本服务只面向年满 18 周岁的人。")]
    if not 1 <= len(claim.photos) <= PHOTOS_MAX:
        fields["badges"] = [_l("请提交 1 到 3 张证件照片。")]
    for name, limit in TEXT_LIMITS.items():
        text = getattr(claim, name).strip()
        if len(text) > limit or (not text and name in ("name", "position", "title")):
            fields[name] = [_l("请填写，最多 %(limit)s 个字。", limit=limit)]
    if claim.hospital_id is None and not claim.hospital_name.strip():
        fields["hospital_id"] = [_l("请选择医院，或填写医院名称。")]
    if claim.department_id is None and not claim.department_name.strip():
        fields["department_id"] = [_l("请选择科室，或填写科室名称。")]
    if fields:
        raise Invalid(fields=fields)


def _refuse_repeated(row: Registration, claim: Claim) -> None:
    """#5 of the table: the same file again would only come back to the same answer."""
    sent = [photo.sha256 for photo in claim.photos]
    query = sa.select(SubmissionImage.id).where(
        SubmissionImage.registration_id == row.id, SubmissionImage.upload_sha256.in_(sent)
    )
    if db.session.execute(query).first() is not None:
        message = _l("这张照片与上次的相同。请重新拍摄后再提交。")
        raise Invalid(message, code="photo_repeated", fields={"badges": [message]})


def _add_round(row: Registration, claim: Claim, place: places.Place) -> None:
    """The immutable submission and its sealed photos."""
    submission = Submission(
        registration_id=row.id, subject_id=row.subject_id, round=row.round, evidence_version=row.evidence_version,
        name=claim.name.strip(), position=claim.position.strip(), title=claim.title.strip(), is_adult=claim.is_adult,
        policy_version=claim.policy_version, consent_ids=[str(found) for found in claim.consent_ids],
        submitted_at=row.submitted_at, **place.columns(submission=True),
    )  # fmt: skip
    db.session.add(submission)
    images = []
    for number, photo in enumerate(claim.photos, start=1):
        main = vault.put_sealed("badge", photo.main, photo.media_type)
        thumbnail = vault.put_sealed("badge_thumbnail", photo.thumbnail, photo.media_type)
        db.session.flush()
        images.append(
            SubmissionImage(
                submission_id=submission.id, registration_id=row.id, place=number, main_id=main.id,
                thumbnail_id=thumbnail.id, upload_sha256=photo.sha256, width=photo.width, height=photo.height,
            )
        )  # fmt: skip
    db.session.add_all(images)
    db.session.flush()
    hints.expect(images)


def _event(row: Registration, actor: Actor, action: str) -> RegistrationEvent:
    return RegistrationEvent(
        registration_id=row.id, subject_id=row.subject_id, version=1, round=1, evidence_version=1, action=action,
        status_to=row.status, reason_codes=[], reason_versions={}, by_kind=actor.kind, by_id=actor.id, by_name="",
        at=row.submitted_at, effective_at=row.submitted_at,
    )  # fmt: skip


def _facts() -> Facts:
    return Facts(now=clock.now(), max_rounds=numbers.get("max_rounds"))
