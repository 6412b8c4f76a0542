"""Writing down what a dealer was shown: in the transaction that shows it, before the first byte of the page."""

from __future__ import annotations

from collections.abc import Sequence

from app.core import audit, clock
from app.core.db import db
from app.core.policy import Actor
from app.dispatch.models import Disclosure, Field
from app.dispatch.queries.card import Basis
from app.dispatch.queries.jobs import Job

REASON = "visit"


def disclose(actor: Actor, job: Job, shown: Sequence[Field], basis: Basis | None) -> None:
    """One row per field for a dealer; for everybody an event of the audit log that the contact was opened."""
    row, now = job.row, clock.now()
    if basis is not None:
        db.session.add_all(
            Disclosure(
                at=now, ticket_id=row.id, dispatch_id=job.found.id, province=row.province, dealer_id=basis.dealer_id,
                dealer_name=basis.dealer_name, staff_id=actor.id, staff_name=actor.name, field=field.value,
                purpose=job.found.mode, basis=basis.role, contract_id=basis.contract_id,
                contract_number=basis.contract_number, contract_version=basis.contract_version,
            )
            for field in shown
        )  # fmt: skip
    audit.record("ticket.contact_opened", actor, "ticket", row.id, reason_code=REASON, fields=[f.value for f in shown])
    db.session.flush()
