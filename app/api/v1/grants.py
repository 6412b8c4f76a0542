"""The person's side of department access: ask for it, look at what is open and until when."""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

from pydantic import Field

from app.api.v1.blueprint import bp
from app.api.v1.operations import Answer, Strict, operation
from app.api.v1.schemas import FreeText, Instant, PlaceOut
from app.core.policy import Actor, current_actor, customer
from app.grants import service
from app.grants.queries import own

DEPARTMENTS_MAX = 40


class GrantRequest(Strict):
    """Departments of the caller's own hospital, by id. Each is asked for alone; sub-departments are named too."""

    departments: Annotated[list[uuid.UUID], Field(min_length=1, max_length=DEPARTMENTS_MAX)]
    reason: FreeText


class GrantOut(Answer):
    """As it is true now: a grant that was paused or that ended says so, whether or not anybody was told yet."""

    number: str
    status: Literal[
        "requested", "awaiting_second", "scheduled", "active", "paused", "refused", "renewed", "expired", "revoked"
    ]
    departments: list[PlaceOut]
    lookback_months: int | None = Field(description="How far back its records are read; null until approved.")
    starts_at: Instant | None
    ends_at: Instant | None = Field(description="The first instant at which nothing is open any more.")
    requested_at: Instant
    reason: str | None = Field(description="What the person wrote; null when staff proposed.")


class GrantsOut(Answer):
    items: list[GrantOut]


@bp.get("/grants")
@customer()
@operation("The own department access and requests, newest first", answers={200: GrantsOut})
def grants() -> GrantsOut:
    return GrantsOut(items=_own(current_actor()))


@bp.post("/grants")
@customer()
@operation(
    "Ask for access to departments of the own hospital", body=GrantRequest, answers={201: GrantOut},
    problems={
        409: ("request_open",),
        422: (
            "invalid", "registration_not_approved", "badge_expired", "hospital_not_mapped", "hospital_merged",
            "basis_missing", "department_unknown", "department_of_another_hospital", "departments_required",
        ),
    },
)  # fmt: skip
def request_grant(body: GrantRequest) -> object:
    actor = current_actor()
    row = service.request(actor, [service.NodeWish(found) for found in dict.fromkeys(body.departments)], body.reason)
    return 201, next(item for item in _own(actor) if item.number == row.number)


def _own(actor: Actor) -> list[GrantOut]:
    return [
        GrantOut(
            number=row.number, status=row.status, lookback_months=row.lookback_months,  # type: ignore[arg-type]
            departments=[PlaceOut(id=place_id, name=name) for place_id, name in row.departments],
            starts_at=row.starts_at, ends_at=row.ends_at, requested_at=row.requested_at, reason=row.reason,
        )
        for row in own.grants_of(actor)
    ]  # fmt: skip
