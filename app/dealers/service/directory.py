"""Dealers: add, change, end. Territory and product lines are what the rule engine reads."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError

from app.core import audit
from app.core.db import db
from app.core.errors import Conflict, Invalid, NotFound
from app.core.policy import Actor, Permission
from app.dealers import reach
from app.dealers.models import Dealer, DealerRole

MANAGE = Permission.DEALERS_MANAGE
NAME_MAX_CHARS = 120
CAPACITY_MOST = 20


@dataclass(frozen=True, slots=True)
class DealerData:
    """What a person may say about a dealer; coordinates in degrees."""

    name: str
    role: str = DealerRole.ENTRUSTED.value
    provinces: tuple[str, ...] = ()
    product_lines: tuple[str, ...] = ()
    capacity: int = 2
    lat: float | None = None
    lon: float | None = None


def add_dealer(actor: Actor, data: DealerData) -> Dealer:
    """A new dealer, without a contract and therefore without any work. Raises Invalid naming every wrong field."""
    actor.require(MANAGE)
    row = Dealer(**_checked(data))
    with _taken():
        db.session.add(row)
    audit.record("dealer.added", actor, "dealer", row.id)
    return row


def change_dealer(actor: Actor, dealer_id: uuid.UUID, version: int, data: DealerData) -> Dealer:
    """Correct it. Raises Conflict when somebody was faster, NotFound."""
    actor.require(MANAGE)
    row = locked(dealer_id)
    if row.version != version:
        raise Conflict(_l("这家经销商刚刚有人改过，您填写的内容还在。"), code="dealer_changed")
    values = _checked(data)
    changed = tuple(sorted(name for name, value in values.items() if getattr(row, name) != value))
    if changed:
        with _taken():
            for name in changed:
                setattr(row, name, values[name])
            row.version += 1
        audit.record("dealer.changed", actor, "dealer", row.id, fields=changed)
    return row


def set_active(actor: Actor, dealer_id: uuid.UUID, active: bool) -> Dealer:
    """Whether anything new is given to it."""
    actor.require(MANAGE)
    row = locked(dealer_id)
    if row.active != active:
        row.active, row.version = active, row.version + 1
        db.session.flush()
        audit.record("dealer.activated" if active else "dealer.deactivated", actor, "dealer", row.id)
    return row


def locked(dealer_id: uuid.UUID) -> Dealer:
    query = sa.select(Dealer).where(Dealer.id == dealer_id).with_for_update()
    row = db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound()
    return row


def _checked(data: DealerData) -> dict[str, Any]:
    wrong = reach.wrong_in(data, CAPACITY_MOST)
    name = " ".join(data.name.split())
    if not name:
        wrong["name"] = [_l("请填写名称。")]
    elif len(name) > NAME_MAX_CHARS:
        wrong["name"] = [_l("名称不超过 %(max)s 个字。", max=NAME_MAX_CHARS)]
    if data.role not in set(DealerRole):
        wrong["role"] = [_l("没有这个选项。")]
    if wrong:
        raise Invalid(fields=wrong)
    return {"name": name, "role": data.role, **reach.columns(data)}


@contextmanager
def _taken() -> Iterator[None]:
    try:
        with db.session.begin_nested():
            yield
            db.session.flush()
    except IntegrityError as error:
        raise Invalid(fields={"name": [_l("已有同名的经销商。")]}) from error
