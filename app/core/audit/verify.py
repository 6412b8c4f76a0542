"""Verification: reads the whole log once and holds it against itself and against the checkpoints kept elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import clock, keys
from app.core.audit import chain as links
from app.core.audit import checkpoint as marks
from app.core.audit.models import AuditCheckpoint, AuditEvent, AuditNote, AuditVerification
from app.core.db import db
from app.core.unit_of_work import unit_of_work

MAX_FINDINGS = 100
BATCH = 2_000
EVENTS: Any = AuditEvent.__table__
NOTES: Any = AuditNote.__table__


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``code`` is stable; ``sentence`` is for the operator's screen."""

    code: str
    chain: str
    seq: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.code} {self.chain}/{self.seq}: {self.sentence}"


@dataclass(slots=True)
class Report:
    """What was read and what was found; ``findings`` ends at a hundred."""

    rows: int = 0
    chains: int = 0
    checkpoints: int = 0
    restores: int = 0  # signed statements that a backup was restored; rows after it were lost with the database
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.findings

    def find(self, code: str, chain: str, seq: int, sentence: str) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(code, chain, seq, sentence))

    @property
    def full(self) -> bool:
        return len(self.findings) >= MAX_FINDINGS


def verify() -> Report:
    """Check every row, link, note and checkpoint. Runs outside of a unit of work; raises `checkpoint.CheckpointError`.

    What is remembered is read before the store, the store before the rows: whatever happens meanwhile only adds rows.
    """
    started, report = time.monotonic(), Report()
    with Session(db.engine) as session:
        remembered = list(session.scalars(sa.select(AuditCheckpoint).order_by(AuditCheckpoint.number)))
    known = _checkpoints(report, remembered)
    with Session(db.engine) as session:
        ends = _rows(session, report, known)
        _dropped(report, known, ends)
        if not report.full:
            _notes(session, report)
    report.seconds = time.monotonic() - started
    return report


def verify_and_remember() -> Report:
    """`verify`, and keep the result for the page."""
    report = verify()
    with unit_of_work():
        db.session.add(
            AuditVerification(
                at=clock.now(),
                ok=report.ok,
                rows=report.rows,
                chains=report.chains,
                seconds=report.seconds,
                checkpoints=report.checkpoints,
                findings=[{"code": f.code, "chain": f.chain, "seq": f.seq} for f in report.findings],
            )
        )
    return report


Known = dict[str, dict[int, marks.Checkpoint]]  # by chain, then by the number of the row they speak of


def _checkpoints(report: Report, remembered: list[AuditCheckpoint]) -> Known:
    """The genuine checkpoints of the store; says what is forged, missing or out of line."""
    found: dict[int, marks.Checkpoint] = {}
    for name, mark in marks.read_all():
        if mark is None or not mark.genuine:
            report.find(
                "checkpoint_forged", mark.chain if mark else "-", mark.seq if mark else 0, f"{name} is not ours"
            )
            continue
        found[mark.number] = mark
    report.checkpoints = len(found)
    for row in remembered:
        mark = found.get(row.number)
        if mark is None or mark.digest != row.digest:
            report.find("checkpoint_missing", row.chain, row.seq, f"checkpoint {row.number} is not in the store")
    told = {row.number for row in remembered}
    previous = marks.FIRST_PREVIOUS
    for number in range(1, max(found, default=0) + 1):
        mark = found.get(number)
        if mark is None:
            if number not in told:
                report.find("checkpoint_missing", "-", 0, f"checkpoint {number} is missing among those in the store")
            previous = ""
        else:
            if previous and mark.previous != previous:
                report.find(
                    "checkpoint_forged", mark.chain, mark.seq, f"checkpoint {number} does not follow the former"
                )
            previous = mark.digest
    standing = _standing(report, [found[number] for number in sorted(found)])
    known: Known = {}
    for mark in standing:
        held = known.setdefault(mark.chain, {}).get(mark.seq)
        if held is None or mark.final:
            known[mark.chain][mark.seq] = mark
    return known


def _standing(report: Report, ordered: list[marks.Checkpoint]) -> list[marks.Checkpoint]:
    """The checkpoints that still bind: a signed restore voids what earlier ones say about rows after its own."""
    standing: list[marks.Checkpoint] = []
    for mark in ordered:
        if mark.restored:
            report.restores += 1
            standing = [held for held in standing if (held.chain, held.seq) <= (mark.chain, mark.seq)]
        if mark.seq:
            standing.append(mark)
    return standing


def _rows(session: Session, report: Report, known: Known) -> dict[str, int]:
    """Walk over the rows; returns the last number of each chain."""
    walker = _Walker(report, known)
    for row in _stream(session):
        walker.step(row)
        if report.full:
            break
    else:
        walker.close_chain()
    return walker.ends


def _stream(session: Session) -> Iterator[Any]:
    query = sa.select(EVENTS).order_by(EVENTS.c.chain, EVENTS.c.seq).execution_options(yield_per=BATCH)
    yield from session.execute(query).mappings()


class _Walker:
    """The state between two rows."""

    def __init__(self, report: Report, known: Known) -> None:
        self.report, self.known = report, known
        self.chain = ""
        self.seq = 0
        self.previous: str | None = links.GENESIS  # None: unknown, after a finding
        self.ends: dict[str, int] = {}

    def step(self, row: Any) -> None:
        self.report.rows += 1
        if row["chain"] != self.chain:
            self._open_chain(row["chain"])
        if row["seq"] != self.seq + 1:
            sentence = f"rows {self.seq + 1} to {row['seq'] - 1} are missing"
            self.report.find("removed", self.chain, self.seq + 1, sentence)
            self.previous = None
        self.seq = row["seq"]
        self._check(row)
        self.previous = row["row_hash"]

    def _check(self, row: Any) -> None:
        mark = self.known.get(self.chain, {}).get(self.seq)
        if links.row_hash(row) != row["row_hash"] or links.row_id(self.chain, self.seq) != row["id"]:
            self.report.find("altered", self.chain, self.seq, "the row does not give its own hash")
        elif self.previous is not None and row["prev_hash"] != self.previous:
            self.report.find("broken_link", self.chain, self.seq, "the row does not follow the one before it")
        elif mark is not None and (mark.hash != row["row_hash"] or mark.count != self.seq):
            self.report.find("recomputed", self.chain, self.seq, f"checkpoint {mark.number} holds another hash")

    def _open_chain(self, chain: str) -> None:
        """A month begins where the former one ended; a dropped one must have left its final checkpoint."""
        if self.chain:
            self.close_chain()
        self.report.chains += 1
        earlier = [name for name in self.known if self.chain < name < chain]
        if earlier:
            final = _final(self.known[max(earlier)])
            self.previous = final.hash if final else None
        self.chain, self.seq = chain, 0

    def close_chain(self) -> None:
        if not self.chain:
            return
        self.ends[self.chain] = self.seq
        marked = self.known.get(self.chain, {})
        last, final = max(marked, default=0), _final(marked)
        if last > self.seq:
            self.report.find(
                "cut_off", self.chain, self.seq + 1, f"a checkpoint speaks of row {last}, the chain ends here"
            )
        elif final is not None and final.seq < self.seq:
            self.report.find("forged", self.chain, final.seq + 1, "rows follow the final checkpoint of this month")


def _final(marked: dict[int, marks.Checkpoint]) -> marks.Checkpoint | None:
    return next((mark for mark in marked.values() if mark.final), None)


def _dropped(report: Report, known: Known, ends: dict[str, int]) -> None:
    """Months that only the checkpoints know: fine when the final one is there and nothing older is left."""
    if report.full:
        return
    for chain in sorted(known.keys() - ends.keys()):
        last = max(known[chain])
        if _final(known[chain]) is None:
            report.find("cut_off", chain, 1, f"the whole month is gone, of which a checkpoint speaks at row {last}")
        elif any(left < chain for left in ends):
            report.find("removed", chain, 1, "a month was dropped while an older one is still there")


def _notes(session: Session, report: Report) -> None:
    """A side row may be gone; one that is there must be what the chain committed to."""
    query = (
        sa.select(NOTES, EVENTS.c.chain, EVENTS.c.seq, EVENTS.c.note_commitment)
        .outerjoin(EVENTS, EVENTS.c.id == NOTES.c.event_id)
        .execution_options(yield_per=BATCH)
    )
    for row in session.execute(query):
        if row.chain is None:
            report.find("note_altered", "-", 0, f"note {row.id} belongs to no row")
            continue
        try:
            plain = keys.open(links.NOTE_PLACE, row.id, row.sealed)
        except keys.Unreadable:
            report.find("note_altered", row.chain, row.seq, "the note cannot be opened")
            continue
        if links.commitment(row.salt, plain) != row.note_commitment:
            report.find("note_altered", row.chain, row.seq, "the note is not what was committed to")
        if report.full:
            return
