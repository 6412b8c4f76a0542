"""What this feature gives to the rooms below: navigation, palette, 今日, a person's page, his own export, hand-over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import clock, counters
from app.core.columns import DataClass
from app.core.db import db
from app.core.policy import Actor, Permission
from app.customers.export import personal_data
from app.customers.models import Customer
from app.customers.panels import CustomerPanel, customer_panels, event_words, traces
from app.grants.models import Grant
from app.grants.queries import own
from app.grants.queries.lists import in_scope, mine_to_decide, waiting
from app.grants.scope import effective_status
from app.grants.words import CHIPS, EVENTS
from app.hospitals.models import Hospital
from app.ui.duties import Duty, DutySource, duty_sources
from app.ui.navigation import NavItem, navigation
from app.ui.palette import PER_SOURCE, PaletteEntry, PaletteSource, palette_sources

READ, DECIDE = Permission.GRANTS_READ, Permission.GRANTS_DECIDE
NUMBER_MIN = 4


def install() -> None:
    navigation.add(
        "grants",
        NavItem(
            "grants", "work", _l("权限"), "key", "grants.queue", READ, 30, counter=waiting,
            also=("grants.case", "grants.new", "grants.policy", "grants.review_list", "grants.review",
                  "grants.review_evidence"),
        ),
    )  # fmt: skip
    palette_sources.add("grants", PaletteSource(_l("权限"), _find, order=30))
    duty_sources.add("grants", DutySource("grants", _l("权限"), "key", DECIDE, _duties, "grants.queue", _waiting_text))
    panel = CustomerPanel("grants", _l("科室权限"), 20, Permission.CUSTOMERS_READ, "grants/customer_panel.html", _panel)
    customer_panels.add(panel.key, panel)
    traces.add("grants", _traces)
    event_words.add("grants", EVENTS)
    personal_data.add("grants", _own_data)


def _waiting_text(actor: Actor) -> str:
    counters.want("grants:waiting", waiting(actor))
    return counters.text(counters.value("grants:waiting"))


def _find(actor: Actor, words: str) -> list[PaletteEntry]:
    """Numbers by their beginning; while nothing is typed, the reviews."""
    if not actor.may(READ):
        return []
    head = words.upper()
    if len(words) < NUMBER_MIN or not head.startswith("GRT-"):
        return []
    query = (
        sa.select(Grant.number, Hospital.name)
        .join(Hospital, Hospital.id == Grant.hospital_id)
        .where(Grant.number >= head, Grant.number < head + "\uffff", *in_scope(actor))
    )
    rows = db.session.execute(query.order_by(Grant.number.desc()).limit(PER_SOURCE))
    return [PaletteEntry(number, url_for("grants.case", number=number), hint=name, icon="key") for number, name in rows]


def _duties(actor: Actor, limit: int) -> Sequence[Duty]:
    """Requests that this person may decide, oldest first; one statement."""
    either = sa.or_(*(sa.and_(*found) for found in mine_to_decide(actor, None)))
    query = (
        sa.select(Grant.requested_at, Hospital.name, Grant.number)
        .join(Hospital, Hospital.id == Grant.hospital_id)
        .where(either)
    )
    rows = db.session.execute(query.order_by(Grant.requested_at, Grant.id).limit(limit))
    return [
        Duty(since, hospital, number, None, url_for("grants.case", number=number), verb=_("查看"))
        for since, hospital, number in rows
    ]


def _panel(actor: Actor, customer: Customer) -> Mapping[str, Any]:
    """The person's grants with their effective status; two statements."""
    now = clock.now()
    query = sa.select(Grant.id, Grant.number, Grant.ends_at, effective_status(now).label("status")).where(
        Grant.customer_id == customer.id
    )
    rows = db.session.execute(query.order_by(Grant.requested_at.desc(), Grant.id.desc()).limit(20)).all()
    names = own.departments_of([row.id for row in rows])
    shown = [
        {
            "number": row.number, "ends_at": row.ends_at, "status": row.status,
            "departments": [name for _id, name in names.get(row.id, ())],
        }
        for row in rows
    ]  # fmt: skip
    return {"rows": shown, "chips": CHIPS, "linked": actor.may(READ)}


def _traces(customer: Customer) -> Sequence[str]:
    """Rows whose audit events belong to the person's timeline."""
    return [str(found) for found in db.session.scalars(sa.select(Grant.id).where(Grant.customer_id == customer.id))]


def _own_data(person: Customer) -> Mapping[DataClass, Mapping[str, Any]]:
    return {
        DataClass.WORK: {"grants": own.export_of(person.id)},
        DataClass.FREE_TEXT: {"grant_reasons": own.reasons_of(person.id)},
    }
