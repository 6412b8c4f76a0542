"""The state machine against reference/review.md 5.1, pair by pair; and the check itself against a broken sample."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from app.core.errors import DomainError, TransitionRefused
from app.core.policy import SYSTEM, Actor, Permission
from app.core.workflow import Transition, Workflow
from app.notifications.templates import CATALOGUE
from app.registrations.service.facts import Facts
from app.registrations.workflow import OPEN, TRANSITIONS, Status, workflow
from tests.features.registrations.story import MONDAY, reload, reviewer

S = Status
# from -> to, with the row of the reference that says so; typed by hand, not derived
REFERENCE = {
    (None, S.PENDING): "1",
    (S.PENDING, S.APPROVED): "3",
    (S.PENDING, S.NEEDS_RESUBMISSION): "4",
    (S.NEEDS_RESUBMISSION, S.PENDING): "5",
    (S.NEEDS_RESUBMISSION, S.LAPSED): "6",
    (S.PENDING, S.AWAITING_SECOND): "7",
    (S.AWAITING_SECOND, S.APPROVED): "8",
    (S.AWAITING_SECOND, S.REJECTED): "8",
    (S.AWAITING_SECOND, S.PENDING): "8",
    (S.PENDING, S.REJECTED): "9",
    (S.PENDING, S.ON_HOLD): "10",
    (S.ON_HOLD, S.PENDING): "11",
    (S.REJECTED, S.APPEALED): "12",
    (S.APPEALED, S.APPROVED): "12",
    (S.APPEALED, S.REJECTED): "12",
    **{(status, S.WITHDRAWN): "13" for status in OPEN},
    **{(status, S.MERGED): "14" for status in OPEN},
    (S.APPROVED, S.SUSPENDED): "15",
    (S.SUSPENDED, S.APPROVED): "16",
    (S.SUSPENDED, S.REVOKED): "16",
    (S.APPROVED, S.PENDING): "17",
    # decisions.md 20: the other decisions can be undone too; a second person's and an appeal's go back whence they came
    (S.REJECTED, S.PENDING): "20",
    (S.APPROVED, S.AWAITING_SECOND): "20",
    (S.REJECTED, S.AWAITING_SECOND): "20",
    (S.APPROVED, S.APPEALED): "20",
    # section 2, no. 2: the applicant may send a new photo while the case waits
    (S.PENDING, S.PENDING): "2.2",
}
PAIRS = list(workflow.pairs())


def differences(table: Workflow) -> set[tuple[object, object]]:
    """Moves that the table allows and the reference does not, and the other way round."""
    return {(row.source, row.target) for row in table.transitions} ^ set(REFERENCE)


@pytest.mark.pure
def test_the_table_moves_as_the_reference_says():
    assert differences(workflow) == set()


@pytest.mark.pure
def test_the_check_finds_a_broken_table():
    wrong = Transition(S.LAPSED, "revive_registration", S.APPROVED, "system", "registration.revived", None)
    assert differences(Workflow("broken", Status, [*TRANSITIONS, wrong])) == {(S.LAPSED, S.APPROVED)}
    assert differences(Workflow("broken", Status, TRANSITIONS[1:])) == {(None, S.PENDING)}


@pytest.mark.pure
@pytest.mark.parametrize("status, action, row", PAIRS, ids=lambda v: str(v) if isinstance(v, str) else "")
def test_unlisted_pairs_are_refused(status, action, row):
    if row is None:
        with pytest.raises(TransitionRefused):
            workflow.find(status, action)
    else:
        assert workflow.find(status, action) is row


@pytest.mark.pure
def test_no_pair_is_left_out():
    assert len(PAIRS) == len(Status) * len(workflow.actions)
    assert {status for status, _action, _row in PAIRS} == set(Status)


@pytest.mark.pure
def test_names_and_messages():
    for row in TRANSITIONS:
        assert row.audit_event.startswith("registration.")
        assert row.action.count("_") >= 1
        assert row.message is None or row.message in CATALOGUE
    told = {row.target for row in TRANSITIONS if row.message}
    assert told == {S.APPROVED, S.NEEDS_RESUBMISSION, S.REJECTED, S.LAPSED}


@pytest.mark.pure
@pytest.mark.parametrize("row", TRANSITIONS, ids=lambda row: f"{row.source}-{row.action}")
def test_rights_of_each_row(row):
    """A reviewer may not do what leads do; staff may not do what applicants do; nobody does the system's part."""
    stranger = Actor("staff")
    people = {"reviewer": reviewer(), "lead": reviewer(lead=True), "customer": Actor("customer")}
    entitled = {name for name, actor in people.items() if _may(row, actor)}
    assert not _may(row, stranger)
    expected = {
        Permission.REGISTRATIONS_DECIDE: {"reviewer", "lead"},
        Permission.REGISTRATIONS_LEAD: {"lead"},
        "customer": {"customer"},
        "system": set(),
    }
    assert entitled == expected[row.who]


def _may(row: Transition, actor: Actor) -> bool:
    status = row.source.value if row.source else None
    return row in workflow.allowed(SimpleNamespace(status=status), actor)


FULL = Facts(now=MONDAY, public_text="说明", private_note="原因", undo_possible=True, merge_target=Actor("staff").id)
FULL = replace(FULL, same_person=True, photos_left=True)


@pytest.mark.parametrize(
    "row", [row for row in TRANSITIONS if row.source], ids=lambda row: f"{row.source}-{row.action}"
)
def test_every_listed_pair_changes_the_status(work, story, row):
    """With every guard satisfied the row of the table does what it says, by one compare-and-set."""
    from app.registrations import reasons

    me = reviewer(lead=True)
    actor = {"customer": Actor("customer"), "system": SYSTEM}.get(row.who, me)
    with work():
        case = story.case()
        case.status, case.decided_by, case.effective_at = row.source.value, me.id, MONDAY.replace(hour=3)
        case.appeal_by = MONDAY.replace(hour=3)
        kind = "photo_glare" if row.action == "ask_resubmission" else "not_medical_staff"
        facts = replace(FULL, reasons=reasons.pick([kind]), merge_target=story.hospital_id)
        workflow.fire(case, row.action, actor, facts=facts)
        assert (case.status, case.version) == (row.target.value, 2)


GUARDED = [row for row in TRANSITIONS if row.guard is not None and row.action != "resubmit_registration"]


@pytest.mark.parametrize("row", GUARDED, ids=lambda row: f"{row.source}-{row.action}")
def test_every_guard_can_refuse(work, story, row):
    """With no fact at all each guarded row refuses, and nothing changes."""
    me = reviewer(lead=True)
    actor = Actor("customer") if row.who == "customer" else me
    nothing = Facts(now=MONDAY, unchecked=("name",), mapped=False, max_rounds=1, earlier_deciders=frozenset([me.id]))
    with work():
        case = story.case()
        case.status = row.source.value
        with pytest.raises(DomainError):
            workflow.fire(case, row.action, actor, facts=nothing)
        assert reload(case.id).version == 1
