"""The states of a safety case, as data. Nothing is sent to the customer: a case is confidential."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.errors import Invalid, TransitionRefused
from app.core.policy import Actor, Permission
from app.core.workflow import Guard, Transition, Workflow
from app.safety.kinds import Kind, worse
from app.safety.words import FITTING, REASONS_NO, REASONS_YES


class Status(StrEnum):
    """As stored."""

    OPEN = "open"  # whether it must be reported is not decided
    REPORTABLE = "reportable"  # decided, not yet handed over
    NOT_REPORTABLE = "not_reportable"
    HANDED_OVER = "handed_over"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the guards look at."""

    text: str = ""
    kind: Kind = Kind.UNJUDGED  # the new one
    reason: str = ""
    outcome: str = ""
    running: frozenset[str] = frozenset()  # steps whose clocks run
    step: str = ""
    held: bool = False
    owned: bool = False  # by the actor already


def _needs(field: str, message: Any, code: str) -> Invalid:
    return Invalid(message, code=code, fields={field: [message]})


def _text(_row: Any, _actor: Actor, facts: Facts) -> None:
    if not facts.text.strip():
        raise _needs("text", _l("请写明依据。"), "text_required")


def _worse(row: Any, actor: Actor, facts: Facts) -> None:
    if not worse(facts.kind, Kind(row.kind)):
        message = _l("只能改判得更重；认为判重了，请在决定里写明。")
        raise _needs("kind", message, "kind_not_worse")
    _text(row, actor, facts)


def _report(row: Any, actor: Actor, facts: Facts) -> None:
    if row.kind == Kind.UNJUDGED:
        raise TransitionRefused(_l("请先判定伤害类别。"), code="kind_required")
    if facts.reason not in REASONS_YES:
        raise _needs("reason", _l("请选择原因。"), "reason_required")
    _text(row, actor, facts)


def _no_report(row: Any, actor: Actor, facts: Facts) -> None:
    """ISO 13485 8.2.2: that nothing is reported has a reason and a name."""
    if facts.reason not in REASONS_NO:
        raise _needs("reason", _l("请选择原因。"), "reason_required")
    _text(row, actor, facts)


def _asked_for(_row: Any, _actor: Actor, facts: Facts) -> None:
    """A first report or a single case is handed over once, while its clock runs."""
    if facts.step not in facts.running:
        raise TransitionRefused(_l("这一步没有在等移交，可能已经由同事记录。"), code="step_not_running")


def _ends(row: Any, actor: Actor, facts: Facts) -> None:
    if facts.running:
        raise TransitionRefused(_l("还有时限在走，移交之后才能结案。"), code="clock_running")
    if facts.outcome not in FITTING.get(row.status, ()):
        raise _needs("outcome", _l("请选择与决定相符的结论。"), "outcome_required")
    _text(row, actor, facts)


def _lifts(_row: Any, _actor: Actor, facts: Facts) -> None:
    if not facts.held:
        raise TransitionRefused(_l("工单没有被暂缓。"), code="not_held")


def _holds(_row: Any, _actor: Actor, facts: Facts) -> None:
    if facts.held:
        raise TransitionRefused(_l("工单已经被暂缓。"), code="held_already")


def _another(_row: Any, _actor: Actor, facts: Facts) -> None:
    if facts.owned:
        raise TransitionRefused(_l("这个个案已由您负责。"), code="owned_already")


S, SAFETY = Status, Permission.SAFETY_WORK
AFTER_JUDGING = {
    S.OPEN: S.OPEN, S.REPORTABLE: S.REPORTABLE, S.NOT_REPORTABLE: S.OPEN, S.HANDED_OVER: S.REPORTABLE, S.CLOSED: S.OPEN,
}  # fmt: skip
LIVE = (S.OPEN, S.REPORTABLE, S.NOT_REPORTABLE, S.HANDED_OVER)
DECIDED = (S.REPORTABLE, S.NOT_REPORTABLE, S.HANDED_OVER)


def _row(source: Status | None, action: str, target: Status, event: str, guard: Guard | None = None) -> Transition:
    return Transition(source, action, target, SAFETY, f"safety_case.{event}", None, guard)


TRANSITIONS: tuple[Transition, ...] = (
    Transition(None, "open_case", S.OPEN, "system", "safety_case.opened", None),
    _row(None, "file_case", S.OPEN, "filed"),
    *(_row(source, "judge_kind", target, "judged", _worse) for source, target in AFTER_JUDGING.items()),
    *(_row(source, "add_knowledge", source, "extended", _text) for source in LIVE),
    *(_row(source, "take_case", source, "taken", _another) for source in LIVE),
    *(_row(source, "decide_report", S.REPORTABLE, "decided", _report) for source in (S.OPEN, S.NOT_REPORTABLE)),
    *(_row(source, "decide_no_report", S.NOT_REPORTABLE, "decided", _no_report) for source in (S.OPEN, S.REPORTABLE)),
    *(_row(source, "hand_over_step", source, "handed_over", _asked_for)
      for source in (S.OPEN, S.REPORTABLE, S.HANDED_OVER)),
    _row(S.REPORTABLE, "hand_over_report", S.HANDED_OVER, "handed_over"),
    *(_row(source, "hold_ticket", source, "ticket_held", _holds) for source in LIVE),
    *(_row(source, "lift_hold", source, "hold_lifted", _lifts) for source in DECIDED),
    *(_row(source, "close_case", S.CLOSED, "closed", _ends) for source in (S.NOT_REPORTABLE, S.HANDED_OVER)),
    _row(S.CLOSED, "reopen_case", S.OPEN, "reopened", _text),
)  # fmt: skip

workflow = Workflow("safety_case", Status, TRANSITIONS)
