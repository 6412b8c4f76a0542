"""The proof that rows 10 and 12 of the ticket's table ask for: the rule engine's answer for one version of a ticket."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.errors import TransitionRefused
from app.dispatch.eligibility import Plan, Standing, Table, contract_for, judge, load
from app.dispatch.models import AssigneeKind, Dispatch
from app.tickets.facts import EligibilityProof
from app.tickets.models import Ticket

KEPT = 12  # of the admitted, with each offer


class NotEligible(TransitionRefused):
    """A hard rule says no. ``failed`` are all of them, each with what would mend it."""

    code = "not_eligible"
    message = _l("这位人员现在不能承接这张工单。")

    def __init__(self, standing: Standing) -> None:
        words = "；".join(str(one.text) for one in standing.failed)
        super().__init__(_l("%(name)s 不能承接：%(why)s", name=standing.candidate.name, why=words))
        self.standing, self.failed = standing, standing.failed


def everybody(row: Ticket, plan: Plan, now: datetime, mode: str = "") -> Table:
    """The whole table for a ticket in hands."""
    found = load.job_of(row.id)
    return load.table(load.with_mode(found, mode or found.job.mode), plan, now)


def recheck(row: Ticket, found: Dispatch, plan: Plan, now: datetime) -> Standing:
    """Judge the assignee of a dispatch again, for another instant or window. Raises NotEligible."""
    job = replace(load.job_of(row.id).job, mode=found.mode)
    people = load.candidates(job, plan, only=found.assignee_id)
    if not people:
        raise TransitionRefused(_l("没有这位人员。"), code="not_eligible")
    standing = judge(job, replace(people[0], declined=""), plan, now)
    admit(standing)
    return standing


def admit(standing: Standing) -> None:
    """Raise NotEligible unless every rule says yes."""
    if standing.failed:
        raise NotEligible(standing)


def proof(row: Ticket, standing: Standing, plan: Plan, now: datetime) -> EligibilityProof:
    """For this version of the ticket and nothing else."""
    return EligibilityProof(
        ticket_id=row.id, ticket_version=row.version, assignee_id=standing.candidate.id,
        window_from=plan.span.since, window_until=plan.span.until, checked_at=now,
        may_repair=may_repair(standing, plan),
    )  # fmt: skip


def may_repair(standing: Standing, plan: Plan) -> bool:
    """Our engineers do; a dealer where the contract that covers the visit says so."""
    if standing.candidate.kind is AssigneeKind.ENGINEER:
        return True
    covering = contract_for(standing.candidate, plan)
    return covering is not None and covering.may_repair


def ranking(table: Table, chosen: Standing) -> list[dict[str, Any]]:
    """What was on the table, for the report that replays the choice: the first twelve and the chosen one, no names."""
    kept = table.admitted[:KEPT]
    return [
        {
            "id": one.candidate.id.hex, "parts": {part.key: part.points for part in one.parts},
            "shares": {part.key: part.share for part in one.parts},
        }
        for one in (*kept, *(() if chosen in kept else (chosen,)))
    ]  # fmt: skip
