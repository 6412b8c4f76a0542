"""The customer's answer to a quote, for the version that he saw (decisions.md 29)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.api.v1.blueprint import bp
from app.api.v1.operations import Strict, operation
from app.api.v1.reports import CLOSED, require_service
from app.api.v1.talk import MISSING, StatusOut
from app.core.policy import current_actor, customer
from app.tickets import service
from app.tickets.service import depot_quote

REFUSED = ("ticket_ended", "transition_refused", "quote_changed", "quote_expired", "conflict")


class QuoteAnswer(Strict):
    """``version`` as GET /tickets/{number} showed it; another one by now answers 409 ``quote_changed``."""

    version: Annotated[int, Field(ge=1, le=32_767)]


@bp.post("/tickets/<string:number>/quote/accept")
@customer()
@operation(
    "Accept the quote that was seen", body=QuoteAnswer, answers={200: StatusOut},
    problems={**CLOSED, **MISSING, 409: REFUSED, 422: ("invalid",)},
)  # fmt: skip
def accept_quote(number: str, body: QuoteAnswer) -> StatusOut:
    return _answer(number, body, accept=True)


@bp.post("/tickets/<string:number>/quote/decline")
@customer()
@operation(
    "Decline it: the device comes back unrepaired", body=QuoteAnswer, answers={200: StatusOut},
    problems={**CLOSED, **MISSING, 409: (*REFUSED, "on_hold"), 422: ("invalid",)},
)  # fmt: skip
def decline_quote(number: str, body: QuoteAnswer) -> StatusOut:
    return _answer(number, body, accept=False)


def _answer(number: str, body: QuoteAnswer, *, accept: bool) -> StatusOut:
    actor = current_actor()
    require_service(actor)
    service.open_own(actor, number)
    row = depot_quote.answer_own(actor, number, body.version, accept=accept)
    return StatusOut(number=row.number, status=row.status)
