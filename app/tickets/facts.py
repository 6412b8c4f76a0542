"""What a transition is judged by: plain values that the service gathered, none of them looked up by a guard."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l


class Priority(StrEnum):
    P1 = "p1"  # somebody was or may be harmed, or a theatre stands still
    P2 = "p2"  # examinations are cancelled
    P3 = "p3"  # work goes on with another device
    P4 = "p4"  # no hurry


PRIORITY_LABELS: dict[str, Any] = {
    Priority.P1: _l("P1 紧急"),
    Priority.P2: _l("P2 高"),
    Priority.P3: _l("P3 一般"),
    Priority.P4: _l("P4 低"),
}


class ServiceMode(StrEnum):
    ON_SITE = "on_site"  # repaired or checked where the device is
    COLLECT = "collect"  # fetched for the depot


class WarrantyBasis(StrEnum):
    WARRANTY = "warranty"
    CONTRACT = "contract"
    PAID = "paid"
    UNCLEAR = "unclear"  # to be found out in the depot


class Harm(StrEnum):
    """The answer to "was a patient or user harmed?": never guessed, so there is a word for not answered."""

    NO = "no"
    YES = "yes"
    POSSIBLE = "possible"
    UNANSWERED = ""


@dataclass(frozen=True, slots=True)
class EligibilityProof:
    """Made by the dispatch floor under its own rules; names what it was made for (decisions.md 4)."""

    ticket_id: uuid.UUID
    ticket_version: int
    assignee_id: uuid.UUID  # engineer or dealer
    window_from: datetime
    window_until: datetime
    checked_at: datetime
    may_repair: bool  # a dealer's contract may allow checking and collecting only


@dataclass(frozen=True, slots=True)
class Triage:
    """What the triage screen must have settled before a ticket goes to dispatch."""

    hospital_matched: bool = False
    serial: str = ""
    no_serial_reason: str = ""
    harm: Harm = Harm.UNANSWERED
    duplicates_reviewed: bool = False
    fault_class: str = ""
    priority: Priority | None = None
    warranty: WarrantyBasis | None = None
    mode: ServiceMode | None = None


@dataclass(frozen=True, slots=True)
class MergeTarget:
    """The ticket that takes over."""

    id: uuid.UUID
    hospital_id: uuid.UUID
    ended: bool
    safety_hold: bool
    into: frozenset[uuid.UUID] = frozenset()  # what the target itself was or is being merged into


@dataclass(frozen=True, slots=True)
class SheetLine:
    """One line of a test sheet; ``passed`` None: not done."""

    name: str
    mandatory: bool
    passed: bool | None
    gauge_valid_until: datetime | None = None  # calibration of the gauge used, None: no gauge needed


@dataclass(frozen=True, slots=True)
class Work:
    """What was found and done."""

    fault: str = ""
    action: str = ""
    signed_by_hospital: bool = False
    in_depot: bool = False  # a depot repair is signed for at its return


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything the guards of the table look at."""

    now: datetime
    reason: str = ""  # reason code
    note: str = ""  # for us
    text: str = ""  # what the customer wrote or reads
    questions: tuple[str, ...] = ()
    final_notice_at: datetime | None = None
    answer_by: datetime | None = None
    triage: Triage = field(default_factory=Triage)
    priority: str | None = None
    target: MergeTarget | None = None
    may_merge_across: bool = False  # the actor leads
    leads: bool = False
    proof: EligibilityProof | None = None
    assignee_ids: frozenset[uuid.UUID] = frozenset()  # engineer and dealer ids that the actor stands for
    assigned_to: uuid.UUID | None = None  # of the live offer or visit
    window: tuple[datetime, datetime] | None = None
    call_first: bool = False  # no window yet, but somebody calls
    told_by: str = ""  # who told the customer about a new window
    changes: int = 0  # windows changed so far
    changes_allowed: int = 2
    serial_expected: str | None = None
    serial_scanned: str = ""
    serial_reason: str = ""
    may_repair: bool = True
    tests: tuple[SheetLine, ...] = ()
    work: Work = field(default_factory=Work)
    missing: str = ""  # skill or parts that another visit needs
    decontaminated: bool = False
    biohazard_approved: bool = False
    receipt_signed: bool = False
    seal_expected: str | None = None
    seal_found: str = ""
    seal_reason: str = ""  # why it differs, which is looked into
    parts: int = 0  # lines wanted and not yet here
    field_job: bool = True  # the last work was done on site, not in the depot
    outside_warranty: bool = False
    misuse_evidence: bool = False
    quote_version: int | None = None  # valid now
    quote_seen: int | None = None  # what the customer answers to
    repairers: frozenset[uuid.UUID] = frozenset()  # whoever worked on the device in the depot
    testers: frozenset[uuid.UUID] = frozenset()  # whoever tested it for release
    custody_open: bool = False
    loaner_out: bool = False
    parts_open: bool = False
    safety_undecided: bool = False
    closed_at: datetime | None = None
    reopen_within: timedelta = timedelta(days=30)
