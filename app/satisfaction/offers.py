"""What ratings give to the rooms below: navigation, 今日, a panel on the ticket, a person's own export."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import counters
from app.core.columns import DataClass
from app.core.db import db
from app.core.policy import Actor, Permission
from app.customers.export import personal_data
from app.customers.models import Customer
from app.hospitals.models import Hospital
from app.satisfaction.models import FollowUp, RatedJob, Rating
from app.satisfaction.queries.queue import flagged_ranges, follow_ranges, waiting
from app.satisfaction.queries.scope import READ, in_scope
from app.satisfaction.service.follow import owned_by, pass_on_all_of
from app.satisfaction.words import ALARMS
from app.staff.service import HandoverSource, handover
from app.tickets.models import Ticket
from app.tickets.panels import TicketAction, ticket_actions
from app.ui.duties import Duty, DutySource, duty_sources
from app.ui.navigation import NavItem, navigation

AUDIT, OWN = Permission.SATISFACTION_AUDIT, Permission.SATISFACTION_OWN
J = RatedJob


def install() -> None:
    navigation.add(
        "satisfaction",
        NavItem(
            "satisfaction", "work", _l("满意度"), "star", "satisfaction.queue", READ, 60, counter=waiting,
            also=("satisfaction.page", "satisfaction.agreement", "satisfaction.draws", "satisfaction.words",
                  "satisfaction.report", "satisfaction.guide", "satisfaction.signals"),
        ),
    )  # fmt: skip
    own = NavItem("ratings-own", "work", _l("我的评价"), "star", "satisfaction.own_results", OWN, 61)
    navigation.add("ratings-own", own)
    source = DutySource("satisfaction", _l("满意度"), "star", AUDIT, _duties, "satisfaction.queue", _waiting_text)
    duty_sources.add("satisfaction", source)
    act = TicketAction("rating", _l("看评价"), "satisfaction.page", READ, order=120, suits=_rated)
    ticket_actions.add("rating", act)
    personal_data.add("ratings", _own_data)
    handover.add("follow_ups", HandoverSource(_held, _let_go, _l("跟进中的低分评价")))


def _held(staff_id: uuid.UUID) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(FollowUp).where(*owned_by(staff_id))) or 0


def _let_go(_actor: Actor, staff_id: uuid.UUID, _heir: uuid.UUID | None) -> int:
    """To the auditor of the region with the fewest: an heir may be the one whom the rating is about."""
    return pass_on_all_of(staff_id)


def _waiting_text(actor: Actor) -> str:
    counters.want("satisfaction:waiting", waiting(actor))
    return counters.text(counters.value("satisfaction:waiting"))


def _duties(actor: Actor, limit: int) -> Sequence[Duty]:
    """Follow-ups of one's own by their deadline, then flagged ratings, oldest first; one statement."""
    follow = sa.or_(*(sa.and_(*found) for found in follow_ranges(actor, None)))
    flagged = sa.or_(*(sa.and_(*found) for found in flagged_ranges(actor, None)))
    query = sa.select(J.answered_at, J.closed_at, Hospital.name, J.ticket_number, J.follow_due_at, J.alarm, J.score)
    query = query.join(Hospital, Hospital.id == J.hospital_id).where(*in_scope(actor, AUDIT), sa.or_(follow, flagged))
    rows = db.session.execute(
        query.order_by(sa.case((J.follow_due_at.is_(None), 1), else_=0), J.follow_due_at, J.answered_at).limit(limit)
    )
    return [
        Duty(
            row.answered_at or row.closed_at,
            " · ".join(filter(None, (row.name, _("%(n)s 分", n=row.score), str(ALARMS[row.alarm].word)))),
            row.ticket_number, row.follow_due_at, url_for("satisfaction.page", number=row.ticket_number),
            verb=_("回访") if row.follow_due_at else _("审核"),
        )
        for row in rows
    ]  # fmt: skip


def _rated(actor: Actor, row: Ticket) -> bool:
    """Whether this person would find a rating of this ticket."""
    query = sa.select(J.id).where(J.ticket_id == row.id, *in_scope(actor)).limit(1)
    return db.session.scalar(query) is not None


def _own_data(person: Customer) -> Mapping[DataClass, Mapping[str, Any]]:
    """Every version of every rating that the person gave."""
    query = sa.select(Rating, J.ticket_number).join(J, J.id == Rating.job_id)
    rows = db.session.execute(query.where(Rating.customer_id == person.id).order_by(Rating.at, Rating.version)).all()
    names = ("score", "timeliness", "skill", "attitude", "result", "reasons", "version", "at")
    given = [{"ticket": number, **{name: getattr(row, name) for name in names}} for row, number in rows]
    said = [{"ticket": number, "version": row.version, "comment": row.comment} for row, number in rows]
    return {DataClass.USAGE: {"ratings": given}, DataClass.FREE_TEXT: {"rating_comments": said}}
