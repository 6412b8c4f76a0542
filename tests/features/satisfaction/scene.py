"""Short words for ratings: tickets that closed, who did them, links out of messages, auditors with sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock, keys
from app.core.db import db
from app.core.outbox import Message
from app.core.policy import Actor
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.satisfaction import service
from app.satisfaction.models import FollowUp, RatedJob, Rating, RatingFlag
from app.satisfaction.service import Answer, jobs
from app.tickets import service as tickets
from app.tickets.models import Ticket, TicketContact
from app.tickets.service import Intake
from tests.factories import staff
from tests.features.registrations.story import Story, begin
from tests.features.tickets.people import MONDAY
from tests.inspector import Inspector

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PHONE = "+8613900000009"
CARD = {"card_record": "2", "card_promise": "2", "card_contact": "2", "card_result": "2"}
OK = {"outcome": "ok", **CARD}


@dataclass
class Scene:
    """One hospital of Shanghai, one customer, an engineer; the clock stands at a Monday, 09:00."""

    app: Portal
    story: Story
    customer: Actor
    engineer: Actor
    people: dict[str, Actor] = field(default_factory=dict)
    clients: dict[str, Inspector] = field(default_factory=dict)
    count_of_jobs: int = 0

    @contextmanager
    def work(self, at: datetime | None = None) -> Iterator[None]:
        with clock.frozen(at or clock.now()), self.app.app_context(), unit_of_work():
            yield

    def closed(self, *, at: datetime = MONDAY, caller: bool = False, **values: Any) -> str:
        """A ticket that closed at ``at``; ``caller``: reported by telephone, its contact has no account."""
        with self.work(at):
            row = tickets.record_ticket(self.customer, Intake(self.story.hospital_id, "插入部漏水"))
            found = {
                "status": "closed", "closed_at": at, "assignee_kind": "engineer", "assignee_id": self.engineer.id,
                "assignee_name": self.engineer.name, "device_model": "GIF-H290", "service_mode": "on_site", **values,
            }  # fmt: skip
            if caller:
                found["customer_id"] = None
                db.session.execute(sa.delete(TicketContact).where(TicketContact.ticket_id == row.id))
                db.session.add(TicketContact(
                    ticket_id=row.id, subject_id=keys.new_subject(), is_reporter=False, name="严示范", phone=PHONE,
                ))  # fmt: skip
            db.session.execute(sa.update(Ticket).where(Ticket.id == row.id).values(**found))
            return row.number

    def ticket(self, number: str, **values: Any) -> None:
        with self.work():
            db.session.execute(sa.update(Ticket).where(Ticket.number == number).values(**values))

    def settle(self, at: datetime = MONDAY) -> int:
        """The minute's job."""
        with self.work(at):
            return jobs.settle_due()

    def link(self, template: str = "rating_link") -> str:
        """The token of the newest message of this kind, as its reader gets it."""
        with self.app.app_context():
            query = sa.select(Message).where(Message.template == template).order_by(Message.created_at.desc())
            rows = db.session.scalars(query).all()
            return rows[0].params["link"].rpartition("/")[2]

    def rate(self, number: str, score: int = 5, at: datetime = MONDAY, comment: str = "", **kw: Any) -> bool:
        with self.work(at):
            return service.give_own(self.customer, number, Answer(score, comment=comment, **kw))

    def read(self, query: Callable[[], Any]) -> Any:
        with self.app.app_context():
            return query()

    def job(self, number: str, cycle: int = 1) -> RatedJob:
        where = RatedJob.ticket_number == number, RatedJob.cycle == cycle
        return self.read(lambda: db.session.scalars(sa.select(RatedJob).where(*where)).one())

    def ratings(self, number: str) -> list[tuple[int, int]]:
        """(version, score) in order."""
        query = sa.select(Rating.version, Rating.score).join(RatedJob, RatedJob.id == Rating.job_id)
        query = query.where(RatedJob.ticket_number == number).order_by(Rating.version)
        return self.read(lambda: [tuple(row) for row in db.session.execute(query)])

    def flags(self, number: str) -> set[tuple[str, str]]:
        query = sa.select(RatingFlag.kind, RatingFlag.detail).join(RatedJob, RatedJob.id == RatingFlag.job_id)
        return self.read(lambda: {tuple(r) for r in db.session.execute(query.where(RatedJob.ticket_number == number))})

    def follow(self, number: str) -> FollowUp | None:
        query = sa.select(FollowUp).join(RatedJob, RatedJob.id == FollowUp.job_id)
        return self.read(lambda: db.session.scalars(query.where(RatedJob.ticket_number == number)).one_or_none())

    def count(self, model: type) -> int:
        return self.read(lambda: db.session.scalar(sa.select(sa.func.count()).select_from(model)))

    def client(self, who: str = "auditor", *roles: Any) -> Inspector:
        """A signed-in account, made at first use: an auditor unless ``roles`` say otherwise."""
        if who not in self.clients:
            self.member(who, *roles)
            self.clients[who] = staff.client_of(self.app, self.people[who].id)  # type: ignore[arg-type]
        return self.clients[who]

    def member(self, who: str = "auditor", *roles: Any) -> Actor:
        if who not in self.people:
            self.people[who] = staff.member(self.app, *(roles or ("satisfaction_auditor",)), name=f"样例{who}")
        return self.people[who]

    def post(self, number: str, act: str, who: str = "auditor", **data: Any) -> Any:
        client = self.client(who)
        return client.post(f"/satisfaction/{number}/{act}", data={**data, "csrf_token": staff.csrf(client)})


def open_scene(app: Portal) -> Scene:
    engineer = staff.member(app, "engineer", name="工程示例")
    with app.app_context(), unit_of_work():
        story = begin()
        return Scene(app, story, story.applicant(), engineer)
