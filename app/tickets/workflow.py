"""The state machine of a repair ticket (reference/dispatch.md 6), as data: 18 statuses, 32 transitions.

Where the reference lists several roles or several targets, the table has a row of its own with an action of its own
(decisions.md 9). ``message`` is the template that tells the customer; None where it was decided that nothing is sent:
what we do among ourselves is ours, and what the customer does himself he sees at once.

Guards look at `facts.Facts`, which the service gathered. The overlay `safety_hold` is no status: it stops every
action that would let evidence go (rows 6, 8, 9, 23, 26, 28 and 32).
"""

from __future__ import annotations

from enum import StrEnum

from app.core.policy import Permission
from app.core.workflow import Guard, Transition, Workflow
from app.tickets import guards as g


class Status(StrEnum):
    """As stored."""

    SUBMITTED = "submitted"
    TRIAGING = "triaging"
    NEED_INFO = "need_info"
    TO_DISPATCH = "to_dispatch"
    OFFERED = "offered"
    SCHEDULED = "scheduled"
    ON_SITE = "on_site"
    COLLECTING = "collecting"
    IN_DEPOT = "in_depot"
    WAIT_QUOTE = "wait_quote"
    WAIT_PARTS = "wait_parts"
    RELEASE_TEST = "release_test"
    RETURNING = "returning"
    RESOLVED = "resolved"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    MERGED = "merged"


S = Status
ENDED = (S.CLOSED, S.CANCELLED, S.REJECTED, S.MERGED)
OPEN = tuple(status for status in Status if status not in ENDED)
BEFORE_OFFER = (S.SUBMITTED, S.TRIAGING, S.NEED_INFO, S.TO_DISPATCH)
BEFORE_VISIT = (*BEFORE_OFFER, S.OFFERED, S.SCHEDULED)

TRIAGE, LEAD = Permission.TICKETS_TRIAGE, Permission.TICKETS_LEAD
DISPATCH, VISIT = Permission.TICKETS_DISPATCH, Permission.VISITS_DO
DEPOT, QUALITY = Permission.DEPOT_WORK, Permission.DEPOT_RELEASE
CUSTOMER, SYSTEM = "customer", "system"


def _row(
    source: Status | None,
    action: str,
    target: Status,
    who: Permission | str,
    event: str,
    *guards: Guard,
    message: str | None = None,
) -> Transition:
    return Transition(source, action, target, who, f"ticket.{event}", message, g.every(*guards) if guards else None)


TRANSITIONS: tuple[Transition, ...] = (
    # 1 the report
    _row(None, "submit_ticket", S.SUBMITTED, CUSTOMER, "submitted"),
    _row(None, "record_call", S.SUBMITTED, TRIAGE, "recorded_by_phone", message="ticket_received"),
    # 2, 3 somebody has it in hands, or lets it go
    _row(S.SUBMITTED, "claim_ticket", S.TRIAGING, TRIAGE, "claimed"),
    _row(S.TRIAGING, "release_ticket", S.SUBMITTED, TRIAGE, "released", g.reason_given),
    _row(S.TRIAGING, "release_idle", S.SUBMITTED, SYSTEM, "released_idle"),
    # 4 to 6 a question to the customer
    _row(S.TRIAGING, "ask_info", S.NEED_INFO, TRIAGE, "info_asked", g.questions_given, message="ticket_need_info"),
    _row(S.NEED_INFO, "answer_info", S.TRIAGING, CUSTOMER, "info_answered", g.answer_given),
    _row(S.NEED_INFO, "record_answer", S.TRIAGING, TRIAGE, "info_recorded", g.note_given),
    _row(S.NEED_INFO, "cancel_silent", S.CANCELLED, SYSTEM, "cancelled_unanswered",
         g.final_notice_sent, g.no_safety_hold, message="ticket_cancelled"),
    _row(S.NEED_INFO, "cancel_unanswered", S.CANCELLED, LEAD, "cancelled_unanswered",
         g.reason_given, g.final_notice_sent, g.no_safety_hold, message="ticket_cancelled"),
    # 7 to 9 what triage may decide
    _row(S.TRIAGING, "finish_triage", S.TO_DISPATCH, TRIAGE, "triaged", g.triage_complete),
    _row(S.TRIAGING, "reject_ticket", S.REJECTED, TRIAGE, "rejected",
         g.no_safety_hold, g.reason_given, g.alternative_given, g.urgent_needs_lead, message="ticket_rejected"),
    *(_row(source, "merge_ticket", S.MERGED, TRIAGE, "merged",
           g.no_safety_hold, g.reason_given, g.target_fits, message="ticket_merged") for source in BEFORE_OFFER),
    # 10 to 14 an offer and the visit that comes of it
    _row(S.TO_DISPATCH, "offer_ticket", S.OFFERED, DISPATCH, "offered", g.eligible_now_and_then),
    _row(S.OFFERED, "decline_offer", S.TO_DISPATCH, VISIT, "offer_declined", g.own_offer, g.reason_given),
    _row(S.OFFERED, "expire_offer", S.TO_DISPATCH, SYSTEM, "offer_expired"),
    _row(S.OFFERED, "recall_offer", S.TO_DISPATCH, DISPATCH, "offer_recalled", g.reason_given),
    _row(S.OFFERED, "accept_offer", S.SCHEDULED, VISIT, "offer_accepted",
         g.own_offer, g.eligible_now_and_then, g.window_agreed, message="ticket_scheduled"),
    _row(S.SCHEDULED, "reschedule_visit", S.SCHEDULED, VISIT, "visit_rescheduled",
         g.own_visit, g.new_window_told, g.few_changes, message="ticket_rescheduled"),
    _row(S.SCHEDULED, "move_visit", S.SCHEDULED, DISPATCH, "visit_moved",
         g.new_window_told, g.few_changes, message="ticket_rescheduled"),
    _row(S.SCHEDULED, "withdraw_visit", S.TO_DISPATCH, DISPATCH, "visit_withdrawn", g.reason_given),
    _row(S.SCHEDULED, "lose_eligibility", S.TO_DISPATCH, SYSTEM, "eligibility_lost", g.reason_given),
    # 15, 16, 31 on site
    _row(S.SCHEDULED, "arrive_on_site", S.ON_SITE, VISIT, "arrived", g.own_visit, g.serial_seen),
    _row(S.ON_SITE, "finish_repair", S.RESOLVED, VISIT, "repaired_on_site",
         g.own_visit, g.may_repair, g.tests_passed, g.work_recorded, message="ticket_resolved"),
    _row(S.ON_SITE, "plan_return_visit", S.SCHEDULED, VISIT, "visit_incomplete", g.own_visit, g.missing_named,
         g.window_agreed),
    _row(S.ON_SITE, "hand_over_visit", S.TO_DISPATCH, VISIT, "visit_handed_over", g.own_visit, g.missing_named),
    # 17, 20, 27 the device travels
    *(_row(source, "collect_device", S.COLLECTING, VISIT, "collected",
           g.own_visit, g.serial_equal, g.decontaminated, g.receipt_signed, message="ticket_collected")
      for source in (S.ON_SITE, S.SCHEDULED)),
    _row(S.COLLECTING, "receive_device", S.IN_DEPOT, DEPOT, "received", g.another_than_tester, g.serial_equal,
         g.seal_checked),
    # 18, 19 parts
    _row(S.ON_SITE, "await_parts", S.WAIT_PARTS, VISIT, "parts_awaited", g.own_visit, g.parts_listed),
    _row(S.IN_DEPOT, "await_depot_parts", S.WAIT_PARTS, DEPOT, "parts_awaited", g.another_than_tester,
         g.parts_listed),
    _row(S.WAIT_PARTS, "resume_visit", S.SCHEDULED, DISPATCH, "parts_arrived", g.was_on_site, g.window_agreed),
    _row(S.WAIT_PARTS, "resume_repair", S.IN_DEPOT, DEPOT, "parts_arrived", g.another_than_tester,
         g.was_in_depot),
    # 21 to 23 a quote
    _row(S.IN_DEPOT, "send_quote", S.WAIT_QUOTE, DEPOT, "quoted", g.another_than_tester, g.quote_justified,
         message="ticket_quoted"),
    _row(S.WAIT_QUOTE, "accept_quote", S.IN_DEPOT, CUSTOMER, "quote_accepted", g.same_quote),
    _row(S.WAIT_QUOTE, "record_quote_acceptance", S.IN_DEPOT, TRIAGE, "quote_accepted", g.same_quote, g.note_given),
    _row(S.WAIT_QUOTE, "decline_quote", S.RETURNING, CUSTOMER, "quote_declined", g.no_safety_hold, g.same_quote),
    _row(S.WAIT_QUOTE, "record_quote_decline", S.RETURNING, TRIAGE, "quote_declined",
         g.no_safety_hold, g.same_quote, g.note_given),
    _row(S.WAIT_QUOTE, "expire_quote", S.RETURNING, SYSTEM, "quote_expired", g.no_safety_hold,
         message="ticket_quote_expired"),
    _row(S.IN_DEPOT, "return_unrepaired", S.RETURNING, LEAD, "returned_unrepaired",
         g.no_safety_hold, g.reason_given, message="ticket_returning"),
    # 24 to 27 repair, release, return
    _row(S.IN_DEPOT, "finish_depot_repair", S.RELEASE_TEST, DEPOT, "repaired_in_depot", g.another_than_tester,
         g.work_recorded),
    _row(S.RELEASE_TEST, "fail_release", S.IN_DEPOT, QUALITY, "release_failed", g.another_than_repairer,
         g.failed_test_named),
    _row(S.RELEASE_TEST, "release_device", S.RETURNING, QUALITY, "released",
         g.no_safety_hold, g.another_than_repairer, g.tests_passed, message="ticket_returning"),
    _row(S.RETURNING, "hand_over_device", S.RESOLVED, VISIT, "returned", g.own_visit, g.receipt_signed,
         message="ticket_resolved"),
    _row(S.RETURNING, "confirm_delivery", S.RESOLVED, DEPOT, "returned", g.receipt_signed, message="ticket_resolved"),
    # 28 to 30 the end, and what may come after it
    _row(S.RESOLVED, "confirm_ticket", S.CLOSED, CUSTOMER, "closed", *g.may_close),
    _row(S.RESOLVED, "close_ticket", S.CLOSED, TRIAGE, "closed", g.note_given, *g.may_close, message="ticket_closed"),
    _row(S.RESOLVED, "close_silent", S.CLOSED, SYSTEM, "closed", *g.may_close, message="ticket_closed"),
    _row(S.RESOLVED, "object_visit", S.SCHEDULED, CUSTOMER, "objected", g.objection_given, g.was_on_site),
    _row(S.RESOLVED, "object_repair", S.IN_DEPOT, CUSTOMER, "objected", g.objection_given, g.was_in_depot),
    _row(S.RESOLVED, "record_objection_visit", S.SCHEDULED, TRIAGE, "objected", g.objection_given, g.was_on_site),
    _row(S.RESOLVED, "record_objection_repair", S.IN_DEPOT, TRIAGE, "objected", g.objection_given, g.was_in_depot),
    _row(S.CLOSED, "reopen_ticket", S.TO_DISPATCH, LEAD, "reopened", g.reason_given, g.same_fault_in_time,
         message="ticket_reopened"),
    # 32 called off
    *(_row(source, "cancel_ticket", S.CANCELLED, CUSTOMER, "cancelled", g.no_safety_hold, g.nothing_in_custody)
      for source in BEFORE_OFFER),
    *(_row(source, "cancel_for_customer", S.CANCELLED, LEAD, "cancelled",
           g.no_safety_hold, g.nothing_in_custody, g.reason_given, message="ticket_cancelled")
      for source in BEFORE_VISIT),
)  # fmt: skip

workflow = Workflow("ticket", Status, TRANSITIONS)
