"""What the demo's customers did beside registering: agreed, signed in, said how they are addressed; a few stopped."""

from __future__ import annotations

import random
import secrets
import uuid
from collections.abc import Iterator
from datetime import timedelta

import sqlalchemy as sa

from app.consents import queries as consents
from app.consents.models import ConsentEntry, PolicyVersion, Purpose
from app.core import clock, keys
from app.core.db import db
from app.core.policy import SYSTEM
from app.core.unit_of_work import unit_of_work
from app.customers import service
from app.customers.models import Customer, CustomerToken, Gender
from app.customers.reasons import FreezeReason

DEVICES = ("WeChat · iPhone", "WeChat · Android", "WeChat · Android", "WeChat · iPad")
BATCH = 250
STRANGERS = 3  # signed in once, never registered


def load(rng: random.Random) -> None:
    """For everybody who registered; some without a registration, one account frozen, one closed and erased."""
    with unit_of_work():
        for i in range(STRANGERS):
            at = clock.now() - timedelta(days=i + 1, hours=3)
            db.session.add(
                Customer(subject_id=keys.new_subject(), phone=f"1380009{i:04}", created_at=at, last_used_at=at)
            )
    with unit_of_work(write=False):
        ids = list(db.session.scalars(sa.select(Customer.id).order_by(Customer.id)))
    for batch in _batches(ids):
        with unit_of_work():
            policy = consents.current_version()
            for person in db.session.scalars(sa.select(Customer).where(Customer.id.in_(batch)).order_by(Customer.id)):
                _live(rng, person, policy)
    frozen, closed = ids[len(ids) // 10], ids[len(ids) // 8]  # of those who were approved
    with unit_of_work():
        service.freeze_account(SYSTEM, frozen, FreezeReason.SUSPICIOUS)
        gone = db.session.get_one(Customer, closed)
        gone.closed_at, subject = clock.now() - timedelta(days=1), gone.subject_id
    keys.keystore.destroy([subject])


def _batches(ids: list[uuid.UUID]) -> Iterator[list[uuid.UUID]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def _live(rng: random.Random, person: Customer, policy: PolicyVersion) -> None:
    person.gender = rng.choice((Gender.FEMALE, Gender.FEMALE, Gender.MALE, Gender.UNDISCLOSED))
    for purpose in (Purpose.SERVICE, *([Purpose.BADGE] if person.name_sealed is not None else [])):
        db.session.add(  # as rows: the demo's days lie before the day on which this database got its policy
            ConsentEntry(
                subject_id=person.subject_id, purpose=purpose.value, seq=1, policy_version=policy.no, given=True,
                channel="mini_program", wording_hash=policy.text_hash, at=person.created_at, evidence={},
            )
        )  # fmt: skip
    for _n in range(rng.choice((0, 1, 1, 1, 2))):
        used = max(person.last_used_at, clock.now() - timedelta(hours=rng.randint(1, 60)))
        end = used + timedelta(days=30)
        db.session.add(
            CustomerToken(
                token_hash=secrets.token_bytes(32), customer_id=person.id, created_at=person.created_at,
                last_used_at=used, expires_at=end, absolute_at=end, device=rng.choice(DEVICES),
            )
        )  # fmt: skip
        person.last_used_at = max(person.last_used_at, used)
