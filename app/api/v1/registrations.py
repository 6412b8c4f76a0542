"""The applicant's side of the review: send, send again, withdraw, appeal, look."""

from __future__ import annotations

from app.api.v1 import views
from app.api.v1.blueprint import bp
from app.api.v1.operations import Files, operation
from app.api.v1.policy import CHANNEL
from app.api.v1.schemas import AppealRequest, RegistrationOut, RegistrationRequest
from app.api.v1.uploads import photos_of
from app.consents import service as consents
from app.consents.models import Purpose
from app.core.policy import Actor, current_actor, customer
from app.customers import queries as customers
from app.customers import service as customer_service
from app.registrations import service
from app.registrations.service import Claim

BADGES, BADGES_MAX = "badges", 3
PHOTOS = {BADGES: Files(1, BADGES_MAX)}
CONSENT = {403: ("consent_required",)}
BAD_INPUT = {
    413: ("too_large", "image_too_large"), 415: ("unsupported_media",),
    422: (
        "invalid", "badge_consent_required", "adult_required", "policy_outdated", "image_empty", "image_damaged",
        "image_too_many_pixels", "image_type_unsupported", "heic_not_supported", "photo_repeated",
    ),
}  # fmt: skip
MISSING = {404: ("not_found",), 409: ("transition_refused", "being_decided", "conflict")}
BADGE_WORDING = "我单独同意提交证件照片，仅用于核验身份；决定后按期删除。"


@bp.post("/registrations")
@customer()
@operation(
    "Register, or change hospital or position", body=RegistrationRequest, files=PHOTOS,
    answers={201: RegistrationOut}, problems={**CONSENT, **BAD_INPUT, 409: ("registration_open", "conflict")},
)  # fmt: skip
def submit_registration(body: RegistrationRequest) -> object:
    actor = current_actor()
    service.submit(actor, _claim(actor, body))
    customer_service.note_application(actor, name=body.name, gender=body.gender)
    return 201, views.registration_out(actor)


@bp.get("/registrations/current")
@customer()
@operation("The latest registration", answers={200: RegistrationOut}, problems={404: ("not_found",)})
def current_registration() -> RegistrationOut:
    return views.registration_out(current_actor())


@bp.post("/registrations/current/resubmission")
@customer()
@operation(
    "Send another photo or other fields", body=RegistrationRequest, files=PHOTOS,
    answers={200: RegistrationOut}, problems={**CONSENT, **BAD_INPUT, **MISSING},
)  # fmt: skip
def resubmit_registration(body: RegistrationRequest) -> RegistrationOut:
    actor = current_actor()
    service.resubmit(actor, _claim(actor, body))
    customer_service.note_application(actor, name=body.name, gender=body.gender)
    return views.registration_out(actor)


@bp.post("/registrations/current/withdrawal")
@customer()
@operation("Give the open registration up", answers={200: RegistrationOut}, problems=MISSING)
def withdraw_registration() -> RegistrationOut:
    actor = current_actor()
    service.withdraw(actor)
    return views.registration_out(actor)


@bp.post("/registrations/current/appeal")
@customer()
@operation("Object to a rejection, once", body=AppealRequest, answers={200: RegistrationOut}, problems=MISSING)
def appeal_rejection(body: AppealRequest) -> RegistrationOut:
    actor = current_actor()
    service.appeal(actor, body.text)
    return views.registration_out(actor)


def _claim(actor: Actor, body: RegistrationRequest) -> Claim:
    """The claim with its photos. Its badge consent goes into the ledger; the general one must be there."""
    photos = photos_of(BADGES)
    subject = customers.me(actor, lock=True).subject_id  # two at once: the second finds the first one's registration
    consents.require(subject, Purpose.SERVICE)
    badge = consents.give(
        actor, subject, Purpose.BADGE, policy_version=body.policy_version, channel=CHANNEL, wording=BADGE_WORDING
    )
    return Claim(
        name=body.name,
        position=body.position,
        title=body.title,
        policy_version=str(body.policy_version),
        badge_consent=body.badge_consent,
        is_adult=body.is_adult,
        photos=photos,
        hospital_id=body.hospital_id,
        hospital_name=body.hospital_name or "",
        department_id=body.department_id,
        department_name=body.department_name or "",
        consent_ids=(badge.id,),
    )
