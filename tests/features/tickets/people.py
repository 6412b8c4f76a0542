"""Short words for tickets: staff with the rights of a role, and a ticket in somebody's hands."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from app.core import clock
from app.core.db import new_id
from app.core.policy import Actor
from app.core.unit_of_work import unit_of_work
from app.staff.roles import Role, permissions_of
from app.tickets import service
from app.tickets.service import Intake, Seen
from tests.features.registrations.story import Story, begin

MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # 09:00 in China, a working day
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
COMPLETE = {
    "harm": "no", "hospital_matched": True, "no_serial_reason": "in_use", "duplicates_reviewed": True,
    "fault_class": "leak", "priority": "p3", "warranty_basis": "paid", "service_mode": "on_site",
}  # fmt: skip


def staff(role: Role, name: str = "样例", *, lead: bool = False, provinces: frozenset[str] | None = None) -> Actor:
    """Somebody with exactly the rights of a role."""
    rights = dict.fromkeys(permissions_of(role, lead=lead), provinces)
    return Actor("staff", id=new_id(), name=name, rights=MappingProxyType(rights), roles=(role.value,))


@dataclass
class Desk:
    """A hospital, a customer of it, and triagers."""

    story: Story
    customer: Actor
    triager: Actor
    colleague: Actor
    lead: Actor

    def report(self, fault: str = "插入部漏水", serial: str | None = None) -> uuid.UUID:
        intake = Intake(self.story.hospital_id, fault, serial_number=serial)
        return service.record_ticket(self.customer, intake).id


def desk() -> Desk:
    """In the running unit of work."""
    story = begin()
    return Desk(
        story, story.applicant(), staff(Role.TRIAGER, "受理甲"), staff(Role.TRIAGER, "受理乙"),
        staff(Role.TRIAGER, "组长", lead=True),
    )  # fmt: skip


def claimed(d: Desk, ticket_id: uuid.UUID, at: datetime, actor: Actor | None = None) -> None:
    with clock.frozen(at), unit_of_work():
        service.claim(actor or d.triager, ticket_id, Seen(1))
