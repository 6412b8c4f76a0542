"""What each action of the ticket's table does to the clocks (reference/dispatch.md 6, last column), as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.tickets.sla.metrics import Metric as M


@dataclass(frozen=True, slots=True)
class Effect:
    """``starts`` sets standing clocks going (again), ``stops`` stops going ones; what is already so stays so."""

    starts: tuple[M, ...] = ()
    stops: tuple[M, ...] = ()
    pauses: str = ""  # key of a pause reason; its end is given with the action
    resumes: str = ""


EVERYTHING = tuple(M)
_report = Effect(starts=(M.FIRST_TOUCH, M.RESPONSE, M.RESOLUTION))
_over = Effect(stops=EVERYTHING, resumes="customer_info")
_closed = Effect(stops=EVERYTHING)
_again = Effect(starts=(M.DISPATCH,))
_back = Effect(stops=(M.TURNAROUND, M.RESOLUTION))
_objected = Effect(starts=(M.RESOLUTION,))
_answered = Effect(resumes="customer_info")
_quote_answered = Effect(resumes="customer_quote")

EFFECTS: Mapping[str, Effect] = {
    "submit_ticket": _report,
    "record_call": _report,
    "claim_ticket": Effect(stops=(M.FIRST_TOUCH,)),
    "ask_info": Effect(pauses="customer_info"),
    "answer_info": _answered,
    "record_answer": _answered,
    "cancel_silent": _over,
    "cancel_unanswered": _over,
    "cancel_ticket": _over,
    "cancel_for_customer": _over,
    "reject_ticket": _over,
    "merge_ticket": _over,
    "finish_triage": Effect(stops=(M.FIRST_TOUCH, M.RESPONSE), starts=(M.DISPATCH, M.ARRIVAL)),
    "accept_offer": Effect(stops=(M.DISPATCH,)),
    "withdraw_visit": _again,
    "lose_eligibility": _again,
    "hand_over_visit": _again,
    "arrive_on_site": Effect(stops=(M.ARRIVAL,)),
    "collect_device": Effect(stops=(M.ARRIVAL,), starts=(M.TURNAROUND,)),
    "receive_device": Effect(starts=(M.QUOTE,)),
    "send_quote": Effect(stops=(M.QUOTE,), pauses="customer_quote"),
    "accept_quote": _quote_answered,
    "record_quote_acceptance": _quote_answered,
    "decline_quote": _quote_answered,
    "record_quote_decline": _quote_answered,
    "expire_quote": _quote_answered,
    "finish_depot_repair": Effect(stops=(M.QUOTE,)),
    "return_unrepaired": Effect(stops=(M.QUOTE,)),
    "finish_repair": Effect(stops=(M.RESOLUTION,)),
    "hand_over_device": _back,
    "confirm_delivery": _back,
    "object_visit": _objected,
    "record_objection_visit": _objected,
    "object_repair": Effect(starts=(M.RESOLUTION, M.TURNAROUND)),
    "record_objection_repair": Effect(starts=(M.RESOLUTION, M.TURNAROUND)),
    "confirm_ticket": _closed,
    "close_ticket": _closed,
    "close_silent": _closed,
    "reopen_ticket": Effect(starts=(M.DISPATCH, M.ARRIVAL, M.RESOLUTION)),
}
NOTHING = Effect()
