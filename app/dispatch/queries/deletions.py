"""What a dealer has yet to confirm: that the personal data of a job is deleted or returned (PIPL 21, C31).

Nobody opens these tasks. A job that was accepted is asked about from the instant at which the access to its data ended:
re-dispatch or a lost contract ended the dispatch, the ticket was closed, or no contract of the dealer is in force any
more. The confirmation stays with the dispatch; a contract's own stays in the register of contracts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import clock, plans
from app.core.db import db
from app.core.policy import Actor
from app.core.worklist import Chip, Column, Filter, Tab, Worklist, chip, due, instant, link, text
from app.core.worklist.declaration import Clause
from app.dealers.models import DealerContract, in_force
from app.dispatch.models import AssigneeKind, Dispatch, DispatchState
from app.dispatch.queries.ledger import READ, in_province, provinces_of
from app.dispatch.queries.mine import dealer_of
from app.tickets.models import Ticket

DUE = timedelta(days=7)  # as the job itself stays visible after a close
MOST = 200
D, T, C = Dispatch, Ticket, DealerContract
ENDED = (DispatchState.WITHDRAWN.value, DispatchState.LOST.value, DispatchState.SUPERSEDED.value)


@dataclass(frozen=True, slots=True)
class Task:
    """One job of which the data is to go."""

    number: str
    model: str
    ended_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Tasks:
    """What a dealer's user answers on `/jobs`: jobs, and contracts that have ended without a successor."""

    jobs: Sequence[Task]
    contracts: Sequence[DealerContract]


def ended_at(now: Any) -> Any:
    """SQL over a dispatch alone: when the access to personal data ended; NULL while it lasts."""
    kind = D.ended_at.type
    lasting = sa.select(C.id).where(C.dealer_id == D.assignee_id, in_force(now)).correlate(D).exists()
    last = sa.select(sa.func.max(C.ends_at)).where(
        C.dealer_id == D.assignee_id, C.confirmed_at.is_not(None), C.ends_at <= now
    )  # fmt: skip
    elsewhere = sa.or_(T.cycle != D.cycle, T.assignee_id.is_(None), T.assignee_id != D.assignee_id)
    when = sa.case(
        (D.state.in_(ENDED), D.ended_at),
        (elsewhere, sa.func.coalesce(D.ended_at, T.changed_at, type_=kind)),
        (T.closed_at.is_not(None), T.closed_at),
        (~lasting, last.correlate(D).scalar_subquery()),
        else_=sa.null(),
    )
    of_ticket = sa.select(sa.type_coerce(when, kind)).select_from(T).where(T.id == D.ticket_id).correlate(D)
    return sa.type_coerce(of_ticket.scalar_subquery(), kind)


def shown_to_dealer() -> list[Clause]:
    """An accepted job of a dealer, which is always under a contract: its data could be read."""
    return [D.assignee_kind == AssigneeKind.DEALER.value, D.contract_id.is_not(None), D.accepted_at.is_not(None)]


def tasks(actor: Actor) -> Tasks | None:
    """Of the dealer that the actor works for; None for our own people. Three statements."""
    dealer_id = dealer_of(actor)
    if dealer_id is None:
        return None
    now = clock.now()
    at = ended_at(now)
    query = sa.select(T.number, T.device_model, at.label("at")).select_from(D).join(T, T.id == D.ticket_id)
    query = query.where(*shown_to_dealer(), D.assignee_id == dealer_id, D.data_deleted_at.is_(None), at.is_not(None))
    jobs = [
        Task(row.number, row.device_model or "", row.at, row.at + DUE)
        for row in db.session.execute(query.order_by(at, D.id).limit(MOST))
    ]
    return Tasks(jobs, _contracts(dealer_id, now))


def _contracts(dealer_id: Any, now: datetime) -> Sequence[DealerContract]:
    follows = sa.select(C.id).where(C.dealer_id == dealer_id, in_force(now)).exists()
    query = sa.select(C).where(
        C.dealer_id == dealer_id, C.confirmed_at.is_not(None), C.ends_at <= now, C.deletion_confirmed_at.is_(None),
        ~follows,
    )  # fmt: skip
    return db.session.scalars(query.order_by(C.ends_at, C.id)).all()


def _scope(actor: Actor) -> list[Clause]:
    bounds = actor.scope(READ)
    return [*shown_to_dealer(), *([] if bounds is None else [_within(T.province.in_(sorted(bounds)))])]


def _within(place: Clause) -> Clause:
    """The ticket lies there, said without joining it: counts know the dispatch alone."""
    return sa.select(T.id).where(T.id == D.ticket_id, place).correlate(D).exists()


def _province(value: str, _actor: Actor) -> Clause | None:
    place = in_province(T.province, value)
    return None if place is None else _within(place)


ASKED = ended_at(plans.now())
SORTED = sa.func.coalesce(ASKED, D.accepted_at, type_=D.ended_at.type)
STATES = {
    "done": Chip(_l("已确认"), "done", "tick"),
    "late": Chip(_l("逾期未确认"), "late", "cross"),
    "open": Chip(_l("等经销商确认"), "wait", "ring"),
}
_state = sa.case(
    (D.data_deleted_at.is_not(None), "done"), (plans.now() - DUE >= SORTED, "late"), else_="open"
)  # fmt: skip
UNDONE = D.data_deleted_at.is_(None)

DELETIONS = Worklist(
    key="deletions",
    title=_l("经销商删除确认"),
    endpoint="disclosures.deletions",
    permission=READ,
    table=D,
    scope=_scope,
    joins=((T, T.id == D.ticket_id),),
    columns=(
        Column("number", _l("工单"), T.number, link()),
        Column("dealer", _l("经销商"), D.assignee_name, text(), chinese=True),
        Column("state", _l("状态"), _state, chip(STATES)),
        Column("asked", _l("访问结束"), SORTED, instant(), sort=SORTED),
        Column("due", _l("须在此前确认"), SORTED, due(), show=lambda v, _a: v + DUE),
        Column("done", _l("确认时间"), D.data_deleted_at, instant()),
    ),
    default_sort="asked",
    row_endpoint="disclosures.ticket",
    row_argument="number",
    tabs=(
        Tab("late", _l("逾期"), lambda _a, now: [[UNDONE, ASKED.is_not(None), now - DUE >= ASKED]], tone="late"),
        Tab("open", _l("待确认"), lambda _a, now: [[UNDONE, ASKED.is_not(None), now - DUE < ASKED]]),
        Tab("done", _l("已确认"), lambda _a, _n: [[D.data_deleted_at.is_not(None)]], counted=False, sort="-asked"),
    ),
    filters=(
        Filter("dealer", _l("经销商"), lambda v, _a: D.assignee_name.contains(v.strip(), autoescape=True), wide=True),
        Filter("province", _l("省份"), _province, kind="select", choices=provinces_of),
    ),
)  # fmt: skip


def ended_of(found: Sequence[Dispatch]) -> dict[Any, datetime | None]:
    """When the access of each of these dispatches ended; one statement."""
    query = sa.select(D.id, ended_at(clock.now()).label("at")).where(D.id.in_([one.id for one in found]))
    return {row.id: row.at for row in db.session.execute(query)}
