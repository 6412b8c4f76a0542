"""Short words for the ticket pages: a signed-in triager with a colleague and a lead, tickets, and a count of statements."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import event

from app.core import calendar, clock
from app.core.db import db
from app.core.policy import Actor
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.staff import queries
from app.tickets import service
from app.tickets.models import Ticket
from app.tickets.service import Intake, Seen
from tests.factories import staff
from tests.features.registrations.story import Story, begin
from tests.features.tickets.people import COMPLETE, DAY, HOUR, MONDAY
from tests.inspector import Inspector

NOON = MONDAY + 2 * DAY + 3 * HOUR  # Wednesday noon


@dataclass(frozen=True)
class Ref:
    """A ticket by what outlives its session."""

    id: uuid.UUID
    number: str

    @property
    def url(self) -> str:
        return f"/tickets/{self.number}"


@dataclass
class Office:
    """Accounts with sessions, one hospital with a customer; the clock stands where the test froze it."""

    app: Portal
    story: Story
    customer: Actor
    people: dict[str, Actor] = field(default_factory=dict)
    clients: dict[str, Inspector] = field(default_factory=dict)

    def client(self, who: str = "triager") -> Inspector:
        if who not in self.clients:
            self.clients[who] = staff.client_of(self.app, self.people[who].id)  # type: ignore[arg-type]
        return self.clients[who]

    def get(self, path: str, who: str = "triager", **kw: Any) -> str:
        answer = self.client(who).get(path, **kw)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.get_data(as_text=True)

    def post(self, path: str, data: dict[str, Any] | None = None, who: str = "triager", **kw: Any) -> Any:
        return self.client(who).post(path, data=data or {}, **kw)

    def report(self, fault: str = "插入部漏水", serial: str | None = None, **kw: Any) -> Ref:
        caller = kw.pop("customer", self.customer)
        intake = Intake(kw.pop("hospital_id", self.story.hospital_id), fault, serial_number=serial, **kw)
        with self.work():
            row = service.record_ticket(caller, intake)
            return Ref(row.id, row.number)

    def claimed(self, who: str = "triager", **kw: Any) -> Ref:
        ref = self.report(**kw)
        with self.work():
            service.claim(self.people[who], ref.id, Seen(1))
        return ref

    def complete(self, ref: Ref, who: str = "triager", **more: Any) -> None:
        with self.work():
            service.note_down(self.people[who], ref.id, {**COMPLETE, **more})

    @contextmanager
    def work(self, at: datetime | None = None) -> Iterator[None]:
        with self.app.app_context(), clock.frozen(at or clock.now()), unit_of_work():
            yield

    def read(self, ref: Ref) -> Ticket:
        with self.app.app_context(), unit_of_work(write=False):
            row = db.session.get_one(Ticket, ref.id)
            db.session.expunge(row)
            return row

    def read_subject(self, ref: Ref) -> uuid.UUID:
        """In the running unit of work: whose key the ticket's texts are sealed by."""
        return db.session.get_one(Ticket, ref.id).subject_id

    @contextmanager
    def statements(self) -> Iterator[list[tuple[str, Any]]]:
        """What is sent to the portal's database inside the block, with its values."""
        sent: list[tuple[str, Any]] = []

        def note(_c: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
            sent.append((statement, values))

        with self.app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield sent
        finally:
            event.remove(engine, "before_cursor_execute", note)


def office(app: Portal) -> Office:
    """Everybody with an account; tokens of forms are not asked for."""
    app.config["WTF_CSRF_ENABLED"] = False
    roles = {
        "triager": ("triager", None, False), "colleague": ("triager", None, False), "lead": ("triager", None, True),
        "reader": ("dispatcher", None, False), "shanghai": ("triager", ["44"], False),
    }  # fmt: skip
    names = {"triager": "沈若拟", "colleague": "陈样审", "lead": "周组长", "reader": "吴旁观", "shanghai": "郑外省"}
    with app.app_context(), unit_of_work():
        story = begin()
        found = Office(app, story, story.applicant())
        for who, role in roles.items():
            found.people[who] = queries.actor_of(staff.account(role, name=names[who]).id)
    return found


@contextmanager
def at_noon(app: Portal) -> Iterator[Office]:
    """The office as it was set up on Monday, looked at on Wednesday."""
    with clock.frozen(MONDAY):
        found = office(app)
        with found.work():
            calendar.seed()
    with clock.frozen(NOON):
        yield found
