"""What this feature gives to the rooms below: navigation, palette, 今日, hand-over, the person's own export."""

from __future__ import annotations

import uuid
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
from app.registrations import service
from app.registrations.models import Registration
from app.registrations.queries import current
from app.registrations.queries.queue import decidable, waiting
from app.registrations.queries.scope import in_scope
from app.registrations.queries.team import not_for_others
from app.registrations.workflow import TASKS, Status
from app.staff.service import HandoverSource, handover
from app.ui.duties import Duty, DutySource, duty_sources
from app.ui.navigation import NavItem, navigation
from app.ui.palette import PER_SOURCE, PaletteEntry, PaletteSource, palette_sources

READ, DECIDE = Permission.REGISTRATIONS_READ, Permission.REGISTRATIONS_DECIDE
PAGES = ("registrations.case", "registrations.report", "registrations.reviewers", "registrations.reviewer")
NUMBER_MIN = 4  # characters of a number worth looking up


def install() -> None:
    navigation.add(
        "registrations",
        NavItem(
            "registrations", "work", _l("注册审核"), "review", "registrations.queue", READ, 20,
            counter=_counter, also=PAGES,
        ),
    )  # fmt: skip
    palette_sources.add("registrations", PaletteSource(_l("注册"), _find, order=10))
    duty_sources.add(
        "registrations",
        DutySource("registrations", _l("注册审核"), "review", DECIDE, _duties, "registrations.queue", _waiting_text),
    )
    handover.add("registrations", HandoverSource(_held, _let_go, _l("正在处理的注册")))
    personal_data.add("registrations", _own_data)


def _counter(actor: Actor) -> sa.ScalarSelect[int]:
    if not actor.may(DECIDE):
        return sa.select(sa.literal(0)).scalar_subquery()
    return waiting(actor)


def _waiting_text(actor: Actor) -> str:
    counters.want("registrations:waiting", waiting(actor))
    return counters.text(counters.value("registrations:waiting"))


def _find(actor: Actor, words: str) -> list[PaletteEntry]:
    """Numbers by their beginning, or by their last four figures."""
    if not actor.may(READ) or len(words) < NUMBER_MIN:
        return []
    head = words.upper()
    if head.startswith("REG-"):
        where = sa.and_(Registration.number >= head, Registration.number < head + "\uffff")
    elif head.isdigit() and len(head) == NUMBER_MIN:
        where = Registration.number == f"REG-{clock.today():%Y%m%d}-{head}"
    else:
        return []
    query = sa.select(Registration.number, Registration.hospital_text).where(where, *in_scope(actor))
    found = db.session.execute(query.order_by(Registration.number.desc()).limit(PER_SOURCE))
    return [
        PaletteEntry(number, url_for("registrations.case", number=number), hint=hospital, icon="review")
        for number, hospital in found
    ]


def _duties(actor: Actor, limit: int) -> Sequence[Duty]:
    """What a colleague passed to this person, what the person holds, and the oldest due of the rest; one statement."""
    now = clock.now()
    R = Registration
    to_me = sa.and_(R.passed_to_id == actor.id, R.passed_until > now, R.status.in_((*TASKS, Status.ON_HOLD)))
    either = sa.or_(*(sa.and_(*found, not_for_others(actor, now)) for found in decidable(actor, now)), to_me)
    first = sa.case((sa.func.coalesce(to_me, sa.false()), 0), else_=1)
    query = sa.select(R.submitted_at, R.hospital_text, R.number, R.due_at, R.lease_staff_id, first)
    rows = db.session.execute(
        query.where(either, *in_scope(actor, DECIDE)).order_by(first, R.due_at, R.id).limit(limit)
    )
    return [
        Duty(
            since, hospital, number, due_at,
            url_for("registrations.claim" if not rank and holder != actor.id else "registrations.case", number=number),
            post=not rank and holder != actor.id,
            verb=_("继续") if holder == actor.id else _("查看") if rank else _("接手"),
        )
        for since, hospital, number, due_at, holder, rank in rows
    ]  # fmt: skip


def _held(staff_id: uuid.UUID) -> int:
    query = sa.select(sa.func.count()).where(
        Registration.lease_staff_id == staff_id, Registration.lease_expires_at > clock.now()
    )
    return db.session.execute(query).scalar_one()


def _let_go(actor: Actor, staff_id: uuid.UUID, _heir: uuid.UUID | None) -> int:
    """Cases go back to the queue: the next free reviewer takes them by due time, an heir has no claim to them."""
    return service.release_all_of(actor, staff_id)


def _own_data(person: Customer) -> Mapping[DataClass, Mapping[str, Any]]:
    """The person's registrations, whole, under the class of most of what they hold."""
    return {DataClass.WORK: {"registrations": current.export_of(person.id)}}
