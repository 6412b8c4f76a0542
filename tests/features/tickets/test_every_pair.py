"""Feature 1 of reference/dispatch.md 3: guarded state machine. Every pair (status, action) times every role.

The reference's 32 rows are written down here a second time, as statuses and letters, not as code of the table: what
they do not list answers 409 or 403 and writes nothing; what they list needs its guard. A table with one row too many
is found by the same check, so it can fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from types import MappingProxyType

import pytest
import sqlalchemy as sa
from sqlalchemy.orm.attributes import set_committed_value

from app.core import clock
from app.core.audit import AuditEvent
from app.core.db import db, new_id
from app.core.errors import DomainError
from app.core.outbox import Message
from app.core.policy import SYSTEM, Actor
from app.core.workflow import Transition, Workflow
from app.staff.roles import Role, permissions_of
from app.tickets.facts import Facts
from app.tickets.models import Ticket, TicketEvent
from app.tickets.workflow import TRANSITIONS, Status, workflow
from tests.features.tickets.people import MONDAY, desk

Work = Callable[..., AbstractContextManager[None]]
LETTERS = {
    "T": ("triager",), "D": ("dispatcher",), "M": ("triager lead", "dispatcher lead"),
    "E": ("engineer",), "L": ("dealer_user",), "P": ("depot",), "Q": ("quality",), "C": ("customer",), "SYS": ("system",),
}  # fmt: skip
# number of the reference: from, to, who
REFERENCE: dict[int, tuple[str, str, str]] = {
    2: ("submitted", "triaging", "T"), 3: ("triaging", "submitted", "T M SYS"), 4: ("triaging", "need_info", "T"),
    5: ("need_info", "triaging", "C T"), 6: ("need_info", "cancelled", "SYS M C"),  # C by row 32
    7: ("triaging", "to_dispatch", "T"), 8: ("triaging", "rejected", "T M"),
    9: ("submitted triaging need_info to_dispatch", "merged", "T"), 10: ("to_dispatch", "offered", "D"),
    11: ("offered", "to_dispatch", "E L SYS D"), 12: ("offered", "scheduled", "E L"),
    13: ("scheduled", "scheduled", "E L D"), 14: ("scheduled", "to_dispatch", "D SYS"),
    15: ("scheduled", "on_site", "E L"), 16: ("on_site", "resolved", "E L"),
    17: ("on_site scheduled", "collecting", "E L"), 18: ("on_site", "wait_parts", "E L"),
    180: ("in_depot", "wait_parts", "P"), 19: ("wait_parts", "scheduled", "SYS D"), 190: ("wait_parts", "in_depot", "P"),
    20: ("collecting", "in_depot", "P"), 21: ("in_depot", "wait_quote", "P"), 22: ("wait_quote", "in_depot", "C T"),
    23: ("wait_quote", "returning", "C T SYS"), 230: ("in_depot", "returning", "M"),
    24: ("in_depot", "release_test", "P"), 25: ("release_test", "in_depot", "Q"),
    26: ("release_test", "returning", "Q"), 27: ("returning", "resolved", "E L P"), 28: ("resolved", "closed", "C T SYS"),
    29: ("resolved", "scheduled", "C T"), 290: ("resolved", "in_depot", "C T"), 30: ("closed", "to_dispatch", "M"),
    31: ("on_site", "scheduled to_dispatch", "E L D"), 32: ("submitted triaging need_info to_dispatch", "cancelled", "C M"),
    320: ("offered scheduled", "cancelled", "M"),
}  # fmt: skip
HOSTILE = Facts(now=MONDAY, custody_open=True, parts_open=True, loaner_out=True, safety_undecided=True)
UNGUARDED = {"submit_ticket", "record_call", "claim_ticket", "release_idle", "expire_offer"}


def people() -> dict[str, Actor]:
    """Every role, leads apart, a customer, the clock."""

    def with_rights(role: Role, lead: bool) -> Actor:
        rights = MappingProxyType(dict.fromkeys(permissions_of(role, lead=lead)))
        return Actor("staff", id=new_id(), name=role.value, rights=rights, roles=(role.value,))

    found = {
        f"{role.value}{' lead' if lead else ''}": with_rights(role, lead) for role in Role for lead in (False, True)
    }
    return {**found, "customer": Actor("customer", id=new_id()), "system": SYSTEM}


def listed(source: str, target: str, who: str) -> bool:
    """Whether the reference lets this person make this move, by any of its rows; a lead may what the role may."""
    names = {who, who.removesuffix(" lead")}
    return any(
        source in row[0].split() and target in row[1].split() and any(names & {*LETTERS[x]} for x in row[2].split())
        for row in REFERENCE.values()
    )


def violations(table: Workflow) -> Iterator[str]:
    """Moves that the table lets through without the reference, and moves of the reference that it lacks."""
    everybody = people()
    for row in table.transitions:
        if row.source is None:
            continue
        for who, actor in everybody.items():
            entitled = actor.may(row.who) if not isinstance(row.who, str) or ":" in row.who else actor.kind == row.who
            if entitled and who != "system" and not listed(row.source, row.target, who):
                yield f"{row.source} -{row.action}-> {row.target} by {who}: not in the reference"
    made = {(row.source, row.target) for row in table.transitions if row.source is not None}
    for number, (sources, targets, _who) in REFERENCE.items():
        for pair in ((s, t) for s in sources.split() for t in targets.split()):
            if pair not in made:
                yield f"row {number}: {pair} is missing"


def test_the_table_is_the_reference_and_nothing_more() -> None:
    assert list(violations(workflow)) == []


def test_a_row_too_many_or_too_few_is_found() -> None:
    extra = Transition(Status.SUBMITTED, "close_at_once", Status.CLOSED, TRANSITIONS[1].who, "ticket.closed", None)
    assert any("close_at_once" in line for line in violations(Workflow("t", Status, (*TRANSITIONS, extra))))
    fewer = tuple(row for row in TRANSITIONS if row.action != "release_device")
    assert any("is missing" in line for line in violations(Workflow("t", Status, fewer)))


def test_only_a_report_a_claim_and_what_the_clock_does_need_no_guard() -> None:
    assert {row.action for row in TRANSITIONS if row.guard is None} == UNGUARDED


def found_guard(status: Status, action: str, who: str) -> bool:
    """Whether the move is listed for this person: then its guard may ask for a field (422)."""
    rows = [row for row in TRANSITIONS if row.source == status and row.action == action]
    return any(who == "system" or listed(status, row.target, who) for row in rows)


def expected(status: Status, action: str, who: str) -> tuple[int, ...]:
    """403 or 409; 422 too where the move is listed for this person and its guard asks for a field."""
    return (403, 409, 422) if found_guard(status, action, who) else (403, 409)


def asked(row: Ticket, action: str, who: str, actor: Actor) -> int:
    """The status of the refusal, 200 where it went through. What is listed and needs no guard is left alone."""
    try:
        found = workflow.find(row.status, action)
        if found.guard is None and found_guard(Status(row.status), action, who):
            return 409
        workflow.fire(row, action, actor, facts=HOSTILE)
    except DomainError as refusal:
        return refusal.status
    return 200


def traces() -> tuple[int, ...]:
    tables = (TicketEvent, AuditEvent, Message)
    return tuple(db.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables)


@pytest.mark.parametrize("status", list(Status))
def test_every_pair_of_state_action_and_role_not_listed_returns_409_or_403_and_writes_nothing(
    work: Work, status: Status
) -> None:
    """Acceptance sentence 1: with facts that speak against everything, so that what is listed is stopped by its guard."""
    with clock.frozen(MONDAY):
        with work():
            ticket_id = desk().report()
            db.session.execute(
                sa.update(Ticket).where(Ticket.id == ticket_id).values(status=status.value, safety_hold=True)
            )
        with work(write=False):
            row = db.session.get_one(Ticket, ticket_id)
            before, version = traces(), row.version
            wrong = [
                (action, who, answer)
                for action in workflow.actions
                for who, actor in people().items()
                if (answer := asked(row, action, who, actor)) not in expected(status, action, who)
            ]
            assert wrong == []
            assert (traces(), row.version, row.status) == (before, version, status)


@pytest.mark.parametrize("status", list(Status))
def test_what_the_table_does_not_list_is_refused_for_everybody_before_any_guard(work: Work, status: Status) -> None:
    """409 where the status knows no such action, 403 (or 409 for a wrong kind of caller) where the right lacks."""
    with clock.frozen(MONDAY), work():
        ticket_id = desk().report()
    with work(write=False):
        row = db.session.get_one(Ticket, ticket_id)
        for action in workflow.actions:
            table = {t.source: t for t in TRANSITIONS if t.action == action}
            for who, actor in people().items():
                found = table.get(status)
                if found is not None and (actor is SYSTEM or listed(status, found.target, who)):
                    continue
                set_committed_value(row, "status", status.value)
                with pytest.raises(DomainError) as refused:
                    workflow.fire(row, action, actor, facts=Facts(now=MONDAY))
                assert refused.value.status in (403, 409), (status, action, who)
