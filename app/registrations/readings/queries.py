"""Reads of the second readings: the worklist, one reading for its page, differences, agreement."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import selectinload

from app.core import clock, counters, plans
from app.core.db import db
from app.core.errors import Forbidden, Gone, NotFound
from app.core.files import StoredFile
from app.core.policy import Actor, Permission
from app.core.statistics.agreement import Agreement, two_readers
from app.core.worklist import Chip, Column, Tab, Worklist, chip, due, instant, link, text
from app.registrations.checks import FIELDS
from app.registrations.models import Registration, RegistrationEvent, Submission, SubmissionImage
from app.registrations.queries import case as cases
from app.registrations.readings.models import SecondReading
from app.registrations.readings.service import find, holds, in_bounds, readable
from app.registrations.readings.states import Judgement, ReadingStatus

DECIDE, LEAD = Permission.REGISTRATIONS_DECIDE, Permission.REGISTRATIONS_LEAD
R, S = SecondReading, ReadingStatus
GIVEN = (S.READ, S.ESCALATED)

JUDGEMENTS: dict[str, Any] = {
    Judgement.APPROVE: _l("通过"),
    Judgement.ASK_AGAIN: _l("要求重拍"),
    Judgement.REJECT: _l("不予通过"),
}
CHIPS: dict[str, Chip] = {
    S.WAITING: Chip(_l("待复读"), "idle", "ring"),
    S.READ: Chip(_l("已复读"), "done", "tick"),
    S.MISSED: Chip(_l("错过"), "late", "cross"),
    S.ESCALATED: Chip(_l("已上报"), "wait", "diamond"),
}
WHY: dict[str, Any] = {"sample": _l("抽样"), "new_reviewer": _l("新审核员的前若干件")}


def _mine(actor: Actor, _now: datetime) -> list[list[sa.ColumnElement[bool]]]:
    return [[R.status == status, R.read_by == actor.id] for status in GIVEN]


def _missed(_actor: Actor, now: datetime) -> list[list[sa.ColumnElement[bool]]]:
    return [[R.status == S.MISSED], [R.status == S.WAITING, R.due_at <= now]]


_settled = lambda row: row[STATUS_SLOT] != S.WAITING
STATUS_SLOT = 2 + 2
READINGS = Worklist(
    key="readings",
    title=_l("盲复读"),
    endpoint="registrations.readings",
    permission=DECIDE,
    table=R,
    scope=in_bounds,
    columns=(
        Column("number", _l("编号"), R.number, link()),
        Column("due", _l("截止"), R.due_at, due(closed=_settled), sort=R.due_at),
        Column("status", _l("状态"), R.status, chip(CHIPS)),
        Column("drawn", _l("抽中"), R.drawn_at, instant()),
        Column("holder", _l("处理人"), R.lease_name, text()),
    ),
    default_sort="due",
    row_endpoint="registrations.reading",
    row_argument="number",
    tabs=(
        Tab("todo", _l("等我复读"), lambda actor, now: [readable(actor, now)]),
        Tab("mine", _l("我读过的"), _mine, counted=False, sort="-due"),
        Tab("missed", _l("错过的"), _missed, tone="late", sort="-due"),
    ),
)

DIFFERENCES = Worklist(
    key="reading-differences",
    title=_l("判断不同的复读"),
    endpoint="registrations.reading_differences",
    permission=LEAD,
    table=R,
    scope=lambda actor: [*in_bounds(actor, LEAD), R.judgement != R.first_judgement],
    joins=((Registration, Registration.id == R.registration_id),),
    columns=(
        Column("number", _l("编号"), R.number, link()),
        Column("registration", _l("注册"), Registration.number, text()),
        Column("first", _l("第一判断"), R.first_judgement, text(), show=lambda v, _a: str(JUDGEMENTS[v])),
        Column("by", _l("审核员"), R.first_name, text()),
        Column("second", _l("复读判断"), R.judgement, text(), show=lambda v, _a: str(JUDGEMENTS[v])),
        Column("reader", _l("复读人"), R.read_name, text()),
        Column("read", _l("复读时间"), R.read_at, instant(), sort=R.read_at),
        Column("status", _l("状态"), R.status, chip(CHIPS)),
    ),
    default_sort="-read",
    row_endpoint="registrations.reading",
    row_argument="number",
    tabs=(
        Tab("open", _l("待裁定"), lambda _a, _n: [[R.status == S.READ]]),
        Tab("escalated", _l("已上报"), lambda _a, _n: [[R.status == S.ESCALATED]]),
    ),
)


def waiting(actor: Actor) -> sa.ScalarSelect[int]:
    """How many readings this person could take now, capped."""
    return counters.capped(*in_bounds(actor), *readable(actor, plans.now()), table=R)


@dataclass(frozen=True, slots=True)
class ReadingPage:
    """What the page shows. While the reading is open it holds nothing of the first decision, not even its presence."""

    row: SecondReading
    now: datetime
    mine: bool
    claims: Sequence[tuple[str, str]] = ()
    pictures: Sequence[cases.Picture] = ()
    registration: str | None = None  # the number, for those who may see both judgements
    reveals: bool = False
    followed: RegistrationEvent | None = None  # what a lead did with the case after the difference was taken further


def page(actor: Actor, number: str) -> ReadingPage:
    """The reading for its reader, and after it was given for him and for leads. Raises NotFound, Forbidden."""
    row, now = find(actor, number), clock.now()
    if holds(actor, row, now):
        sent = db.session.get_one(Submission, row.submission_id)
        return ReadingPage(row, now, True, _claims(sent), cases.pictures(sent.id))
    given = row.status in GIVEN
    reveals = given and (row.read_by == actor.id or actor.may(LEAD))
    case_number = db.session.scalar(sa.select(Registration.number).where(Registration.id == row.registration_id))
    followed = _followed(row) if reveals and row.escalated_at is not None else None
    number_shown = case_number if reveals else None
    return ReadingPage(row, now, False, registration=number_shown, reveals=reveals, followed=followed)


FOLLOWING = ("reopen_rejection", "suspend_registration")


def _followed(row: SecondReading) -> RegistrationEvent | None:
    event = RegistrationEvent
    query = sa.select(event).where(
        event.registration_id == row.registration_id, event.action.in_(FOLLOWING), event.at >= row.escalated_at
    )
    return db.session.scalars(query.order_by(event.version).limit(1)).one_or_none()


def taken_further(registration_id: uuid.UUID) -> SecondReading | None:
    """The difference about this case that a lead took further, the latest: what a new look at it would be for."""
    query = sa.select(R).where(R.registration_id == registration_id, R.status == S.ESCALATED)
    return db.session.scalars(query.order_by(R.escalated_at.desc()).limit(1)).one_or_none()


def image_file(actor: Actor, number: str, image_id: uuid.UUID) -> tuple[SecondReading, StoredFile]:
    """The photo for the person who holds the reading. NotFound, Forbidden (``claim_first``), Gone."""
    row, now = find(actor, number), clock.now()
    query = sa.select(SubmissionImage).where(
        SubmissionImage.id == image_id, SubmissionImage.submission_id == row.submission_id
    )
    image = db.session.scalars(query.options(selectinload(SubmissionImage.main))).one_or_none()
    if image is None:
        raise NotFound()
    if not holds(actor, row, now):
        raise Forbidden(code="claim_first")
    if image.main.erased_at is not None or (image.main.erase_at is not None and image.main.erase_at <= now):
        raise Gone()
    return row, image.main


@dataclass(frozen=True, slots=True)
class Matrix:
    """First judgements down, second across, in the order of `Judgement`; with what was drawn and missed."""

    counts: Sequence[Sequence[int]]
    agreement: Agreement | None
    missed: int


def matrix(
    actor: Actor, since: datetime, until: datetime, first_by: uuid.UUID | None = None, permission: Permission = LEAD
) -> Matrix:
    """Agreement of readings given from ``since`` to ``until`` (excluded), within the actor's bounds."""
    who = [R.first_by == first_by] if first_by is not None else []
    bounds = in_bounds(actor, permission)
    rows = db.session.execute(
        sa.select(R.first_judgement, R.judgement, sa.func.count())
        .where(R.status.in_(GIVEN), R.read_at >= since, R.read_at < until, *bounds, *who)
        .group_by(R.first_judgement, R.judgement)
    )
    found: Mapping[tuple[str, str], int] = {(first, str(second)): n for first, second, n in rows}
    order = [judgement.value for judgement in Judgement]
    counts = [[found.get((a, b), 0) for b in order] for a in order]
    lost = sa.or_(R.status == S.MISSED, R.status == S.WAITING)
    missed = db.session.scalar(
        sa.select(sa.func.count()).where(
            lost, R.due_at >= since, R.due_at < until, R.due_at <= clock.now(), *bounds, *who
        )
    )
    return Matrix(counts, two_readers(counts), missed or 0)


def _claims(sent: Submission) -> list[tuple[str, str]]:
    try:
        name = sent.name or ""
    except Gone:
        name = ""
    values = {
        "name": name, "hospital": sent.hospital_text, "department": sent.department_text, "title": sent.title,
        "position": sent.position,
    }  # fmt: skip
    return [(field, values[field]) for field in FIELDS]
