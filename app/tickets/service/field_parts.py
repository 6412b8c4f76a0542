"""Parts of a repair on the spot: what was built in from one's own stock, and what became of each line waited for."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.db import db
from app.core.errors import Invalid
from app.core.policy import Actor
from app.tickets.bench import FIELD_PART_STEPS
from app.tickets.models import PartLine, Ticket
from app.tickets.service.custody import NUMBER_MAX_CHARS
from app.tickets.service.depot import PART_NAME_MAX_CHARS, QUANTITY_MAX


@dataclass(frozen=True, slots=True)
class Used:
    """A part from the van."""

    part_number: str
    name: str
    quantity: int


def open_lines(ticket_id: uuid.UUID) -> Sequence[PartLine]:
    """Lines without an end yet, in the order in which they were wanted."""
    query = sa.select(PartLine).where(PartLine.ticket_id == ticket_id, PartLine.state.in_(tuple(FIELD_PART_STEPS)))
    return db.session.scalars(query.order_by(PartLine.wanted_at, PartLine.id)).all()


def settle_parts(row: Ticket, steps: Mapping[uuid.UUID, str]) -> None:
    """Every open line ends: a ticket with a part unaccounted for could never close. Raises Invalid."""
    now, lines = clock.now(), open_lines(row.id)
    wrong = [line.name for line in lines if steps.get(line.id, "") not in FIELD_PART_STEPS[line.state]]
    if wrong:
        raise Invalid(
            code="parts_open", fields={"parts": [_l("请写明备件的去向：%(names)s", names="、".join(wrong))]}
        )  # fmt: skip
    for line in lines:
        line.state, line.settled_at = steps[line.id], now
        if line.state in ("used", "returned") and line.arrived_at is None:
            line.arrived_at = now
    db.session.flush()


def built_in(row: Ticket, actor: Actor, used: Sequence[Used]) -> None:
    """Write down what was used from stock. Raises Invalid naming what a line lacks."""
    wrong: list[Any] = []
    for n, part in enumerate(used, start=1):
        if not part.part_number or not part.name:
            wrong.append(_l("第 %(n)s 行：编号和名称都要填。", n=n))
        elif not 1 <= part.quantity <= QUANTITY_MAX:
            wrong.append(_l("第 %(n)s 行：数量为 1 到 %(most)s。", n=n, most=QUANTITY_MAX))
        elif len(part.part_number) > NUMBER_MAX_CHARS or len(part.name) > PART_NAME_MAX_CHARS:
            wrong.append(_l("第 %(n)s 行：内容太长。", n=n))
    if wrong:
        raise Invalid(code="parts_invalid", fields={"parts": wrong})
    now = clock.now()
    db.session.add_all(
        PartLine(
            ticket_id=row.id, part_number=part.part_number, name=part.name, quantity=part.quantity, state="used",
            wanted_by=actor.id, wanted_at=now, arrived_at=now, settled_at=now,
        )
        for part in used
    )  # fmt: skip
    db.session.flush()
