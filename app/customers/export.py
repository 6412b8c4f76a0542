"""Everything the portal holds about one person, by class of the field catalogue (C39).

Features above add their part: a function of the account that gives ``{class: {name: data}}``. Nobody else's data:
staff are left out, hospitals are named.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from app.core.columns import DataClass
from app.core.db import db
from app.core.registry import Registry
from app.customers import queries
from app.customers.models import Customer
from app.hospitals.models import Department, Hospital

Part = Mapping[DataClass, Mapping[str, Any]]
personal_data: Registry[Callable[[Customer], Part]] = Registry("personal data of a customer")
CLASSES = tuple(c for c in DataClass if c is not DataClass.NONE)


def everything(person: Customer) -> dict[str, dict[str, Any]]:
    """Every class of the catalogue is present, empty or not."""
    found: dict[str, dict[str, Any]] = {c.value: {} for c in CLASSES}
    for part in personal_data:
        for cls, values in part(person).items():
            found[cls.value].update(values)
    return found


def account(person: Customer) -> Part:
    """Account, sign-ins, verified profiles and requests: this feature's part."""

    def named(kind: type[Hospital] | type[Department], row_id: uuid.UUID | None) -> str | None:
        return db.session.scalar(sa.select(kind.name).where(kind.id == row_id)) if row_id is not None else None

    profiles = queries.profiles(person.id)
    requests = queries.rights_requests_of(person.id)
    return {
        DataClass.IDENTIFIER: {
            "name": person.name,
            "verified_names": [p.name for p in profiles],
            "wechat": [
                {"appid": i.appid, "openid": i.openid, "unionid": i.unionid} for i in queries.identities(person.id)
            ],
        },
        DataClass.CONTACT: {"phone": person.phone},
        DataClass.WORK: {
            "profiles": [
                {
                    "hospital": named(Hospital, p.hospital_id),
                    "department": named(Department, p.department_id),
                    "position": p.position,
                    "title": p.title,
                    "since": p.effective_at,
                    "until": p.ended_at,
                }
                for p in profiles
            ]
        },
        DataClass.SENSITIVE: {"gender": person.gender.value},
        DataClass.USAGE: {
            "account_since": person.created_at,
            "adulthood_stated_at": person.adult_asserted_at,
            "sign_ins": [
                {"at": t.created_at, "device": t.device, "last_used_at": t.last_used_at, "ended_at": t.ended_at}
                for t in queries.tokens(person.id)
            ],
            "privacy_requests": [
                {"number": r.number, "type": r.kind, "received_at": r.received_at, "due_on": r.due_on, "state": r.state}
                for r in requests
            ],
        },
        DataClass.FREE_TEXT: {"privacy_request_texts": [{"number": r.number, "text": r.text} for r in requests]},
    }
