"""Tables of dispatch: engineers with what they may and can (`people`), offers and visits (`offers`), the pool, what
phones have sent (`jobs`), what dealers were shown (`ledger`), proposals for a week (`plans`)."""

from app.dispatch.models.jobs import JobReceipt
from app.dispatch.models.ledger import Disclosure, Field
from app.dispatch.models.offers import (
    LIVE_STATES,
    STATE_LABELS,
    AssigneeKind,
    Dispatch,
    DispatchState,
    Exclusion,
    Visit,
    VisitOutcome,
    Weights,
)
from app.dispatch.models.people import (
    ABSENCE_REASONS,
    HALF_LABELS,
    SKILL_LABELS,
    Absence,
    Engineer,
    EngineerShift,
    EngineerSkill,
    Half,
    Skill,
)
from app.dispatch.models.plans import PlanClaim, PlanInput, PlanRow, WeekPlan
from app.dispatch.models.pool import PoolEntry

__all__ = [
    "ABSENCE_REASONS",
    "HALF_LABELS",
    "LIVE_STATES",
    "SKILL_LABELS",
    "STATE_LABELS",
    "Absence",
    "AssigneeKind",
    "Disclosure",
    "Dispatch",
    "DispatchState",
    "Engineer",
    "EngineerShift",
    "EngineerSkill",
    "Exclusion",
    "Field",
    "Half",
    "JobReceipt",
    "PlanClaim",
    "PlanInput",
    "PlanRow",
    "PoolEntry",
    "Skill",
    "Visit",
    "VisitOutcome",
    "WeekPlan",
    "Weights",
]
