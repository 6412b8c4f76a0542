"""Feature 15 of dispatch.md 3, its middle part: the customer follows the old number to the new."""

from __future__ import annotations

import sqlalchemy as sa

from app.core.db import db
from app.staff.roles import Role
from app.tickets import service
from app.tickets.models import Ticket
from app.tickets.service import Seen
from tests.api.phone import Phone
from tests.api.test_reports import approved, at, monday, report, who  # noqa: F401
from tests.features.tickets.people import staff


def test_15_the_customer_follows_the_old_number_to_the_new_even_if_a_colleague_reported_it(app, contract, at, work):  # noqa: F811
    mine, colleagues = (
        approved(Phone(app, contract), work, at, number) for number in ("+8613800000001", "+8613800000002")
    )
    old = report(mine, at).json["number"]
    between = report(mine, at, serial_number="9 999 999", fault_description="同一台又漏水").json["number"]
    new = report(colleagues, at).json["number"]
    triager = staff(Role.TRIAGER)
    for number, into in ((old, between), (between, new)):
        with work():
            row = db.session.scalars(sa.select(Ticket).where(Ticket.number == number)).one()
            service.merge(triager, row.id, Seen(row.version), into, "same_fault")
    found = mine.get(f"/tickets/{old}").json
    assert (found["status"], found["merged_into"]) == ("merged", {"number": new, "status": "submitted"})
    assert mine.get(f"/tickets/{new}").status_code == 404  # number and status, no more: it is somebody else's
    assert colleagues.get(f"/tickets/{new}").json["merged_into"] is None
    answer = mine.post(f"/tickets/{old}/messages", data={"text": "还在漏"}, content_type="multipart/form-data")
    assert (answer.status_code, answer.json["code"]) == (409, "ticket_ended")
