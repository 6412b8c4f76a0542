"""Every guard of the ticket's table: it lets good facts pass, and refuses when its one sentence is not true."""

from __future__ import annotations

import inspect
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from app.core.errors import DomainError
from app.core.policy import Actor
from app.tickets import guards
from app.tickets.facts import (
    EligibilityProof,
    Facts,
    Harm,
    MergeTarget,
    Priority,
    ServiceMode,
    SheetLine,
    Triage,
    WarrantyBasis,
    Work,
)
from app.tickets.workflow import BEFORE_OFFER, ENDED, OPEN, TRANSITIONS, Status, workflow

pytestmark = pytest.mark.pure
NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
ENGINEER, DEPOT, OTHER = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
ROW = SimpleNamespace(id=uuid.uuid4(), version=4, hospital_id=uuid.uuid4(), safety_hold=False)
ACTOR = Actor("staff", id=uuid.uuid4(), name="样例")
WINDOW = (NOW + HOUR, NOW + 2 * HOUR)
PROOF = EligibilityProof(ROW.id, ROW.version, ENGINEER, *WINDOW, NOW, may_repair=True)
GOOD_TEST = SheetLine("漏水测试", mandatory=True, passed=True, gauge_valid_until=NOW + HOUR)
GOOD = Facts(
    now=NOW, reason="customer_wish", note="与护士长通过电话", text="镜头仍然模糊", questions=("photo_of_fault",),
    final_notice_at=NOW - 48 * HOUR, answer_by=NOW - HOUR, priority=Priority.P3,
    triage=Triage(True, "S1", "", Harm.NO, True, "optics", Priority.P3, WarrantyBasis.PAID, ServiceMode.ON_SITE),
    target=MergeTarget(uuid.uuid4(), ROW.hospital_id, ended=False, safety_hold=False),
    proof=PROOF, assignee_ids=frozenset({ENGINEER}), assigned_to=ENGINEER, window=WINDOW, told_by="工程师",
    serial_expected="S1", serial_scanned="S1", tests=(GOOD_TEST,), work=Work("渗漏", "更换弯曲橡皮", True),
    missing="胶粘技能", decontaminated=True, receipt_signed=True, seal_expected="F7", seal_found="F7", parts=1,
    outside_warranty=True, quote_version=2, quote_seen=2, repairers=frozenset({DEPOT}), closed_at=NOW - HOUR,
)  # fmt: skip
DEPOT_JOB = {"was_in_depot"}  # needs the opposite of `was_on_site`
FAILED = {"failed_test_named"}


def good_for(name: str) -> Facts:
    if name in DEPOT_JOB:
        return replace(GOOD, field_job=False)
    if name in FAILED:
        return replace(GOOD, tests=(replace(GOOD_TEST, passed=False),))
    return GOOD


def facts(**changes: Any) -> Facts:
    return replace(GOOD, **changes)


BROKEN: list[tuple[str, Facts, str]] = [
    ("reason_given", facts(reason=""), "reason_required"),
    ("note_given", facts(note="  "), "note_required"),
    ("answer_given", facts(text=" "), "answer_required"),
    ("objection_given", facts(text=""), "objection_required"),
    ("questions_given", facts(questions=()), "questions_required"),
    ("final_notice_sent", facts(final_notice_at=None), "final_notice_missing"),
    ("final_notice_sent", facts(answer_by=NOW + timedelta(seconds=1)), "answer_still_due"),
    ("triage_complete", facts(triage=replace(GOOD.triage, harm=Harm.UNANSWERED)), "triage_incomplete"),
    ("triage_complete", facts(triage=Triage()), "triage_incomplete"),
    ("alternative_given", facts(text=""), "alternative_required"),
    ("urgent_needs_lead", facts(priority=Priority.P1), "lead_required"),
    ("target_fits", facts(target=None), "merge_target_required"),
    ("target_fits", facts(target=replace(GOOD.target, id=ROW.id)), "merge_target_required"),  # type: ignore[type-var]
    ("target_fits", facts(target=replace(GOOD.target, ended=True)), "merge_target_ended"),  # type: ignore[type-var]
    ("target_fits", facts(target=replace(GOOD.target, into=frozenset({ROW.id}))), "merge_cycle"),  # type: ignore[type-var]
    ("target_fits", facts(target=replace(GOOD.target, safety_hold=True)), "on_hold"),  # type: ignore[type-var]
    ("target_fits", facts(target=replace(GOOD.target, hospital_id=OTHER)), "lead_required"),  # type: ignore[type-var]
    ("eligible_now_and_then", facts(proof=None), "not_eligible"),
    ("eligible_now_and_then", facts(proof=replace(PROOF, ticket_id=OTHER)), "not_eligible"),
    ("eligible_now_and_then", facts(proof=replace(PROOF, ticket_version=3)), "conflict"),
    ("own_offer", facts(assigned_to=OTHER), "not_yours"),
    ("own_offer", facts(assigned_to=None, assignee_ids=frozenset()), "not_yours"),
    ("window_agreed", facts(window=None), "window_required"),
    ("window_agreed", facts(window=(WINDOW[1], WINDOW[0])), "window_invalid"),
    ("window_agreed", facts(window=(NOW - 2 * HOUR, NOW - HOUR)), "window_invalid"),
    ("new_window_told", facts(told_by=""), "told_by_required"),
    ("new_window_told", facts(window=None, call_first=True), "window_required"),
    ("few_changes", facts(changes=2), "lead_required"),
    ("serial_seen", facts(serial_scanned="", serial_reason=""), "serial_required"),
    ("serial_equal", facts(serial_scanned=""), "serial_required"),
    ("serial_equal", facts(serial_scanned="S2"), "serial_mismatch"),
    ("seal_checked", facts(seal_found="F8"), "seal_mismatch"),
    ("decontaminated", facts(decontaminated=False), "decontamination_required"),
    ("receipt_signed", facts(receipt_signed=False), "receipt_required"),
    ("may_repair", facts(may_repair=False), "repair_not_allowed"),
    ("tests_passed", facts(tests=(replace(GOOD_TEST, passed=False),)), "tests_not_passed"),
    ("tests_passed", facts(tests=(replace(GOOD_TEST, passed=None),)), "tests_not_passed"),
    ("tests_passed", facts(tests=(replace(GOOD_TEST, gauge_valid_until=NOW - HOUR),)), "gauge_expired"),
    ("work_recorded", facts(work=Work("渗漏", "", True)), "work_required"),
    ("work_recorded", facts(work=Work("渗漏", "更换", False)), "signature_required"),
    ("missing_named", facts(missing=""), "missing_required"),
    ("parts_listed", facts(parts=0), "parts_required"),
    ("was_on_site", facts(field_job=False), "not_a_visit"),
    ("was_in_depot", facts(field_job=True), "not_in_depot"),
    ("quote_justified", facts(outside_warranty=False), "quote_not_justified"),
    ("quote_justified", facts(quote_version=None), "quote_required"),
    ("same_quote", facts(quote_version=None), "quote_expired"),
    ("same_quote", facts(quote_seen=1), "quote_changed"),
    ("another_than_repairer", facts(repairers=frozenset({ACTOR.id})), "not_your_own_work"),
    ("another_than_tester", facts(testers=frozenset({ACTOR.id})), "not_your_own_test"),
    ("failed_test_named", facts(), "failed_test_required"),
    ("nothing_in_custody", facts(custody_open=True), "custody_open"),
    ("_loaner_back", facts(loaner_out=True), "loaner_out"),
    ("_parts_accounted", facts(parts_open=True), "parts_open"),
    ("_safety_decided", facts(safety_undecided=True), "check_open"),
    ("same_fault_in_time", facts(closed_at=NOW - timedelta(days=30, seconds=1)), "reopen_too_late"),
    ("same_fault_in_time", facts(closed_at=None), "reopen_too_late"),
]


def guard_names() -> set[str]:
    """The functions of the module that take (row, actor, facts)."""
    found = inspect.getmembers(guards, inspect.isfunction)
    return {f.__name__ for _name, f in found if f.__module__ == guards.__name__ and len(inspect.signature(f).parameters) == 3 and f.__name__ != "_needs"}  # fmt: skip


@pytest.mark.parametrize("name, broken, code", BROKEN, ids=[f"{n}-{c}-{i}" for i, (n, _f, c) in enumerate(BROKEN)])
def test_a_guard_refuses_when_its_sentence_is_not_true(name: str, broken: Facts, code: str) -> None:
    guard = getattr(guards, name)
    guard(ROW, ACTOR, good_for(name))
    with pytest.raises(DomainError) as refused:
        guard(ROW, ACTOR, broken)
    assert refused.value.code == code


def test_every_guard_is_broken_at_least_once() -> None:
    assert guard_names() - {name for name, _facts, _code in BROKEN} == {"no_safety_hold"}


def test_collect_is_refused_without_reprocessing_declaration_or_lead_approved_biohazard_packing() -> None:
    """Feature 10 of dispatch.md 3, first half."""
    guards.decontaminated(ROW, ACTOR, facts(decontaminated=False, biohazard_approved=True))
    with pytest.raises(DomainError):
        guards.decontaminated(ROW, ACTOR, facts(decontaminated=False))


def test_qa_who_did_the_repair_cannot_release_it_and_one_failed_mandatory_test_blocks_return() -> None:
    """Feature 11 of dispatch.md 3."""
    release = workflow.find(Status.RELEASE_TEST, "release_device")
    assert release.guard is not None
    release.guard(ROW, ACTOR, GOOD)
    for broken in (facts(repairers=frozenset({ACTOR.id})), facts(tests=(GOOD_TEST, replace(GOOD_TEST, passed=False)))):
        with pytest.raises(DomainError):
            release.guard(ROW, ACTOR, broken)


BLOCKED_BY_SAFETY = {
    "cancel_silent", "cancel_unanswered", "reject_ticket", "merge_ticket", "decline_quote", "record_quote_decline",
    "expire_quote", "return_unrepaired", "release_device", "confirm_ticket", "close_ticket", "close_silent",
    "cancel_ticket", "cancel_for_customer",
}  # fmt: skip


def test_a_safety_hold_stops_rows_6_8_9_23_26_28_and_32_and_nothing_else() -> None:
    held = SimpleNamespace(**{**vars(ROW), "safety_hold": True})
    stopped = set()
    for row in TRANSITIONS:
        try:
            if row.guard is not None:
                row.guard(held, ACTOR, GOOD)
        except DomainError as refused:
            if refused.code == "on_hold":
                stopped.add(row.action)
    assert stopped == BLOCKED_BY_SAFETY


def test_the_table_has_eighteen_statuses_and_leads_everywhere() -> None:
    assert len(Status) == 18
    assert {row.target for row in TRANSITIONS} == set(Status)
    for status in OPEN:
        assert any(row.source == status for row in TRANSITIONS), status
    for status in ENDED:
        allowed = {"reopen_ticket"} if status is Status.CLOSED else set()
        assert {row.action for row in TRANSITIONS if row.source == status} == allowed


def test_no_way_back_to_before_the_offer_once_a_device_travels() -> None:
    travelling = (Status.COLLECTING, Status.IN_DEPOT, Status.WAIT_QUOTE, Status.RELEASE_TEST, Status.RETURNING)
    for row in TRANSITIONS:
        if row.source in travelling:
            assert row.target not in (*BEFORE_OFFER, Status.CANCELLED, Status.REJECTED, Status.MERGED)
