"""What keeps a second reading blind: the registration of a reading in one's hands is outside one's scope.

`queries.scope.in_scope` adds this clause for everybody, so that queue, tabs, counts, search, palette, drawer, case
page, history, image, export, report and the claiming of cases leave it out alike. It binds from the claim until the
judgement is given or the reading is given back or missed, not only while the fifteen minutes run.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from app.core.policy import Actor, Permission
from app.customers.models import Customer
from app.registrations.models import Registration
from app.registrations.readings.models import SecondReading
from app.registrations.readings.states import ReadingStatus


def not_being_read_by(actor: Actor, registration_id: Any) -> list[sa.ColumnElement[bool]]:
    """The clause for staff; nothing for others."""
    if actor.kind != "staff" or actor.id is None:
        return []
    held = sa.select(SecondReading.registration_id).where(
        SecondReading.lease_staff_id == actor.id, SecondReading.status == ReadingStatus.WAITING
    )
    return [registration_id.not_in(held)]


def people_being_read_by(actor: Actor) -> list[sa.ColumnElement[bool]]:
    """The same for the applicants: their pages say what became of the case (profile, marks, history)."""
    if actor.kind != "staff" or actor.id is None or not actor.may(Permission.REGISTRATIONS_DECIDE):
        return []  # without an id the clause would hold back everybody whose reading waits for a reader
    held = (
        sa.select(Registration.customer_id)
        .join(SecondReading, SecondReading.registration_id == Registration.id)
        .where(SecondReading.lease_staff_id == actor.id, SecondReading.status == ReadingStatus.WAITING)
    )
    return [Customer.id.not_in(held)]
