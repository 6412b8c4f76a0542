"""Registrations of one person, on that person's page: the cases, what was verified, a change that is under review."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.db import db
from app.core.policy import Actor, Permission
from app.customers.models import Customer, CustomerProfile
from app.customers.panels import (
    CustomerPanel,
    FieldMark,
    customer_panels,
    event_words,
    field_marks,
    reason_words,
    traces,
)
from app.registrations import reasons
from app.registrations.checks import FIELDS, HOW_LABELS, Verdict
from app.registrations.forms import FIELD_LABELS
from app.registrations.models import FieldCheck, Registration
from app.registrations.queries.queue import CHIPS
from app.registrations.readings.blind import not_being_read_by
from app.registrations.views.timeline import WORDS
from app.registrations.workflow import OPEN, workflow

MARKS: Mapping[str, FieldMark] = {
    Verdict.SEEN: FieldMark("done", _l("证件已见")),
    Verdict.SEEN_OTHERWISE: FieldMark("act", _l("另行核实")),
    Verdict.CLAIMED_ONLY: FieldMark("idle", _l("仅申报")),
}

EVENTS: Mapping[str, Any] = {
    "registration.claimed": _l("领取审核"),
    "registration.handed_back": _l("交还审核"),
    "registration.claim_released": _l("放回待审核"),
    "registration.passed_on": _l("转交同事"),
    "registration.recused": _l("审核员声明回避"),
    "badge.opened": _l("查看证件照片"),
}


def install() -> None:
    """The panel, the marks on the contact card, the cases' events in the timeline."""
    panel = CustomerPanel(
        "registrations", _l("注册"), 10, Permission.CUSTOMERS_READ, "registrations/customer_panel.html", _context
    )
    customer_panels.add(panel.key, panel)
    field_marks.add("registrations", _marks)
    traces.add("registrations", _traces)
    event_words.add("registrations", {**EVENTS, **{t.audit_event: WORDS[t.action] for t in workflow.transitions}})
    reason_words.add("registrations", lambda: reasons.labels(reasons.current()))


def _context(actor: Actor, customer: Customer) -> Mapping[str, Any]:
    """Newest first; two statements."""
    now = clock.now()
    rows = db.session.scalars(
        sa.select(Registration)
        .where(Registration.customer_id == customer.id, *not_being_read_by(actor, Registration.id))
        .order_by(Registration.id.desc())
    ).all()
    checks = _checks([row.id for row in rows])
    linked = actor.may(Permission.REGISTRATIONS_READ)
    cases = [
        {
            "number": row.number,
            "url": url_for("registrations.case", number=row.number) if linked else None,
            "status": row.effective_status(now),
            "chip": CHIPS[row.effective_status(now)],  # type: ignore[index]
            "submitted_at": row.submitted_at,
            "round": row.round,
            "place": " · ".join((row.hospital_text, row.department_text)),
            "checks": _summary(row, checks),
        }
        for row in rows
    ]
    running = next((case for case in cases if case["status"] in OPEN), None)
    return {"cases": cases, "running": running, "verified": customer.verified_from is not None}


def _checks(ids: Sequence[uuid.UUID]) -> Mapping[tuple[uuid.UUID, int, str], str]:
    if not ids:
        return {}
    c = FieldCheck
    rows = db.session.execute(
        sa.select(c.registration_id, c.round, c.field, c.verdict).where(c.registration_id.in_(ids))
    )
    return {(row[0], row[1], row[2]): row[3] for row in rows}


def _summary(row: Registration, checks: Mapping[tuple[uuid.UUID, int, str], str]) -> list[str]:
    """What was verified in the present round, by verdict: 证件已见：姓名、医院; whole rounds in one word."""
    found = {field: verdict for field in FIELDS if (verdict := checks.get((row.id, row.round, field)))}
    if len(found) == len(FIELDS) and set(found.values()) == {Verdict.SEEN}:
        return [_("五项都在证件上见到")]
    return [
        _("%(what)s：%(fields)s", what=MARKS[verdict].word, fields=_("、").join(named))
        for verdict in Verdict
        if (named := [str(FIELD_LABELS[field]) for field, given in found.items() if given == verdict])
    ]


def _marks(profile: CustomerProfile) -> Mapping[str, FieldMark]:
    """What was verified of the profile in force: the checks of the round that was approved."""
    c = FieldCheck
    rows = db.session.execute(
        sa.select(c.field, c.verdict, c.how).where(c.registration_id == profile.registration_id).order_by(c.round)
    )
    return {field: _mark(verdict, how) for field, verdict, how in rows if verdict in MARKS}


def _mark(verdict: str, how: str | None) -> FieldMark:
    """Seen on something else than the badge says on what."""
    if how in HOW_LABELS and verdict == Verdict.SEEN_OTHERWISE:
        return FieldMark(MARKS[verdict].tone, HOW_LABELS[how])
    return MARKS[verdict]


def _traces(customer: Customer) -> Sequence[str]:
    found = db.session.scalars(sa.select(Registration.id).where(Registration.customer_id == customer.id))
    return [str(row_id) for row_id in found]
