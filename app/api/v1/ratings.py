"""Rating an own ticket after it closed: once per round, another version within 24 hours."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from app.api.v1.blueprint import bp
from app.api.v1.operations import Answer, Strict, operation
from app.api.v1.reports import CLOSED, require_service
from app.api.v1.text import clean_text
from app.core.policy import current_actor, customer
from app.satisfaction import service
from app.satisfaction.models import COMMENT_MAX_CHARS
from app.satisfaction.words import REASONS

Grade = Annotated[int, Field(ge=1, le=5)]
Comment = Annotated[str, StringConstraints(max_length=COMMENT_MAX_CHARS), AfterValidator(clean_text)]
Reason = Annotated[str, StringConstraints(pattern=f"^({'|'.join(REASONS)})$")]
ENDED = ("ticket_not_closed", "rating_expired", "rating_withdrawn", "rating_given", "rating_closed", "conflict")


class DimensionsIn(Strict):
    timeliness: Grade | None = None
    skill: Grade | None = None
    attitude: Grade | None = None
    result: Grade | None = None


class RatingRequest(Strict):
    """``reasons`` are codes of the list that belongs to the score: 1 to 3, or 4 and 5."""

    score: Grade
    dimensions: DimensionsIn | None = None
    reasons: Annotated[list[Reason], Field(max_length=len(REASONS))] = []
    comment: Comment | None = None


class RatingOut(Answer):
    number: str
    score: int


@bp.post("/tickets/<string:number>/rating")
@customer()
@operation(
    "Rate an own ticket once it is closed; within 24 hours again", body=RatingRequest,
    answers={201: RatingOut, 200: RatingOut}, problems={**CLOSED, 404: ("not_found",), 409: ENDED, 422: ("invalid",)},
)  # fmt: skip
def rate_ticket(number: str, body: RatingRequest) -> object:
    actor = current_actor()
    require_service(actor)
    given = body.dimensions.model_dump(exclude_none=True) if body.dimensions is not None else {}
    answer = service.Answer(body.score, given, tuple(dict.fromkeys(body.reasons)), body.comment or "")
    first = service.give_own(actor, number, answer)
    return (201 if first else 200), RatingOut(number=number, score=body.score)
