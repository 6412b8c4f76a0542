"""Tables of dispatch: engineers with what they may and can (`people`), offers and visits (`offers`)."""

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
    "Skill",
    "Visit",
    "VisitOutcome",
    "Weights",
]
