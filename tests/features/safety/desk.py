"""Short words for safety cases: two officers beside the ticket office, a ticket somebody was harmed with, its case."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.safety.models import SafetyCase, SafetyClock, SafetyEvent
from app.staff import queries
from app.tickets.facts import Harm
from tests.factories import staff
from tests.features.tickets.pages import Office, Ref, office

WORDS = "术中漏电，患者手部灼伤，已送急诊"  # a case's text, searched for where it must not be


def safety_office(app: Portal) -> Office:
    """The ticket office with two officers, and one whose province is another."""
    found = office(app)
    with app.app_context(), unit_of_work():
        for who, name, bounds in (
            ("officer", "安如拟", None),
            ("second", "全若虚", None),
            ("guangdong", "岭外安", ["44"]),
        ):
            found.people[who] = queries.actor_of(staff.account(("safety", bounds, False), name=name).id)
    return found


def harmed(o: Office, answer: Harm = Harm.YES, **kw: Any) -> Ref:
    return o.report(harm=answer, **kw)


def case(o: Office, ref: Ref) -> SafetyCase | None:
    with o.app.app_context(), unit_of_work(write=False):
        row = db.session.scalars(sa.select(SafetyCase).where(SafetyCase.ticket_id == ref.id)).one_or_none()
        if row is not None:
            db.session.expunge(row)
        return row


def url(o: Office, ref: Ref) -> str:
    row = case(o, ref)
    assert row is not None
    return f"/safety/{row.number}"


def act(o: Office, ref: Ref, name: str, who: str = "officer", **values: Any) -> Any:
    """Press the button of an act with the version that the case has now, unless another is given."""
    row = case(o, ref)
    assert row is not None
    data = {"version": row.version, **values}
    o.clients.pop(who, None)  # a sign-in of the test's own day
    return o.post(f"/safety/{row.number}/{name}", data, who)


def look(o: Office, ref: Ref, who: str = "officer") -> str:
    """The case's page, read on the test's own day."""
    o.clients.pop(who, None)
    return o.get(url(o, ref), who)


def clocks(o: Office, ref: Ref) -> dict[str, tuple[datetime, str]]:
    """step -> (due, outcome) of those that count."""
    row = case(o, ref)
    assert row is not None
    with o.app.app_context(), unit_of_work(write=False):
        k = SafetyClock
        query = sa.select(k.step, k.due_at, k.outcome).where(k.case_id == row.id, k.outcome != "void")
        return {step: (due, outcome) for step, due, outcome in db.session.execute(query)}


def events(o: Office, ref: Ref) -> list[str]:
    row = case(o, ref)
    assert row is not None
    with o.app.app_context(), unit_of_work(write=False):
        query = sa.select(SafetyEvent.action).where(SafetyEvent.case_id == row.id).order_by(SafetyEvent.version)
        return list(db.session.scalars(query))


def typed(at: datetime) -> str:
    """As a datetime field sends it."""
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:%M")


def handover(**kw: Any) -> dict[str, Any]:
    at = kw.pop("at", None) or clock.now()
    return {"step": "report", "to_name": "法若规", "handed_at": typed(at), "reference": "RA-2026-77", **kw}


def judged(o: Office, ref: Ref, kind: str) -> None:
    assert act(o, ref, "judge", kind=kind, text="医院来电说明").status_code == 303


def decided(o: Office, ref: Ref, report: str = "yes") -> None:
    reason = "not_excluded" if report == "yes" else "not_the_device"
    assert act(o, ref, "decide", report=report, reason=reason, text="看过照片和记录").status_code == 303
