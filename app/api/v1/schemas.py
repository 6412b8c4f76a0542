"""What goes in and out, as models: the only description, from which the OpenAPI document is made."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PlainSerializer, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from app.api.v1.operations import Answer, Strict
from app.api.v1.text import clean_line, clean_text
from app.consents.models import Purpose
from app.customers.models import Audience, Gender, RightsKind

Instant = Annotated[
    datetime, PlainSerializer(lambda at: at.isoformat().replace("+00:00", "Z"), return_type=str, when_used="json")
]
Phone = Annotated[str, StringConstraints(min_length=5, max_length=24, pattern=r"^\+?[0-9][0-9 ()-]*$")]
WechatCode = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[!-~]+$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=60), AfterValidator(clean_line)]
PlaceName = Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(clean_line)]
FreeText = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(clean_text)]


def _adult(value: bool) -> bool:
    if not value:
        raise PydanticCustomError("adult_required", "must be true")
    return value


def _badge_consent(value: bool) -> bool:
    if not value:
        raise PydanticCustomError("badge_consent_required", "must be true")
    return value


TRUE = Field(json_schema_extra={"const": True})


class LoginCodeRequest(Strict):
    phone: Phone
    audience: Audience = Audience.SERVICE


class SessionRequest(Strict):
    """One of: ``phone`` with ``code``; ``wechat_phone_code``; ``wechat_code`` alone.

    With the first two, ``wechat_code`` binds the WeChat identity too. ``name`` answers ``name_required``.
    """

    phone: Phone | None = None
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")] | None = None
    wechat_code: WechatCode | None = None
    wechat_phone_code: WechatCode | None = None
    name: Name | None = None

    @model_validator(mode="after")
    def one_way(self) -> Self:
        if (self.phone is None) != (self.code is None):
            missing = "code" if self.code is None else "phone"
            raise PydanticCustomError("missing", "missing", {"field": missing})
        if self.phone is not None and self.wechat_phone_code is not None:
            raise PydanticCustomError("one_way", "one way of signing in", {"field": "wechat_phone_code"})
        if self.phone is None and self.wechat_phone_code is None and self.wechat_code is None:
            raise PydanticCustomError("missing", "missing", {"field": "phone"})
        return self


class PlaceOut(Answer):
    """A record of the directory, or (id null) the name as typed."""

    id: uuid.UUID | None
    name: str


class ProfileOut(Answer):
    """What an approved registration verified."""

    name: str
    hospital: PlaceOut
    department: PlaceOut
    position: str
    title: str
    since: Instant
    suspended: bool


class CustomerOut(Answer):
    """Null until the person has registered."""

    name: str
    gender: Gender
    registration_status: str
    profile: ProfileOut | None


class SessionOut(Answer):
    token: str
    expires_at: Instant
    customer: CustomerOut | None


class ConsentOut(Answer):
    purpose: str
    policy_version: int
    given: bool
    at: Instant


class MeOut(Answer):
    phone: str
    created_at: Instant
    customer: CustomerOut | None
    consents: list[ConsentOut]
    consent_required: list[str] = Field(description="Purposes that must be agreed to (again) before registering.")


class MePatch(Strict):
    gender: Gender


class PolicyOut(Answer):
    version: int
    updated_on: date
    effective_on: date
    material: bool
    change_note: str
    text: str
    text_sha256: str


class ConsentRequest(Strict):
    purpose: Purpose
    policy_version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    given: bool


class HospitalQuery(Strict):
    """Either ``q``, or ``lat`` with ``lon`` in degrees. A position is neither stored nor logged."""

    q: Annotated[str, StringConstraints(min_length=1, max_length=60)] | None = None
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def one_way(self) -> Self:
        if (self.lat is None) != (self.lon is None):
            raise PydanticCustomError("missing", "missing", {"field": "lat" if self.lat is None else "lon"})
        if (self.q is None) == (self.lat is None):
            raise PydanticCustomError("missing" if self.q is None else "extra_forbidden", "one way", {"field": "q"})
        return self


class HospitalOut(Answer):
    id: uuid.UUID
    name: str
    province: str = Field(description="GB/T 2260, two digits.")
    city: str
    km: float | None


class HospitalsOut(Answer):
    items: list[HospitalOut]


class DepartmentOut(Answer):
    id: uuid.UUID
    name: str
    parent_id: uuid.UUID | None


class DepartmentsOut(Answer):
    items: list[DepartmentOut]


class RegistrationRequest(Strict):
    """The fields of the multipart body, beside one to three ``badges``."""

    name: Name
    gender: Gender | None = None
    hospital_id: uuid.UUID | None = None
    hospital_name: PlaceName | None = None
    department_id: uuid.UUID | None = None
    department_name: PlaceName | None = None
    position: Name
    title: Name
    is_adult: Annotated[bool, AfterValidator(_adult), TRUE]
    policy_version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    badge_consent: Annotated[bool, AfterValidator(_badge_consent), TRUE]

    @model_validator(mode="after")
    def placed(self) -> Self:
        for kind in ("hospital", "department"):
            chosen, typed = getattr(self, f"{kind}_id"), getattr(self, f"{kind}_name")
            if chosen is None and typed is None:
                raise PydanticCustomError("place_required", "choose or type", {"field": f"{kind}_id"})
            if chosen is not None and typed is not None:
                raise PydanticCustomError("extra_forbidden", "choose or type", {"field": f"{kind}_name"})
        return self


class RegistrationOut(Answer):
    """As the applicant sees it: a decision shows when it takes effect, a minute after it was made."""

    number: str
    status: Literal[
        "pending", "approved", "needs_resubmission", "awaiting_second", "rejected", "on_hold", "lapsed", "withdrawn",
        "appealed", "merged", "suspended", "revoked",
    ]  # fmt: skip
    round: int
    submitted_at: Instant
    name: str
    hospital: PlaceOut
    department: PlaceOut
    position: str
    title: str
    reason: str | None = Field(description="The public reason of the latest decision.")
    answer_by: Instant | None
    appeal_by: Instant | None
    can_resubmit: bool
    can_appeal: bool
    can_withdraw: bool


class AppealRequest(Strict):
    text: FreeText


class PrivacyRequestIn(Strict):
    type: Literal[
        RightsKind.ACCESS, RightsKind.CORRECT, RightsKind.SUPPLEMENT, RightsKind.DELETE, RightsKind.CANCEL,
        RightsKind.TRANSFER, RightsKind.WITHDRAW_CONSENT, RightsKind.RESTRICT, RightsKind.EXPLAIN, RightsKind.COMPLAINT,
    ]  # fmt: skip
    text: FreeText


class PrivacyRequestOut(Answer):
    number: str
    type: str
    text: str | None
    received_at: Instant
    due_on: date
    state: str


class PrivacyRequestsOut(Answer):
    items: list[PrivacyRequestOut]


class ExportOut(Answer):
    """Everything held about the person, by class of the field catalogue."""

    made_at: Instant
    classes: dict[str, dict[str, Any]]


class Problem(Answer):
    """RFC 9457 problem details; ``code`` is stable, ``errors`` are messages by field."""

    type: str
    status: int
    code: str
    detail: str
    request_id: str | None = None
    errors: dict[str, list[str]] | None = None
