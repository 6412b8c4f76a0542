"""Asking for a rating: once per round of a ticket, with everything frozen that a report will later be made by."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core import audit, numbers, outbox
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import SYSTEM
from app.customers import service as customers
from app.satisfaction.models import RatedJob, RatedPerson
from app.satisfaction.workflow import rating_workflow
from app.staff.tokens import hash_token, new_token
from app.tickets.models import RepairRecord, SheetRow, Source, Ticket, TicketContact
from app.tickets.workflow import Status

PURPOSE = "satisfaction"
outbox.register_purpose(PURPOSE)


def days() -> timedelta:
    """How long an invitation is good for."""
    return timedelta(days=numbers.get("rating_invitation_days"))


def job_of(row: Ticket, now: datetime) -> RatedJob | None:
    """The invitation of a ticket's present round, locked; made now if the job has not come to it yet."""
    query = sa.select(RatedJob).where(RatedJob.ticket_id == row.id, RatedJob.cycle == row.cycle).with_for_update()
    found = db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if found is not None or row.status != Status.CLOSED or row.source == Source.FORMER_SYSTEM:
        return found
    return invite(row, now)


def invite(row: Ticket, now: datetime) -> RatedJob:
    """Freeze who did what, and ask: the reporter in the mini program, a contact without account by a link."""
    contact = db.session.scalar(sa.select(TicketContact).where(TicketContact.ticket_id == row.id))
    by_link = contact is not None and bool(contact.phone_sealed) and not (contact.is_reporter and row.customer_id)
    assert row.closed_at is not None
    transition = rating_workflow.find(None, "invite_rater")
    people = list(_people(row))
    engineer_id, engineer = _engineer(row)
    job = RatedJob(
        ticket_id=row.id, ticket_number=row.number, cycle=row.cycle, customer_id=row.customer_id,
        subject_id=row.subject_id if row.customer_id or contact is None else contact.subject_id,
        status=transition.target.value, invited_at=now, expires_at=row.closed_at + days(), closed_at=row.closed_at,
        opened_at=row.opened_at, engineer_id=engineer_id, engineer_name=engineer, province=row.province,
        dealer_id=row.assignee_id if row.assignee_kind == "dealer" else None,
        dealer_name=row.assignee_name if row.assignee_kind == "dealer" else "", hospital_id=row.hospital_id,
        product=row.device_model or "", job_kind=row.service_mode, warranty=row.warranty_basis,
    )  # fmt: skip
    job.wakes_at = job.expires_at
    db.session.add(job)
    db.session.flush()
    db.session.add_all(RatedPerson(job_id=job.id, staff_id=who, part=part) for who, part in people)
    if transition.message is not None and row.customer_id is not None:
        job.message_key = _tell(job, transition.message)
    if by_link and contact is not None:
        job.link_key = send_link(job, contact.subject_id, contact.phone)
    audit.record(transition.audit_event, SYSTEM, RatedJob.__tablename__, job.id)
    db.session.flush()
    return job


def send_link(job: RatedJob, subject_id: uuid.UUID, phone: str | None) -> str | None:
    """The contact's own link by SMS; the database keeps its hash alone."""
    if not phone:
        return None
    token, key = new_token(), f"rating:{job.id.hex}:link"
    job.token_hash = hash_token(token)
    params = {"number": job.ticket_number, "link": link_of(token)}
    to = outbox.Recipient({"sms": phone}, subject_id=subject_id)
    outbox.send("rating_link", to=to, params=params, purpose=PURPOSE, dedupe_key=key)
    return key


def link_of(token: str) -> str:
    """What goes into a message: the public address and the page of the token."""
    return f"{numbers.text('public_address').rstrip('/')}/r/{token}"


def _tell(job: RatedJob, template: str) -> str | None:
    assert job.customer_id is not None
    try:
        to = customers.recipient(job.customer_id)
    except NotFound:  # the account was closed meanwhile
        return None
    key = f"rating:{job.id.hex}"
    until = job.expires_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    params = {"number": job.ticket_number, "at": until}
    outbox.send(template, to=to, params=params, purpose=PURPOSE, dedupe_key=key)
    return key


def _engineer(row: Ticket) -> tuple[uuid.UUID | None, str]:
    """Who did the latest work: the depot's repairer for a depot job, else the engineer who was sent."""
    if row.assignee_kind == "engineer" and row.field_job:
        return row.assignee_id, row.assignee_name
    r = RepairRecord
    query = sa.select(r.repairer_id, r.repairer_name).where(r.ticket_id == row.id, r.cycle == row.cycle)
    found = db.session.execute(query.order_by(r.at.desc()).limit(1)).first()
    if found is not None and found.repairer_id is not None:
        return found.repairer_id, found.repairer_name
    return (row.assignee_id, row.assignee_name) if row.assignee_kind == "engineer" else (None, "")


def _people(row: Ticket) -> Iterator[tuple[uuid.UUID, str]]:
    """Everybody of ours who had a part in this round."""
    found: dict[tuple[uuid.UUID, str], None] = {}
    if row.triager_id is not None:
        found[row.triager_id, "triager"] = None
    if row.assignee_kind == "engineer" and row.assignee_id is not None:
        found[row.assignee_id, "engineer"] = None
    r, s = RepairRecord, SheetRow
    done = sa.select(r.repairer_id, r.in_depot).where(r.ticket_id == row.id, r.cycle == row.cycle)
    for who, in_depot in db.session.execute(done):
        if who is not None:
            found[who, "depot" if in_depot else "engineer"] = None
    released = sa.select(s.by_id).where(s.ticket_id == row.id, s.cycle == row.cycle, s.release.is_(True))
    for (who,) in db.session.execute(released):
        if who is not None:
            found[who, "quality"] = None
    return iter(found)
