"""What a grant would open of tickets: the figures and rows that a granter sees before saving."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.grants.preview import Preview, SampleRow
from app.grants.scope import bound, visible
from app.tickets.models import Ticket
from app.tickets.queries.readable import RECORDS
from app.tickets.words import CHIPS

T = Ticket
SAMPLE = 6


class TicketSource:
    """The portal's answer to `grants.preview.RecordSource`."""

    def preview(
        self, customer_id: uuid.UUID, departments: Sequence[uuid.UUID], since: datetime, replaces: uuid.UUID | None
    ) -> Preview:
        now = clock.now()
        asked = (T.reporter_department_id.in_(list(departments)), T.opened_at >= since)
        values = bound(customer_id, now)
        today = sa.select(visible(RECORDS).c.id)
        kept = sa.select(visible(RECORDS, without=replaces).c.id)
        fresh = (*asked, T.id.not_in(today))
        by_department = db.session.execute(
            sa.select(T.reporter_department_id, sa.func.count(), sa.func.min(T.opened_at, type_=T.opened_at.type))
            .where(*asked)
            .group_by(T.reporter_department_id)
        ).all()
        union = kept.union(sa.select(T.id).where(*asked)).subquery()
        before, new, after = db.session.execute(
            sa.select(
                sa.select(sa.func.count()).select_from(today.subquery()).scalar_subquery(),
                sa.select(sa.func.count(T.id)).where(*fresh).scalar_subquery(),
                sa.select(sa.func.count()).select_from(union).scalar_subquery(),
            ),
            values,
        ).one()
        return Preview(
            records=sum(row[1] for row in by_department),
            by_department={row[0]: row[1] for row in by_department if row[0] is not None},
            oldest=min((row[2] for row in by_department), default=None),
            fresh=new, before=before, after=after, sample=_sample(asked, today, values),
        )  # fmt: skip


def _sample(asked: tuple[Any, ...], today: sa.Select[Any], values: dict[str, Any]) -> list[SampleRow]:
    """The latest rows, new ones first: what a list of the beneficiary would begin with."""
    new = T.id.not_in(today)
    query = (
        sa.select(T.number, T.opened_at, T.reporter_department_id, T.device_model, T.status, new.label("fresh"))
        .where(*asked)
        .order_by(new.desc(), T.opened_at.desc(), T.id.desc())
        .limit(SAMPLE)
    )
    return [
        SampleRow(
            r.number, r.opened_at, r.reporter_department_id, r.device_model or "", str(CHIPS[r.status].word), r.fresh
        )
        for r in db.session.execute(query, values)
    ]
