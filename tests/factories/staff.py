"""Staff for tests: accounts, and clients that are signed in without the cost of a password hash."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from itertools import count

from app.core import clock
from app.core.db import db
from app.core.policy import SYSTEM, Actor
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.staff import queries, service
from app.staff.models import AccountState, RoleAssignment, SessionStage, StaffAccount, StaffSession
from app.staff.service.sessions import ABSOLUTE
from app.staff.tokens import hash_token, new_token
from tests.inspector import Inspector

PASSWORD = "a quiet river under old pines"
_numbers = count(1)
Given = str | tuple[str, Collection[str] | None, bool]  # a role, or (role, provinces, lead)


def account(*roles: Given, name: str | None = None, email: str | None = None, dealer_id: uuid.UUID | None = None):
    """An active account without a password, inside the caller's unit of work."""
    number = next(_numbers)
    row = StaffAccount(
        email=email or f"staff{number}@demo.invalid",
        name=name or f"样例员工{number}",
        state=AccountState.ACTIVE.value,
        dealer_id=dealer_id,
        preferences={},
        created_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    for given in roles:
        role, provinces, lead = (given, None, False) if isinstance(given, str) else given
        bounds = None if provinces is None else sorted(provinces)
        db.session.add(RoleAssignment(staff_id=row.id, role=role, provinces=bounds, lead=lead, granted_at=clock.now()))
    db.session.flush()
    return row


def member(app: Portal, *roles: Given, **kw: object) -> Actor:
    """A committed account with these roles, as an actor."""
    with app.app_context(), unit_of_work():
        return queries.actor_of(account(*roles, **kw).id)  # type: ignore[arg-type]


def with_password(app: Portal, *roles: str, email: str, password: str = PASSWORD) -> uuid.UUID:
    """An account that can sign in on the page; costs one hash."""
    with app.app_context(), unit_of_work():
        grants = [(role, None, False) for role in roles]
        return service.create_active(SYSTEM, email, "样例员工", password, grants).id


def client_of(app: Portal, staff_id: uuid.UUID, *, signed_in_at: datetime | None = None) -> Inspector:
    """A client with a living session of its own; ``signed_in_at`` (default now) makes the sign-in stale."""
    token, now = new_token(), clock.now()
    with app.app_context(), unit_of_work():
        db.session.add(
            StaffSession(
                token_hash=hash_token(token),
                staff_id=staff_id,
                stage=SessionStage.FULL.value,
                created_at=now,
                signed_in_at=signed_in_at or now,
                last_seen_at=now,
                expires_at=now + ABSOLUTE,
                device="Chrome · Windows",
            )
        )
    client: Inspector = app.test_client()  # type: ignore[assignment]
    client.set_cookie(app.extensions["settings"].cookie_name, token)
    return client


def signed_in(app: Portal, *roles: Given, **kw: object) -> Inspector:
    """A client of a new account with these roles."""
    actor = member(app, *roles, **kw)
    assert actor.id is not None
    return client_of(app, actor.id)


def csrf(client: Inspector, path: str = "/account") -> str:
    """The token of a page's first form, for posts by hand."""
    text = client.get(path).get_data(as_text=True)
    return text.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
