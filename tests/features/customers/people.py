"""Short words for the people's pages: hospitals of two provinces, customers in every state, staff at the browser."""

from __future__ import annotations

import hashlib
import itertools
import re
import uuid
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from app.core import clock, keys
from app.core.audit import AuditEvent
from app.core.db import db, new_id
from app.core.policy import Actor, Permission
from app.customers import service
from app.customers.models import Customer, CustomerToken
from app.hospitals import service as hospitals
from tests.inspector import Inspector

TOKEN_CHARS = 43  # 32 bytes in base64url
_numbers = itertools.count(1)
MANAGER = Actor("staff", id=new_id(), name="样例管理", rights=MappingProxyType({Permission.HOSPITALS_MANAGE: None}))


def hospital(name: str = "华东第一示范医院", province: str = "31") -> tuple[uuid.UUID, uuid.UUID]:
    """A hospital with one department."""
    row = hospitals.create_hospital(MANAGER, hospitals.HospitalData(name, province))
    return row.id, hospitals.add_department(MANAGER, row.id, "消化内镜中心").id


def stranger(phone: str | None = None, name: str | None = None) -> Customer:
    """Somebody who signed in and was never verified."""
    now = clock.now()
    row = Customer(
        subject_id=keys.new_subject(), phone=phone or f"+86139{next(_numbers):08d}", created_at=now, last_used_at=now
    )
    if name is not None:
        row.name = name
    db.session.add(row)
    db.session.flush()
    return row


def verified(place: tuple[uuid.UUID, uuid.UUID], phone: str | None = None, name: str = "冯虚构") -> Customer:
    """Somebody with an approved registration in effect."""
    row = stranger(phone, name)
    adopt(row, place, name)
    return row


def adopt(
    row: Customer, place: tuple[uuid.UUID, uuid.UUID], name: str = "冯虚构", wait: timedelta = timedelta(0)
) -> uuid.UUID:
    registration_id = new_id()
    service.adopt_registration(
        row.id, registration_id=registration_id, name=name, hospital_id=place[0], department_id=place[1],
        position="护士长", title="主管护师", effective_at=clock.now() + wait,
    )  # fmt: skip
    return registration_id


def signed_in(row: Customer, device: str = "WeChat · iPhone", token: str = "") -> CustomerToken:
    """A living sign-in; ``token`` begins what the phone sends, see `bearer`."""
    now = clock.now()
    secret = (token or f"t{next(_numbers)}").ljust(TOKEN_CHARS, "-")
    made = CustomerToken(
        token_hash=hashlib.sha256(secret.encode()).digest(), customer_id=row.id, created_at=now, last_used_at=now,
        expires_at=now + timedelta(days=30), absolute_at=now + timedelta(days=180), device=device,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made


def bearer(token: str) -> dict[str, str]:
    """The header of a call with a token of `signed_in`."""
    return {"Authorization": f"Bearer {token.ljust(TOKEN_CHARS, '-')}"}


def events(name: str) -> list[AuditEvent]:
    return list(db.session.scalars(sa.select(AuditEvent).where(AuditEvent.event == name).order_by(AuditEvent.seq)))


def post(client: Inspector, url: str, page: str, **data: Any) -> Any:
    """Send a form as a browser without scripts would: with the token of the page that shows it."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).get_data(as_text=True))
    assert found is not None, page
    return client.post(url, data={"csrf_token": found[1], **data})
