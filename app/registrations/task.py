"""Who has a task on a case: the lease's holder and its token, and who may never have one."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import aliased

from app.core import keys
from app.core.db import db
from app.core.errors import Forbidden
from app.core.policy import Actor
from app.customers.models import Customer
from app.registrations.models import Recusal, Registration

LEASE_KEY = keys.declare("lease")


def bar_of(actor: Actor, row: Registration) -> str | None:
    """Why this person may have no part in the case: "own" phone number (C12), or a declared relation, "recused"."""
    if actor.kind != "staff" or actor.id is None:
        return None
    own, recused = db.session.execute(sa.select(*bars(actor, row.customer_id))).one()
    return bar_word(actor, own=bool(own), recused=bool(recused))


def bars(actor: Actor, customer_id: Any) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    """The two facts behind `bar_of` as columns, for a value or a column of the customer's id."""
    person = aliased(Customer)  # whoever asks may have the customer in its own statement
    own = sa.exists().where(person.id == customer_id, person.phone_index == actor.phone_index)
    known = sa.exists().where(Recusal.staff_id == actor.id, Recusal.customer_id == customer_id)
    return own if actor.phone_index is not None else sa.false(), known


def bar_word(actor: Actor, *, own: bool, recused: bool) -> str | None:
    """What `bar_of` says of the two facts; somebody who is not staff has no bar."""
    if actor.kind != "staff" or actor.id is None:
        return None
    return "own" if own else "recused" if recused else None


def refuse_own(actor: Actor, row: Registration) -> None:
    """Nobody has a part in a case of his own, or of somebody he said he knows. Raises Forbidden."""
    bar = bar_of(actor, row)
    if bar == "own":
        raise Forbidden(_l("这是您本人的注册，须由同事处理。"), code="own_registration")
    if bar == "recused":
        raise Forbidden(_l("您已声明认识申请人，须由同事处理。"), code="recused")


def token_of(row: Registration) -> str:
    """The lease's token: derived from its nonce, so that a page can be made again and a database dump holds none."""
    nonce, holder = row.lease_nonce, row.lease_staff_id
    if nonce is None or holder is None:
        return ""
    return urlsafe_b64encode(keys.mac(LEASE_KEY, nonce + holder.bytes)).decode().rstrip("=")


def holds_lease(actor: Actor, row: Registration, now: datetime) -> bool:
    """Whether this person has the live task on the case."""
    return row.lease_staff_id is not None and row.lease_staff_id == actor.id and row.leased(now)
