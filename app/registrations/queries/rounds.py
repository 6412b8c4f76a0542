"""The rounds of one case beside each other: what was typed, what was verified, what was decided and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.core.db import db
from app.core.errors import Gone
from app.registrations.checks import FIELDS, Way
from app.registrations.models import FieldCheck, Registration, RegistrationEvent, ReviewReason, Submission


@dataclass(frozen=True, slots=True)
class Round:
    """One column. ``values`` are as the applicant sent them and never change."""

    number: int
    submitted_at: datetime
    values: Mapping[str, str | None]
    checks: Mapping[str, str]
    ways: Mapping[str, Way]
    action: str | None  # the decision that closed it, undone ones left out
    reasons: Sequence[ReviewReason]  # in the versions that were used
    public_text: str | None
    by_name: str
    decided_at: datetime | None

    def differs(self, field: str, other: Round | None) -> bool:
        return other is not None and self.values[field] != other.values[field]


def rounds_of(row: Registration, events: Sequence[RegistrationEvent]) -> list[Round]:
    """Oldest first. ``events`` is the case's history, as `queries.case.events` gives it; three statements."""
    sent = db.session.scalars(
        sa.select(Submission).where(Submission.registration_id == row.id).order_by(Submission.round)
    ).all()
    checks = db.session.scalars(sa.select(FieldCheck).where(FieldCheck.registration_id == row.id)).all()
    closing = _closing(events)
    used = _used(closing.values())
    return [_round(one, [c for c in checks if c.round == one.round], closing.get(one.round), used) for one in sent]


def _round(
    sent: Submission,
    checks: Sequence[FieldCheck],
    event: RegistrationEvent | None,
    used: Mapping[tuple[str, int], ReviewReason],
) -> Round:
    pairs = event.reason_versions.items() if event is not None else ()
    return Round(
        number=sent.round,
        submitted_at=sent.submitted_at,
        values=_values(sent),
        checks={check.field: check.verdict for check in checks},
        ways={check.field: Way(check.how, _note(check)) for check in checks if check.how},
        action=event.action if event is not None else None,
        reasons=[used[pair] for pair in pairs if pair in used],
        public_text=_public(event),
        by_name=event.by_name if event is not None else "",
        decided_at=event.at if event is not None else None,
    )


def _closing(events: Sequence[RegistrationEvent]) -> dict[int, RegistrationEvent]:
    """The latest decision of a person of ours per round."""
    undone = {event.undoes_id for event in events}
    found: dict[int, RegistrationEvent] = {}
    for event in sorted(events, key=lambda one: one.version):
        if event.by_kind == "staff" and event.undoes_id is None and event.id not in undone:
            found[event.round] = event
    return found


def _used(events: object) -> dict[tuple[str, int], ReviewReason]:
    pairs = {(code, version) for event in events for code, version in event.reason_versions.items()}  # type: ignore[attr-defined]
    if not pairs:
        return {}
    either = [sa.and_(ReviewReason.code == code, ReviewReason.version == version) for code, version in sorted(pairs)]
    return {(one.code, one.version): one for one in db.session.scalars(sa.select(ReviewReason).where(sa.or_(*either)))}


def _values(sent: Submission) -> dict[str, str | None]:
    try:
        name = sent.name
    except Gone:
        name = None
    texts = (name, sent.hospital_text, sent.department_text, sent.title, sent.position)
    return dict(zip(FIELDS, texts, strict=True))


def _note(check: FieldCheck) -> str:
    try:
        return check.how_note or ""
    except Gone:
        return ""


def _public(event: RegistrationEvent | None) -> str | None:
    try:
        return event.public_text if event is not None else None
    except Gone:
        return None
