"""Short words for the story: a hospital, applicants with badges, reviewers, and a case in their hands."""

from __future__ import annotations

import io
import itertools
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from PIL import Image, ImageDraw

from app.core import calendar, clock, keys
from app.core.db import db, new_id
from app.core.files import images
from app.core.policy import Actor, Permission
from app.customers.models import Customer
from app.hospitals import service as hospitals
from app.registrations import reasons, service
from app.registrations.models import Registration
from app.registrations.service import Claim, Entered, Seen

P = Permission
MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # 10:00 in China
ALL_SEEN = dict.fromkeys(service.FIELDS, "seen")
_count = itertools.count(1)
ADMIN = Actor("staff", id=new_id(), name="样例管理", rights=MappingProxyType({P.HOSPITALS_MANAGE: None}))


def reviewer(name: str = "审核甲", *, lead: bool = False, provinces: frozenset[str] | None = None, **kw: Any) -> Actor:
    rights = [P.REGISTRATIONS_READ, P.REGISTRATIONS_DECIDE, *([P.REGISTRATIONS_LEAD] if lead else [])]
    return Actor("staff", id=new_id(), name=name, rights=MappingProxyType(dict.fromkeys(rights, provinces)), **kw)


def photo(tone: int | None = None) -> images.CleanImage:
    """A small drawn card; every call gives another picture."""
    picture = Image.new("RGB", (240, 150), (30, (tone or next(_count)) % 255, 120))
    ImageDraw.Draw(picture).text((20, 60), f"BADGE {next(_count)}", fill="white")
    out = io.BytesIO()
    picture.save(out, "JPEG")
    return images.intake(io.BytesIO(out.getvalue()), "badge.jpg")


@dataclass
class Story:
    """What `begin` made: one hospital with one department in Shanghai."""

    hospital_id: uuid.UUID
    department_id: uuid.UUID
    people: list[Actor] = field(default_factory=list)

    def applicant(self, phone: str | None = None) -> Actor:
        number = phone or f"+86138{next(_count):08d}"
        person = Customer(subject_id=keys.new_subject(), phone=number, created_at=clock.now(), last_used_at=clock.now())
        db.session.add(person)
        db.session.flush()
        actor = Actor("customer", id=person.id)
        self.people.append(actor)
        return actor

    def claim(self, **kw: Any) -> Claim:
        base = Claim(
            name="冯虚构", position="护士长", title="主管护师", policy_version="1", badge_consent=True, is_adult=True,
            photos=[photo()], hospital_id=self.hospital_id, department_id=self.department_id,
        )  # fmt: skip
        return replace(base, **kw)

    def case(self, **kw: Any) -> Registration:
        """A submitted registration of a new applicant."""
        return service.submit(self.applicant(kw.pop("phone", None)), self.claim(**kw))


def begin() -> Story:
    """Calendar, reasons and the hospital, in the running unit of work."""
    calendar.seed()
    reasons.seed()
    hospital = hospitals.create_hospital(
        Actor("staff", id=new_id(), name="样例", rights=MappingProxyType({P.HOSPITALS_MANAGE: None})),
        hospitals.HospitalData("华东第一示范医院", "31"),
    )
    department = hospitals.add_department(ADMIN, hospital.id, "消化内镜中心")
    return Story(hospital.id, department.id)


def seen(row: Registration, token: str) -> Seen:
    return Seen(token, row.evidence_version)


def take(actor: Actor, row: Registration) -> Seen:
    """Claim the next case, which must be this one."""
    claimed = service.claim_next(actor)
    assert claimed is not None
    assert claimed[0].id == row.id
    return seen(*claimed)


RETRY = Entered(reasons=("photo_glare",), public_text="证件反光，请避开灯光重拍。")
FINAL = Entered(reasons=("not_medical_staff",), public_text="本服务只面向医护人员。")
APPROVE = Entered(checks=ALL_SEEN)
NOTE = Entered(private_note="先打电话核实")


def reload(row_id: uuid.UUID) -> Registration:
    query = sa.select(Registration).where(Registration.id == row_id).execution_options(populate_existing=True)
    return db.session.scalars(query).one()
