"""The floors' part of the personal export that no feature below adds itself: consents, badge photos, messages."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from app.consents import queries as consents
from app.core import audit
from app.core.columns import DataClass
from app.core.db import db
from app.core.errors import Gone
from app.core.files import vault
from app.core.outbox import Message
from app.core.policy import current_actor
from app.customers.models import Customer
from app.registrations.models import Registration, SubmissionImage


def above(person: Customer) -> Mapping[DataClass, Mapping[str, Any]]:
    """Consents and messages; the photos whole, until they are erased."""
    return {
        DataClass.USAGE: {
            "consents": [
                {"purpose": e.purpose, "policy_version": e.policy_version, "given": e.given, "at": e.at}
                for e in consents.history(person.subject_id)
            ],
            "messages": [
                {"kind": m.template, "channel": m.channel, "at": m.created_at, "state": m.state}
                for m in db.session.scalars(
                    sa.select(Message).where(Message.subject_id == person.subject_id).order_by(Message.created_at)
                )
            ],
        },
        DataClass.SENSITIVE: {"badges": [_badge(image, number) for image, number in _images(person)]},
    }


def _images(person: Customer) -> list[tuple[SubmissionImage, str]]:
    query = (
        sa.select(SubmissionImage, Registration.number)
        .join(Registration, Registration.id == SubmissionImage.registration_id)
        .where(Registration.customer_id == person.id)
        .order_by(SubmissionImage.id)
    )
    return list(db.session.execute(query).tuples())


def _badge(image: SubmissionImage, number: str) -> dict[str, Any]:
    """Opening an image is an event, also when the person opens it (architecture.md, mechanism 7)."""
    found = {"id": str(image.id), "registration": number, "media_type": image.main.media_type}
    try:
        data = vault.open_sealed(image.main)
    except Gone:
        return {**found, "erased": True, "base64": None}
    audit.record("badge.opened", current_actor(), "submission_image", image.id)
    return {**found, "erased": False, "base64": base64.b64encode(data).decode()}
