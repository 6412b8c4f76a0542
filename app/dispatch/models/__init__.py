"""Tables of dispatch: engineers with what they may and can (`people`), offers visits (`offers`), the pool."""

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
from app.dispatch.models.pool import PoolEntry

__all__ = [
    "ABSENCE_REASONS",
    "HALF_LABELS",
    "LIVE_STATES",
    "SKILL_LABELS",
    "STATE_LABELS",
    "Absence",
    "AssigneeKind",
    "Dispatch",
    "DispatchState",
    "Engineer",
    "EngineerShift",
    "EngineerSkill",
    "Exclusion",
    "Half",
    "PoolEntry",
    "Skill",
    "Visit",
    "VisitOutcome",
    "Weights",
]
