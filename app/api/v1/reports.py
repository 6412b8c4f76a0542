"""Reporting a fault, with photos and a recording, and naming whom to call."""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

from flask_babel import lazy_gettext as _l
from pydantic import AfterValidator, Field, StringConstraints

from app.api.v1.blueprint import bp
from app.api.v1.operations import Answer, Files, Strict, operation
from app.api.v1.schemas import Name, Phone
from app.api.v1.text import clean_line, clean_text
from app.api.v1.uploads import photos_of, sound_of
from app.consents import service as consents
from app.consents.models import Purpose
from app.core.errors import Forbidden, Invalid
from app.core.policy import Actor, current_actor, customer
from app.customers import queries as customers
from app.hospitals import queries as hospitals
from app.tickets import service
from app.tickets.facts import Harm
from app.tickets.models import FAULT_MAX_CHARS, MODEL_MAX_CHARS, UDI_MAX_CHARS
from app.tickets.queries import devices
from app.tickets.queries.devices import Match
from app.tickets.service import Intake
from app.tickets.service.attestation import Contact
from app.tickets.service.files import PHOTOS_MAX
from app.tickets.wording import CONTACT_WORDINGS, CURRENT

PHOTOS, VOICE = "photos", "voice"
SOUNDS = "audio/amr, audio/aac, audio/mp4, audio/mpeg, audio/wav, audio/ogg"
FILES = {PHOTOS: Files(0, PHOTOS_MAX), VOICE: Files(0, 1, SOUNDS)}
PHOTO_FAULTS = ("image_empty", "image_damaged", "image_too_many_pixels", "image_type_unsupported", "heic_not_supported")
VOICE_FAULTS = ("voice_empty", "voice_damaged", "voice_too_long", "voice_type_unsupported")
CLOSED = {403: ("consent_required", "registration_not_approved")}
BAD_FILES = {413: ("too_large", "image_too_large"), 415: ("unsupported_media",)}
Words = Annotated[str, StringConstraints(min_length=1, max_length=FAULT_MAX_CHARS), AfterValidator(clean_text)]
Model = Annotated[str, StringConstraints(min_length=1, max_length=MODEL_MAX_CHARS), AfterValidator(clean_line)]
Serial = Annotated[str, StringConstraints(min_length=1, max_length=UDI_MAX_CHARS), AfterValidator(clean_line)]


class TicketRequest(Strict):
    """Fields of the multipart body, beside up to nine ``photos`` and one ``voice``.

    ``contact_consent`` is the version of the wording that the caller read and confirmed (GET /tickets/contact-wording).
    """

    contact_is_me: bool
    contact_name: Name | None = None
    contact_phone: Phone | None = None
    contact_consent: Annotated[str, StringConstraints(min_length=1, max_length=20)] | None = None
    hospital_id: uuid.UUID
    department_id: uuid.UUID = Field(description="Where the device stands.")
    device_model: Model | None = None
    serial_number: Serial | None = Field(default=None, description="Or the UDI as it is printed on the plate.")
    fault_description: Words
    patient_harm: Literal["no", "yes", "possible"] | None = None
    voice_text: Words | None = Field(default=None, description="What the phone itself recognised in ``voice``.")


class CandidateOut(Answer):
    serial_number: str
    model: str


class ReportedOut(Answer):
    """``serial_matched``: null without a serial; false is a warning, with what the hospital has of the kind."""

    number: str
    serial_matched: bool | None
    candidates: list[CandidateOut]


class WordingOut(Answer):
    version: str
    text: str


@bp.post("/tickets")
@customer()
@operation(
    "Report a fault", body=TicketRequest, files=FILES, answers={201: ReportedOut},
    problems={
        **CLOSED, 409: ("report_repeated",), 413: ("too_large", "image_too_large", "voice_too_large"),
        415: ("unsupported_media",),
        422: ("invalid", "contact_consent_required", *PHOTO_FAULTS, *VOICE_FAULTS),
    },
)  # fmt: skip
def report_fault(body: TicketRequest) -> object:
    actor = current_actor()
    require_service(actor)
    row = service.record_ticket(actor, _intake(body))
    found = devices.look_up(row.serial_number, row.hospital_id, row.device_model)
    return 201, ReportedOut(
        number=row.number, serial_matched=None if found.match is Match.NONE else not found.doubtful,
        candidates=[CandidateOut.model_validate(one) for one in found.candidates],
    )  # fmt: skip


@bp.get("/tickets/contact-wording")
@customer()
@operation("What a caller attests about another contact", answers={200: WordingOut})
def contact_wording() -> WordingOut:
    return WordingOut(version=CURRENT, text=CONTACT_WORDINGS[CURRENT])


def require_service(actor: Actor) -> None:
    """An approved registration and the service consent; two calls of one person wait for each other."""
    person = customers.me(actor, lock=True)
    consents.require(person.subject_id, Purpose.SERVICE)
    profile = customers.profile_of(person.id)
    if profile is None or profile.suspended_at is not None:
        raise Forbidden(_l("注册通过审核后才能报修。"), code="registration_not_approved")


def _intake(body: TicketRequest) -> Intake:
    hospital = hospitals.live(body.hospital_id)
    department = hospitals.live_department(body.department_id, hospital.id) if hospital is not None else None
    if hospital is None or department is None:
        wrong = {"hospital_id": [_l("没有这家医院。")]}
        raise Invalid(fields=wrong if hospital is None else {"department_id": [_l("这个科室不属于所选医院。")]})
    voice = sound_of(VOICE)
    return Intake(
        hospital_id=hospital.id, fault=body.fault_description, device_department_id=department.id,
        device_model=body.device_model, serial_number=body.serial_number, harm=Harm(body.patient_harm or ""),
        contact=Contact(
            body.contact_is_me, body.contact_name or "", body.contact_phone or "", body.contact_consent or ""
        ),
        photos=photos_of(PHOTOS), voice=voice, voice_text=(body.voice_text or "") if voice is not None else "",
    )  # fmt: skip
