"""Hospital and department of a claim: records where chosen, rows of the mapping queue where typed."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.db import db
from app.core.errors import Invalid
from app.hospitals import queries as hospitals
from app.hospitals import service as hospital_service
from app.hospitals.models import Hospital, UnknownKind, UnknownName
from app.registrations.models import Registration
from app.registrations.service.facts import Claim


@dataclass(frozen=True, slots=True)
class Place:
    """Where the applicant works, as chosen or typed. ``province`` is null while the hospital is not mapped."""

    hospital_text: str
    department_text: str
    hospital_id: uuid.UUID | None = None
    unknown_hospital_id: uuid.UUID | None = None
    department_id: uuid.UUID | None = None
    unknown_department_id: uuid.UUID | None = None
    province: str | None = None

    def columns(self, *, submission: bool = False) -> dict[str, Any]:
        """As columns of a registration, or of a submission, which has no province."""
        values = asdict(self)
        if submission:
            del values["province"]
        return values


def resolve(claim: Claim) -> Place:
    """Look up what was chosen, note what was typed. Raises Invalid for a record that cannot be named any more."""
    hospital = _hospital(claim)
    unknown = (
        None if hospital is not None else hospital_service.report_unknown(UnknownKind.HOSPITAL, claim.hospital_name)
    )
    if hospital is None and unknown is not None and unknown.mapped_hospital_id is not None:
        hospital = hospitals.live(unknown.mapped_hospital_id)
    department_id, unknown_department_id, department_text = _department(claim, hospital, unknown)
    return Place(
        hospital_text=hospital.name if hospital is not None and unknown is None else claim.hospital_name.strip(),
        department_text=department_text,
        hospital_id=hospital.id if hospital is not None else None,
        unknown_hospital_id=unknown.id if unknown is not None else None,
        department_id=department_id,
        unknown_department_id=unknown_department_id,
        province=hospital.province if hospital is not None else None,
    )


def adopt_mapping(row: Registration) -> None:
    """Take over what the typed names were mapped to since; the typed text stays as it was."""
    if row.hospital_id is None and row.unknown_hospital_id is not None:
        hospital_id = _mapped(row.unknown_hospital_id)
        hospital = hospitals.live(hospital_id) if hospital_id is not None else None
        if hospital is not None:
            row.hospital_id, row.province = hospital.id, hospital.province
    if row.department_id is None and row.unknown_department_id is not None:
        row.department_id = _mapped(row.unknown_department_id)


def is_mapped(row: Registration) -> bool:
    """Whether hospital and department are records of the directory: the condition of every approval (C06)."""
    return row.hospital_id is not None and row.department_id is not None


def _mapped(unknown_id: uuid.UUID) -> uuid.UUID | None:
    name = db.session.get(UnknownName, unknown_id)
    return name.mapped_to if name is not None else None


def _hospital(claim: Claim) -> Hospital | None:
    if claim.hospital_id is None:
        return None
    hospital = hospitals.live(claim.hospital_id)
    if hospital is None:
        raise Invalid(fields={"hospital_id": [_l("名录中没有这家医院，请重新选择，或填写名称。")]})
    return hospital


def _department(
    claim: Claim, hospital: Hospital | None, unknown: UnknownName | None
) -> tuple[uuid.UUID | None, uuid.UUID | None, str]:
    if claim.department_id is None:
        typed = hospital_service.report_unknown(
            UnknownKind.DEPARTMENT,
            claim.department_name,
            hospital_id=hospital.id if hospital is not None else None,
            within_id=unknown.id if unknown is not None and hospital is None else None,
        )
        return typed.mapped_department_id, typed.id, claim.department_name.strip()
    found = hospitals.live_department(claim.department_id, hospital.id) if hospital is not None else None
    if found is None:
        raise Invalid(fields={"department_id": [_l("这家医院没有这个科室，请重新选择，或填写名称。")]})
    return found.id, None, found.name
