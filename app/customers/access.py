"""Reaching one person as staff: scope first (404), then nobody opens his own record (403)."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core.db import db
from app.core.errors import Forbidden, NotFound
from app.core.policy import Actor, Permission
from app.customers.models import Customer
from app.customers.standing import READ, in_scope


def find(actor: Actor, customer_id: uuid.UUID, permission: Permission = READ) -> Customer:
    """The person, if ``permission`` reaches him. Raises Forbidden, NotFound.

    Whoever has the same phone number is that person: his own data is in the mini program, and a staff page that
    shows who else looked at it, or that ends his own freeze, is not for him.
    """
    person = db.session.scalar(sa.select(Customer).where(Customer.id == customer_id, *in_scope(actor, permission)))
    if person is None:
        raise NotFound()
    if actor.phone_index is not None and person.phone_index == actor.phone_index:
        raise Forbidden(_l("这是您本人的档案，须由同事处理；您的信息可在小程序“我的”里查看。"), code="own_record")
    return person
