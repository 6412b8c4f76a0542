"""Every worklist that is registered costs the same few statements, however many rows its page shows.

A list that is added fails here until its number stands below; so does one whose cells ask row by row.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import url_for
from sqlalchemy import event

from app.cli.demo import dispatch, grants, readings, safety, tickets
from app.core import clock, keys
from app.core.db import db
from app.core.outbox import Message
from app.core.unit_of_work import unit_of_work
from app.core.worklist import worklists
from app.dealers.models import DealerContract
from app.dispatch.models import Disclosure, Dispatch
from app.hospitals import service as hospitals
from app.hospitals.models import UnknownKind
from app.registrations.readings.models import SecondReading
from app.satisfaction.service import invite
from app.staff.roles import ROLES, Role
from app.tickets.models import Ticket
from tests.factories.staff import PASSWORD

# list -> statements of its page: session, rows, counts; keys of the people on it, and what else a cell names
STATEMENTS = {
    "audit": 2,
    "customers": 4,
    "depot": 3,
    "dealers": 3,
    "deletions": 3,
    "devices": 3,
    "disclosures": 3,
    "dispatch": 3,
    "engineers": 3,
    "grants": 4,
    "hospitals": 3,
    "notifications": 5,
    "reading-differences": 3,
    "ratings": 3,
    "readings": 3,
    "registrations": 4,
    "safety": 3,
    "staff": 3,
    "tickets": 3,
    "unknown_names": 3,
}
FRAMES = ("BEGIN", "PRAGMA", "ROLLBACK", "SAVEPOINT", "RELEASE")


@pytest.fixture
def world(demo):
    """The demo with second readings, tickets and grants: something on every list."""
    with demo.app_context():
        readings.load(random.Random(9))
        tickets.load(random.Random(10), 24)
        with clock.frozen(clock.now() - timedelta(days=300)):  # its messages are not the newest: they have no subject
            safety.load()
        dispatch.load(random.Random(12), PASSWORD)
        with unit_of_work():
            shown_to_dealers()
        with unit_of_work():  # messages to staff are not the newest: they have no subject
            to_staff = sa.update(Message).where(Message.subject_id.is_(None))
            db.session.execute(to_staff.values(created_at=clock.now() - timedelta(days=300)))
        grants.load(random.Random(11))
        with unit_of_work():
            for row in db.session.scalars(sa.select(Ticket).where(Ticket.closed_at.is_not(None)).limit(3)).all():
                invite.invite(row, row.closed_at).status = "flagged"
            other = sa.case((SecondReading.first_judgement == "approve", "reject"), else_="approve")
            given = sa.update(SecondReading).where(SecondReading.read_at.is_not(None))
            db.session.execute(given.values(status="read", judgement=other))
            for name in ("岭北无名医院", "海东无名诊所"):
                hospitals.report_unknown(UnknownKind.HOSPITAL, name)
    return demo


def shown_to_dealers() -> None:
    """Two jobs that were a dealer's, each looked at once."""
    contract = db.session.scalars(sa.select(DealerContract).where(DealerContract.confirmed_at.is_not(None))).first()
    now = clock.now()
    for job in db.session.scalars(sa.select(Dispatch).limit(2)).all():
        job.assignee_kind, job.contract_id, job.accepted_at = "dealer", contract.id, now
        job.state, job.ended_at = "withdrawn", now
        db.session.add(
            Disclosure(
                at=now, ticket_id=job.ticket_id, dispatch_id=job.id, province="31", dealer_id=contract.dealer_id,
                dealer_name="示范经销商", staff_id=contract.id, staff_name="样例", field="device", purpose="on_site",
                basis="entrusted", contract_id=contract.id, contract_number=contract.number, contract_version=1,
            )
        )  # fmt: skip


def role_for(worklist) -> str:
    """A role that may open the list, a lead where only leads may."""
    plain = [role.value for role in Role if worklist.permission in ROLES[role].permissions]
    return (plain or [role.value for role in Role if worklist.permission in ROLES[role].lead])[0]


def asked(app, client, path) -> tuple[int, int]:
    """Statements and rows of one page that was opened before."""
    with app.app_context():
        engines = (db.engine, keys.keystore.store().engine)
    client.get(path)
    seen: list[str] = []
    note = lambda _c, _cur, statement, *_r: seen.append(statement)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    answer = client.get(path)
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)
    assert answer.status_code == 200, path
    sent = [one for one in seen if one.split()[0] not in FRAMES]
    return len(sent), answer.get_data(as_text=True).count("data-row ")


def test_every_worklist_has_its_number_of_statements_and_keeps_it_with_more_rows(world, visitor):
    found, empty, grown = {}, [], {}
    ours = [of for of in worklists if not of.key.startswith("sample-")]  # those are of other tests
    for worklist in ours:
        client = visitor(role_for(worklist))
        with world.test_request_context("/"):
            base = url_for(worklist.endpoint, **worklist.view_args)
        tabs = [f"{base}?tab={tab.key}" for tab in worklist.tabs] or [base]
        pages = {path: asked(world, client, path) for path in tabs}
        path = max(tabs, key=lambda path: pages[path][1])
        found[worklist.key], rows = pages[path]
        size = worklist.page_size
        object.__setattr__(worklist, "page_size", 1)
        try:
            client.get(path)
            with_one, one = asked(world, client, path)
        finally:
            object.__setattr__(worklist, "page_size", size)
        if rows < 2:
            empty.append(worklist.key)
        elif (with_one, one) != (found[worklist.key], 1):
            grown[worklist.key] = (with_one, one, found[worklist.key], rows)
    assert not grown, f"statements with one row, and with more: {grown}"
    assert found == STATEMENTS
    assert not empty, f"nothing to compare with on {empty}"


def test_a_cell_that_asks_row_by_row_is_seen(world, visitor):
    """The measure itself, on a list whose number is read from the database for each row."""
    worklist = worklists.get("hospitals")
    client, columns = visitor(role_for(worklist)), worklist.columns
    with world.test_request_context("/"):
        path = url_for(worklist.endpoint)
    usual, rows = asked(world, client, path)

    def asks(value, _row, _ink):
        return "%s", (str(db.session.scalar(sa.select(sa.literal(value)))),)

    object.__setattr__(worklist, "columns", [*columns[:-1], replace(columns[-1], cell=asks)])
    try:
        assert asked(world, client, path)[0] == usual + rows
    finally:
        object.__setattr__(worklist, "columns", columns)
