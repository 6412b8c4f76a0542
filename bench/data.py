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
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.customers.models import Customer
from app.hospitals.provinces import PROVINCES
from app.registrations.models import Registration, RegistrationEvent, Submission

SUBJECTS = 2_000
BATCH = 5_000
SHARES = {
    "approved": 70,
    "rejected": 10,
    "pending": 8,
    "withdrawn": 5,
    "needs_resubmission": 4,
    "on_hold": 2,
    "appealed": 1,
}
HOSPITALS = ("东海示范人民医院", "北山样例医院", "南湖示范中医院")


def fill(app: Portal, count: int, seed: int = 7) -> None:
    """``count`` registrations with customer, submission and one event each."""
    rng = random.Random(seed)
    with app.app_context():
        with unit_of_work():
            subjects = keys.new_subjects(SUBJECTS)
            ciphers = [AESGCM(secret) for secret in (keystore.load(subjects)[s] for s in subjects)]
        statuses = rng.choices(list(SHARES), list(SHARES.values()), k=count)
        now = clock.now()
        for start in range(0, count, BATCH):
            with unit_of_work():
                _batch(rng, statuses[start : start + BATCH], start, now, subjects, ciphers)
        with db.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")


def _batch(
    rng: random.Random, statuses: list[str], start: int, now: datetime, subjects: list[uuid.UUID], ciphers: list[AESGCM]
) -> None:
    customers, cases, sent, events = [], [], [], []
    for i, status in enumerate(statuses, start):
        k, at = i % SUBJECTS, now - timedelta(minutes=rng.randint(10, 500_000))
        if status == "pending":
            at = now - timedelta(minutes=rng.randint(10, 2_000))
        person, case, round_one = new_id(), new_id(), new_id()
        name = f"样例{i % 997:03}"
        customers.append(_customer(i, person, subjects, ciphers[k], now))
        own = {"hospital_text": rng.choice(HOSPITALS), "department_text": "消化内镜中心", "subject_id": subjects[k]}
        common = {**own, "round": 1, "evidence_version": 1, "submitted_at": at}
        cases.append({
            **common, "id": case, "number": f"REG-20261101-{i:07}"[:20], "customer_id": person, "status": status,
            "version": 1, "changed_at": at, "due_at": at + timedelta(hours=16), "province": rng.choice(PROVINCES).code,
            "wakes_at": now + timedelta(days=3) if status in ("needs_resubmission", "on_hold") else None,
            "name_sealed": _seal(ciphers[k], name, "registration.name_sealed", case),
        })  # fmt: skip
        sent.append({
            **common, "id": round_one, "registration_id": case, "position": "护士", "title": "主管护师",
            "is_adult": True,
            "policy_version": "1", "consent_ids": [],
            "name_sealed": _seal(ciphers[k], name, "submission.name_sealed", round_one),
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
        "phone_sealed": _seal(secret, f"+861380000{i:04}", "customer.phone_sealed", person) if first else None,
    }  # fmt: skip


def _seal(secret: AESGCM, value: str, place: str, row_id: uuid.UUID) -> bytes:
    return cipher.encrypt(secret, cipher.OWN_KEY, value.encode(), cipher.place_data(place, row_id))
