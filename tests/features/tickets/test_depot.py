"""The depot by its verbs: custody, decontamination, parts, quotes, the release test, and what people get wrong there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.errors import Conflict, DomainError, Forbidden, Invalid
from app.core.outbox import Message
from app.core.policy import Actor
from app.staff.roles import Role, permissions_of
from app.tickets import service
from app.tickets.models import (
    CustodyLeg,
    FileKind,
    PartLine,
    Quote,
    RepairRecord,
    SheetRow,
    SlaClock,
    Ticket,
    TicketEvent,
    TicketFile,
)
from app.tickets.queries.depot import workshop
from app.tickets.service import depot, depot_quote, depot_release, field, notices
from app.tickets.service.depot import Received, Wanted
from app.tickets.service.depot_quote import Line
from app.tickets.service.time import settle_due
from app.tickets.sla.metrics import Metric
from tests.features.registrations.story import photo
from tests.features.tickets.people import DAY, MONDAY
from tests.features.tickets.shop import SEAL, SERIAL, WAYS, Shop, sheet, shop

Work = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def s(work: Work) -> Iterator[Shop]:
    with clock.frozen(MONDAY):
        with work():
            made = shop()
        yield made


@contextmanager
def refused(code: str, kind: type[DomainError] = DomainError) -> Iterator[None]:
    with pytest.raises(kind) as found:
        yield
    assert found.value.code == code


def legs(s: Shop) -> list[tuple[str, bool]]:
    rows = db.session.scalars(
        sa.select(CustodyLeg).where(CustodyLeg.ticket_id == s.ticket_id).order_by(CustodyLeg.opened_at, CustodyLeg.id)
    )
    return [(leg.holder, leg.closed_at is None) for leg in rows]


def test_10_collect_is_refused_without_declaration_or_approved_packing_and_a_wrong_serial_blocks_receipt(
    work: Work, s: Shop
) -> None:
    """Decontamination + custody gate, whole (reference/dispatch.md 3, sentence 10)."""
    with work():
        s.scheduled()
    with work(), refused("decontamination_required", Invalid):
        s.collect(decontaminated=False)
    with work():
        assert (s.row.status, legs(s)) == ("scheduled", [])
        field.approve_biohazard(s.desk.lead, s.ticket_id)
    with work():
        s.collect(decontaminated=False)
        leg = workshop(s.ticket_id).open_leg
        assert leg is not None
        assert (leg.biohazard_approved_by, leg.seal_number, leg.decontaminated) == (s.desk.lead.id, SEAL, False)
        assert s.row.biohazard_by is None, "an approval is used up by the collection"
    with work(), refused("serial_mismatch", Invalid):
        s.receive(serial="7654321")
    with work():
        assert s.row.status == "collecting"
        s.receive()
        assert legs(s) == [("engineer", False), ("depot", True)]


def test_11_who_did_the_repair_cannot_release_it_and_one_failed_mandatory_test_blocks_return(
    work: Work, s: Shop
) -> None:
    """Return-to-service gate, whole (sentence 11): the repairer holds both roles here and still may not."""
    both = {right: None for role in (Role.DEPOT, Role.QUALITY) for right in permissions_of(role, lead=False)}
    s.repairer = replace(s.repairer, rights=both)
    with work():
        WAYS["release_test"](s)
    with work(), refused("not_your_own_work", Forbidden):
        s.release(s.repairer)
    with work(), refused("tests_not_passed", Invalid):
        s.release(leak=False)
    with work(), refused("tests_not_passed", Invalid):
        s.release(function=None)
    with work():
        assert s.row.status == "release_test"
        s.release(accessories=None)
        assert s.row.status == "returning"


def test_a_tester_does_not_repair_afterwards(work: Work, s: Shop) -> None:
    both = {right: None for role in (Role.DEPOT, Role.QUALITY) for right in permissions_of(role, lead=False)}
    s.tester = replace(s.tester, rights=both)
    with work():
        WAYS["release_test"](s)
        s.fail()
        assert (s.row.status, s.row.rework_count) == ("in_depot", 1)
    with work(), refused("not_your_own_test", Forbidden):
        s.repair(s.tester)
    with work():
        s.repair(s.second)
        s.release()


def test_a_whole_stay_leaves_custody_without_gaps_and_the_ticket_closes_with_empty_hands(work: Work, s: Shop) -> None:
    with work():
        WAYS["closed"](s)
        found = workshop(s.ticket_id)
        assert [leg.holder for leg in found.legs] == ["engineer", "depot", "courier"]
        assert [a.closed_at for a in found.legs[:-1]] == [b.opened_at for b in found.legs[1:]]
        assert found.legs[-1].closed_at is not None
        kinds = set(db.session.scalars(sa.select(TicketFile.kind).where(TicketFile.ticket_id == s.ticket_id)))
        assert kinds == {FileKind.CONDITION}
        actions = list(db.session.scalars(sa.select(TicketEvent.action).order_by(TicketEvent.version)))
        assert actions[-6:] == ["collect_device", "receive_device", "finish_depot_repair", "release_device",
                                "confirm_delivery", "confirm_ticket"]  # fmt: skip
        stopped = db.session.scalars(sa.select(SlaClock).where(SlaClock.metric == Metric.TURNAROUND)).one()
        assert stopped.stopped_at == MONDAY


def test_a_ticket_does_not_close_while_the_device_is_away_or_a_part_is_unaccounted_for(work: Work, s: Shop) -> None:
    with work():
        s.to_depot()
        s.want()
        line = db.session.scalars(sa.select(PartLine)).one()
        depot.account_parts(s.repairer, s.ticket_id, s.seen, {line.id: "arrived"})
        assert s.row.status == "in_depot", "nothing is waited for any more"
        s.repair()
        s.release()
        s.send()
        s.deliver()
    with work(), refused("parts_open"):
        service.confirm(s.desk.customer, s.row.number)
    with work():
        line = db.session.scalars(sa.select(PartLine)).one()
        depot.account_parts(s.repairer, s.ticket_id, s.seen, {line.id: "used"})
        service.confirm(s.desk.customer, s.row.number)
        assert s.row.status == "closed"


def test_a_seal_that_differs_is_received_with_a_reason_that_stays(work: Work, s: Shop) -> None:
    with work():
        WAYS["collecting"](s)
        s.receive(seal="F-9999", seal_reason=" 取件时抄错 ")
    with work():
        last = db.session.scalars(sa.select(CustodyLeg).where(CustodyLeg.closed_at.is_(None))).one()
        assert (s.row.status, last.seal_found) == ("in_depot", "F-9999")
        event = db.session.scalars(sa.select(TicketEvent).where(TicketEvent.action == "receive_device")).one()
        assert event.note == "取件时抄错"


def test_a_seal_that_does_not_match_blocks_receipt_and_nothing_is_written(work: Work, s: Shop) -> None:
    with work():
        WAYS["collecting"](s)
    with work(), refused("seal_mismatch", Invalid):
        s.receive(seal="F-9999")
    with work(), pytest.raises(Invalid) as found:
        s.receive(seal="F-9999", seal_reason="抄" * 201)
    assert "seal_reason" in found.value.fields
    with work(), refused("photos_required", Invalid):
        depot.receive(s.repairer, s.ticket_id, s.seen, Received(SERIAL, SEAL), [])
    with work(), refused("serial_required", Invalid):
        s.receive(serial="  ")
    with work():
        assert (legs(s), s.row.status) == ([("engineer", True)], "collecting")
        assert db.session.scalar(sa.select(sa.func.count()).select_from(TicketFile)) == 0


def test_the_same_act_twice_is_told_who_was_faster(work: Work, s: Shop) -> None:
    with work():
        WAYS["collecting"](s)
        before = s.seen
        s.receive()
    with work(), refused("ticket_changed", Conflict):
        depot.receive(s.second, s.ticket_id, before, Received(SERIAL, SEAL), [photo()])
    with work(), refused("transition_refused", Conflict):
        s.receive(s.second)
    with work():
        assert legs(s) == [("engineer", False), ("depot", True)]


def test_a_quote_is_answered_by_the_version_that_was_seen(work: Work, s: Shop) -> None:
    with work():
        s.to_depot()
        first = s.quote()
        assert (first.version, first.amount_fen, s.row.wakes_at) == (1, 250_000, first.valid_until)
        number = s.row.number
    with work(), refused("quote_changed", Conflict):
        depot_quote.answer_own(s.desk.customer, number, 2, accept=True)
    with work():
        depot_quote.answer_own(s.desk.customer, number, 1, accept=True)
        assert s.row.status == "in_depot"
    with work(), refused("transition_refused", Conflict):
        depot_quote.answer_own(s.desk.customer, number, 1, accept=True)
    with work():
        s.quote(words="另加换钳道管")
    with work(), refused("quote_changed", Conflict):
        depot_quote.answer_own(s.desk.customer, number, 1, accept=True)
    with work():
        depot_quote.answer_own(s.desk.customer, number, 2, accept=False)
        assert (s.row.status, s.row.unrepaired) == ("returning", True)
        rows = db.session.execute(sa.select(Quote.version, Quote.answer, Quote.answered_by).order_by(Quote.version))
        assert [tuple(row) for row in rows] == [(1, "accepted", "customer"), (2, "declined", "customer")]


def test_the_answer_by_telephone_needs_proof_and_the_right(work: Work, s: Shop) -> None:
    with work():
        WAYS["wait_quote"](s)
    with work(), refused("note_required", Invalid):
        depot_quote.record_answer(s.desk.triager, s.ticket_id, s.seen, " ", accept=True)
    with work(), pytest.raises(Forbidden):
        depot_quote.record_answer(s.repairer, s.ticket_id, s.seen, "通话", accept=True)
    with work():
        depot_quote.record_answer(s.desk.triager, s.ticket_id, s.seen, "11-23 与设备科通话", accept=True)
        assert s.row.status == "in_depot"


def test_an_expired_quote_sends_the_device_back_unrepaired_with_its_label(work: Work, s: Shop) -> None:
    with work():
        WAYS["wait_quote"](s)
        until = s.row.wakes_at
        assert until is not None
    late = until + timedelta(seconds=1)
    with clock.frozen(late), work(), refused("transition_refused", Conflict):
        depot_quote.answer_own(s.desk.customer, s.row.number, 1, accept=True)
    with clock.frozen(late), work():
        settle_due()
        assert (s.row.status, s.row.unrepaired, s.row.changed_at) == ("returning", True, until)
        assert db.session.scalars(sa.select(Quote.answer)).one() == "expired"
    with clock.frozen(late), work(), refused("label_required", Invalid):
        s.send()
    with clock.frozen(late), work(), refused("not_sent", Conflict):
        s.deliver()
    with clock.frozen(late), work():
        s.send(label=True)
        s.deliver()
        assert workshop(s.ticket_id).legs[-1].do_not_use


def test_a_quote_under_warranty_needs_evidence_of_misuse(work: Work, s: Shop) -> None:
    with work():
        s.to_depot()
        s.row.warranty_basis = "warranty"
    with work(), refused("quote_not_justified", Conflict):
        s.quote()
    with work():
        s.quote(misuse="先端部有咬痕，见外观照片")
        assert s.row.status == "wait_quote"


@pytest.mark.parametrize(
    "wrong, field_name",
    [
        ({"lines": []}, "quote"), ({"lines": [Line("", 1, 100)]}, "quote"), ({"lines": [Line("漏", 0, 100)]}, "quote"),
        ({"lines": [Line("漏", 1, None)]}, "quote"), ({"lines": [Line("漏", 1, 0)]}, "quote"),
        ({"lines": [Line("漏" * 61, 1, 100)]}, "quote"), ({"words": " "}, "words"), ({"words": "字" * 1001}, "words"),
        ({"misuse": "字" * 1001}, "misuse"), ({"valid_until": None}, "valid_until"),
        ({"valid_until": MONDAY.date()}, "valid_until"), ({"valid_until": (MONDAY + 91 * DAY).date()}, "valid_until"),
    ],
)  # fmt: skip
def test_a_quote_that_cannot_stand_is_refused_by_field(
    work: Work, s: Shop, wrong: dict[str, object], field_name: str
) -> None:
    with work():
        s.to_depot()
    with work(), pytest.raises(Invalid) as found:
        s.quote(**wrong)
    assert set(found.value.fields) == {field_name}
    with work():
        assert (s.row.status, list(db.session.scalars(sa.select(Quote)))) == ("in_depot", [])


def test_a_gauge_out_of_calibration_on_the_day_blocks_release(work: Work, s: Shop) -> None:
    yesterday = (MONDAY - DAY).date()
    with work():
        WAYS["release_test"](s)
    with work(), refused("gauge_expired", Invalid):
        depot_release.release(s.tester, s.ticket_id, s.seen, sheet(until=yesterday))
    with work(), refused("sheet_incomplete", Invalid):
        bare = [replace(one, gauge="") for one in sheet()]
        depot_release.release(s.tester, s.ticket_id, s.seen, bare)
    with work(), refused("failed_test_required", Invalid):
        depot_release.fail(s.tester, s.ticket_id, s.seen, sheet())
    with work():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(SheetRow)) == 0
        depot_release.release(s.tester, s.ticket_id, s.seen, sheet(until=MONDAY.date()))
        assert s.row.status == "returning", "the last day of a calibration counts"


def test_after_a_failed_release_the_whole_sheet_is_asked_again(work: Work, s: Shop) -> None:
    with work():
        WAYS["release_test"](s)
        s.fail()
        s.repair()
    with work(), refused("tests_not_passed", Invalid):
        depot_release.release(s.tester, s.ticket_id, s.seen, [one for one in sheet() if one.key == "leak"])


def test_parts_come_one_by_one_and_a_line_may_be_dropped(work: Work, s: Shop) -> None:
    with work():
        s.to_depot()
        s.want(2)
        first, second = db.session.scalars(sa.select(PartLine.id).order_by(PartLine.part_number)).all()
        depot.account_parts(s.repairer, s.ticket_id, s.seen, {first: "arrived"})
        assert s.row.status == "wait_parts"
    with work(), refused("parts_changed", Conflict):
        depot.account_parts(s.second, s.ticket_id, s.seen, {first: "arrived"})
    with work(), refused("parts_changed", Conflict):
        depot.account_parts(s.repairer, s.ticket_id, s.seen, {second: "used"})
    with work(), refused("parts_required", Invalid):
        depot.account_parts(s.repairer, s.ticket_id, s.seen, {})
    with work():
        depot.account_parts(s.repairer, s.ticket_id, s.seen, {second: "dropped"})
        assert s.row.status == "in_depot"
        s.row.safety_hold = True
    with work(), refused("on_hold"):
        depot.account_parts(s.repairer, s.ticket_id, s.seen, {first: "scrapped"})


@pytest.mark.parametrize(
    "line",
    [
        Wanted("", "橡皮", 1, MONDAY.date()), Wanted("P", "", 1, MONDAY.date()), Wanted("P", "橡皮", 0, MONDAY.date()),
        Wanted("P", "橡皮", 1000, MONDAY.date()), Wanted("P", "橡皮", 1, None), Wanted("P" * 41, "橡皮", 1, MONDAY.date()),
        Wanted("P", "橡皮", 1, (MONDAY - DAY).date()),
    ],
)  # fmt: skip
def test_a_line_of_parts_that_cannot_stand_is_refused(work: Work, s: Shop, line: Wanted) -> None:
    with work():
        s.to_depot()
    with work(), refused("parts_invalid", Invalid):
        depot.await_parts(s.repairer, s.ticket_id, s.seen, [line])
    with work(), refused("parts_required", Invalid):
        depot.await_parts(s.repairer, s.ticket_id, s.seen, [])


def test_a_safety_hold_keeps_the_device(work: Work, s: Shop) -> None:
    with work():
        WAYS["wait_quote"](s)
        s.row.safety_hold = True
    with work(), refused("on_hold"):
        depot_quote.answer_own(s.desk.customer, s.row.number, 1, accept=False)
    with work():
        depot_quote.answer_own(s.desk.customer, s.row.number, 1, accept=True)
        s.repair()
    with work(), refused("on_hold"):
        s.release()


def test_an_objection_brings_the_device_back_before_it_is_repaired_again(work: Work, s: Shop) -> None:
    with work():
        WAYS["resolved"](s)
        service.object_to(s.desk.customer, s.row.number, "仍然漏水")
        assert s.row.status == "in_depot"
    with work(), refused("not_here", Conflict):
        s.repair()
    with work(), refused("serial_mismatch", Invalid):
        depot.take_in(s.repairer, s.ticket_id, s.seen, Received("999", ""), [photo()])
    with work():
        depot.take_in(s.repairer, s.ticket_id, s.seen, Received(SERIAL, ""), [photo()])
        s.repair()
        assert db.session.scalar(sa.select(sa.func.count()).select_from(RepairRecord)) == 2


def test_html_and_formulas_are_kept_as_words_and_too_long_a_record_is_refused(work: Work, s: Shop) -> None:
    with work():
        s.to_depot()
    with work(), pytest.raises(Invalid):
        depot.finish_repair(s.repairer, s.ticket_id, s.seen, "字" * 1001, "换", {})
    with work(), refused("work_required", Invalid):
        depot.finish_repair(s.repairer, s.ticket_id, s.seen, "  ", "换", {})
    with work():
        depot.finish_repair(s.repairer, s.ticket_id, s.seen, "<b>漏</b>", "=1+1", {})
        kept = db.session.scalars(sa.select(RepairRecord)).one()
        assert (kept.fault, kept.action) == ("<b>漏</b>", "=1+1")


def test_a_crash_between_transition_and_message_leaves_neither(
    work: Work, s: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with work():
        s.to_depot()

    def broken(*_args: object) -> None:
        raise RuntimeError("the power went out")

    monkeypatch.setattr(notices, "tell", broken)
    with pytest.raises(RuntimeError), work():
        s.quote()
    monkeypatch.undo()
    with work():
        assert (s.row.status, list(db.session.scalars(sa.select(Quote)))) == ("in_depot", [])
        s.quote()
        sent = db.session.scalars(sa.select(Message.template).where(Message.template == "ticket_quoted")).all()
        assert list(sent) == ["ticket_quoted"]


def test_a_repair_on_site_and_the_ways_off_it(work: Work, s: Shop) -> None:
    from app.tickets.facts import Work as Done

    with work():
        WAYS["on_site"](s)
        field.await_parts(s.engineer, s.ticket_id, s.ids, [Wanted("P-9", "按钮", 2, MONDAY.date())])
        assert s.row.status == "wait_parts"
        field.resume_visit(s.dispatcher, s.ticket_id, None, call_first=True)
        s.on_site()
        window = (MONDAY + DAY, MONDAY + DAY + timedelta(hours=2))
        field.plan_return_visit(s.engineer, s.ticket_id, s.ids, "missing_parts", "按钮", window)
        assert s.row.window_from == window[0]
        s.on_site()
        field.finish_repair(s.engineer, s.ticket_id, s.ids, Done("按钮卡住", "更换按钮", True), sheet())
        assert s.row.status == "resolved"
        record = db.session.scalars(sa.select(RepairRecord)).one()
        assert (record.in_depot, record.repairer_id) == (False, s.engineer.id)


def test_a_visit_that_is_somebody_elses_is_refused(work: Work, s: Shop) -> None:
    with work():
        s.scheduled()
    with work(), refused("not_yours", Forbidden):
        field.arrive(s.engineer, s.ticket_id, frozenset(), serial=SERIAL)
    with work():
        s.on_site()
        field.hand_over_visit(s.engineer, s.ticket_id, s.ids, "other_skill", "胶粘")
        assert (s.row.status, s.row.assignee_id) == ("to_dispatch", None)


def test_who_receives_is_in_the_audit_log_and_other_regions_do_not_see_the_device(work: Work, s: Shop) -> None:
    far = Actor("staff", s.second.id, "外省", dict.fromkeys(s.second.rights, frozenset({"44"})))
    with work():
        WAYS["collecting"](s)
        seen = s.seen
    with work(), refused("not_found"):
        depot.receive(far, s.ticket_id, seen, Received(SERIAL, SEAL), [photo()])
    with work():
        s.receive()
    with work():
        event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.event == "ticket.received")).one()
        assert event.actor_id == s.repairer.id


def test_reopening_forgets_that_it_went_back_unrepaired(work: Work, s: Shop) -> None:
    with work():
        s.to_depot()
        depot.return_unrepaired(s.desk.lead, s.ticket_id, "not_repairable")
        s.send(label=True)
        s.deliver()
        service.confirm(s.desk.customer, s.row.number)
        service.reopen(s.desk.lead, s.ticket_id, "same_fault")
        row: Ticket = s.row
        assert (row.status, row.unrepaired, row.cycle) == ("to_dispatch", False, 2)
