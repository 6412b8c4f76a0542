"""From the features' rows to the API's models: what the person may see of the own data."""

from __future__ import annotations

import sqlalchemy as sa

from app.api.v1.schemas import ConsentOut, CustomerOut, PlaceOut, ProfileOut, RegistrationOut
from app.consents import queries as consents
from app.consents.models import Purpose
from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor
from app.customers import queries as customers
from app.customers.models import Customer, CustomerProfile
from app.hospitals.models import Department, Hospital
from app.registrations.models import Registration, Submission
from app.registrations.queries.current import current_for

NEEDED = (Purpose.SERVICE, Purpose.BADGE)


def customer_out(actor: Actor, person: Customer) -> CustomerOut | None:
    """None until a registration exists (decisions.md 25)."""
    current = current_for(actor)
    if current is None:
        return None
    profile = customers.profile_of(person.id)
    return CustomerOut(
        name=person.name or "",
        gender=person.gender,
        registration_status=current.status,
        profile=_profile_out(profile) if profile is not None else None,
    )


def registration_out(actor: Actor) -> RegistrationOut:
    """The latest registration as it is true now. Raises NotFound without one."""
    current = current_for(actor)
    if current is None:
        raise NotFound()
    sent = db.session.scalars(
        sa.select(Submission)
        .join(Registration, Registration.id == Submission.registration_id)
        .where(Registration.number == current.number, Submission.round == current.round)
    ).one()
    return RegistrationOut(
        number=current.number,
        status=current.status,  # type: ignore[arg-type]
        round=current.round,
        submitted_at=current.submitted_at,
        name=sent.name or "",
        hospital=PlaceOut(id=sent.hospital_id, name=sent.hospital_text),
        department=PlaceOut(id=sent.department_id, name=sent.department_text),
        position=sent.position,
        title=sent.title,
        reason=current.public_text or "；".join(current.reasons) or None,
        answer_by=current.answer_by,
        appeal_by=current.appeal_by,
        can_resubmit=current.can_resubmit,
        can_appeal=current.can_appeal,
        can_withdraw=current.can_withdraw,
    )


def consents_out(person: Customer) -> list[ConsentOut]:
    """What is in force or withdrawn, purpose by purpose."""
    found = (consents.current(person.subject_id, purpose) for purpose in Purpose)
    return [
        ConsentOut(purpose=e.purpose, policy_version=e.policy_version, given=e.given, at=e.at)
        for e in found
        if e is not None
    ]


def consents_missing(person: Customer) -> list[str]:
    """What a registration would be refused for today."""
    return [purpose.value for purpose in NEEDED if consents.missing(person.subject_id, purpose) is not None]


def _profile_out(profile: CustomerProfile) -> ProfileOut:
    hospital = db.session.get(Hospital, profile.hospital_id) if profile.hospital_id else None
    department = db.session.get(Department, profile.department_id) if profile.department_id else None
    return ProfileOut(
        name=profile.name or "",
        hospital=PlaceOut(id=profile.hospital_id, name=hospital.name if hospital is not None else ""),
        department=PlaceOut(id=profile.department_id, name=department.name if department is not None else ""),
        position=profile.position,
        title=profile.title,
        since=profile.effective_at,
        suspended=profile.suspended_at is not None,
    )
