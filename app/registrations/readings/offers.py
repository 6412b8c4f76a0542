"""What second readings give to the rooms below: navigation, 今日, and freeing what a disabled account holds."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import clock, counters
from app.core.db import db
from app.core.policy import Actor, Permission
from app.customers.standing import withheld
from app.registrations.readings import queries, service
from app.registrations.readings.blind import people_being_read_by
from app.registrations.readings.models import SecondReading
from app.staff.service import HandoverSource, handover
from app.ui.duties import Duty, DutySource, duty_sources
from app.ui.navigation import NavItem, navigation

DECIDE = Permission.REGISTRATIONS_DECIDE
R = SecondReading


def install() -> None:
    pages = ("registrations.reading", "registrations.reading_differences", "registrations.reading_agreement")
    navigation.add(
        "readings",
        NavItem(
            "readings", "work", _l("盲复读"), "eye", "registrations.readings", DECIDE, 25,
            counter=queries.waiting, also=pages,
        ),
    )  # fmt: skip
    duty_sources.add(
        "readings",
        DutySource("readings", _l("盲复读"), "eye", DECIDE, _duties, "registrations.readings", _waiting_text),
    )
    withheld.add("readings", people_being_read_by)
    handover.add("readings", HandoverSource(_held, _let_go, _l("正在复读的件")))


def _duties(actor: Actor, limit: int) -> Sequence[Duty]:
    """The readings due first, without a word about whose they are; all lead to the list, which gives out the next."""
    rows = db.session.execute(
        sa.select(R.drawn_at, R.number, R.due_at)
        .where(*service.in_bounds(actor), *service.readable(actor, clock.now()))
        .order_by(R.due_at, R.id)
        .limit(min(limit, 2))
    )
    url = url_for("registrations.readings")
    return [Duty(since, _("待盲复读的决定"), number, due_at, url, verb=_("查看")) for since, number, due_at in rows]


def _waiting_text(actor: Actor) -> str:
    counters.want("nav:readings", queries.waiting(actor))
    return counters.text(counters.value("nav:readings"))


def _held(staff_id: uuid.UUID) -> int:
    query = sa.select(sa.func.count()).where(R.lease_staff_id == staff_id, R.lease_expires_at > clock.now())
    return db.session.execute(query).scalar_one()


def _let_go(actor: Actor, staff_id: uuid.UUID, _heir: uuid.UUID | None) -> int:
    """Readings go back to the list; nobody inherits one, since the heir may be the first decider."""
    return service.release_all_of(actor, staff_id)
