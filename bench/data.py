"""Registrations in bulk: real columns, real ciphertext, a few subject keys shared by all rows (said in the report)."""

from __future__ import annotations

import random
import uuid
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core import clock, keys
from app.core.db import db, new_id
from app.core.keys import cipher, keystore
from app.core.sealed import sealed_attributes
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.customers.models import Customer
from app.hospitals.provinces import PROVINCES
from app.registrations.models import Registration, RegistrationEvent, Submission
from bench import copies

SUBJECTS = 2_000
BATCH = 5_000
OPEN = {"pending": 0.08, "needs_resubmission": 0.04, "on_hold": 0.02, "appealed": 0.01, "awaiting_second": 0.005}
CLOSED = {"approved": 70, "rejected": 10, "withdrawn": 5}
NAME, PHONE = sealed_attributes["registration", "name"], sealed_attributes["customer", "phone"]
FULL = 1_200  # of each open status at least, where the table has room: every capped count reaches its cap at all sizes
HOSPITALS = 2_000
CLAIMED = ("消化内镜中心", "主管护师", "护士")  # department, title, position
MADE = 20_000  # rows made one by one; the rest are copies that the database makes (see `copies`)


def fill(app: Portal, count: int, seed: int = 7) -> None:
    """``count`` registrations with customer, submission and one event each; beyond `MADE` in multiples of it."""
    rng = random.Random(seed)
    with app.app_context():
        with unit_of_work():
            subjects = keys.new_subjects(SUBJECTS)
            ciphers = [AESGCM(secret) for secret in (keystore.load(subjects)[s] for s in subjects)]
        made = min(count, MADE)
        statuses, now = _statuses(rng, made), clock.now()
        for start in range(0, made, BATCH):
            with unit_of_work():
                _batch(rng, statuses[start : start + BATCH], start, now, subjects, ciphers)
        if count > made:
            copies.multiply(count // made)
        copies.settle()


def _statuses(rng: random.Random, count: int) -> list[str]:
    """Open work grows with the table, but is never so little that a count of it ends below its cap."""
    wanted = {status: max(int(share * count), min(FULL, count // 10)) for status, share in OPEN.items()}
    found = [status for status, number in wanted.items() for _ in range(number)]
    found += rng.choices(list(CLOSED), list(CLOSED.values()), k=count - len(found))
    rng.shuffle(found)
    return found


def name(i: int) -> str:
    return f"样例{i % 997:03}"


def hospital(i: int) -> str:
    return f"样例第{i % HOSPITALS:04}医院"


def phone(i: int) -> str:
    return f"+8613800{i % 10_000:06}"


def _batch(
    rng: random.Random, statuses: list[str], start: int, now: datetime, subjects: list[uuid.UUID], ciphers: list[AESGCM]
) -> None:
    customers, cases, sent, events = [], [], [], []
    for i, status in enumerate(statuses, start):
        k, at = i % SUBJECTS, now - timedelta(minutes=rng.randint(10, 500_000))
        if status == "pending":
            at = now - timedelta(minutes=rng.randint(10, 2_000))
        person, case, round_one = new_id(), new_id(), new_id()
        called = name(i)
        customers.append(_customer(i, person, subjects, ciphers[k], now))
        own = {
            "hospital_text": hospital(rng.randrange(HOSPITALS)),
            "department_text": CLAIMED[0],
            "subject_id": subjects[k],
        }
        common = {**own, "round": 1, "evidence_version": 1, "submitted_at": at}
        cases.append({
            **common, "id": case, "number": f"REG-20261101-{i:07}"[:20], "customer_id": person, "status": status,
            "version": 1, "changed_at": at, "due_at": at + timedelta(hours=16), "province": rng.choice(PROVINCES).code,
            "wakes_at": now + timedelta(days=3) if status in ("needs_resubmission", "on_hold") else None,
            "name_sealed": _seal(ciphers[k], called, "registration.name_sealed", case),
            "name_index": NAME.indexes(called)[0],
        })  # fmt: skip
        sent.append({
            **common, "id": round_one, "registration_id": case, "position": CLAIMED[2], "title": CLAIMED[1],
            "is_adult": True,
            "policy_version": "1", "consent_ids": [],
            "name_sealed": _seal(ciphers[k], called, "submission.name_sealed", round_one),
        })  # fmt: skip
        events.append({
            "id": new_id(), "registration_id": case, "subject_id": subjects[k], "version": 1, "round": 1,
            "evidence_version": 1, "action": "submit", "status_to": "pending", "reason_codes": [],
            "reason_versions": {},
            "by_kind": "customer", "by_name": "", "at": at, "effective_at": at,
        })  # fmt: skip
    for model, rows in ((Customer, customers), (Registration, cases), (Submission, sent), (RegistrationEvent, events)):
        db.session.execute(sa.insert(model.__table__), rows)  # type: ignore[arg-type]


def _customer(i: int, person: uuid.UUID, subjects: list[uuid.UUID], secret: AESGCM, now: datetime) -> dict[str, Any]:
    """Subject ids are unique among customers: the first ones have a key and a phone, later ones neither."""
    first = i < SUBJECTS
    return {
        "id": person, "subject_id": subjects[i] if first else uuid.uuid4(), "created_at": now, "last_used_at": now,
        "name_failures": 0, "version": 1,
        "phone_sealed": _seal(secret, phone(i), "customer.phone_sealed", person) if first else None,
        "phone_index": PHONE.indexes(phone(i))[0] if first else None,
        "phone_tail": PHONE.indexes(phone(i))[1],
    }  # fmt: skip


def _seal(secret: AESGCM, value: str, place: str, row_id: uuid.UUID) -> bytes:
    return cipher.encrypt(secret, cipher.OWN_KEY, value.encode(), cipher.place_data(place, row_id))
