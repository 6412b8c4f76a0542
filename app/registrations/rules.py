"""When a second person must look (reference/review.md 2, no. 13): on rules, not on everything.

Each rule here turns the first reviewer's decision into a proposal; nothing else does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from flask_babel import lazy_gettext as _l

from app.core import clock
from app.registrations.checks import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.registrations.models import ReviewReason
    from app.registrations.service.facts import Entered

Proposal = Literal["approve", "reject", "reopen"]
IDENTITY = ("name", "hospital")  # who it is and where: an approval that rests on neither is an exception


@dataclass(frozen=True, slots=True)
class Rule:
    """``applies(proposal, entered, reasons)`` says whether this decision needs a second person.

    An approval of a case that was reopened is the proposal "reopen", whatever happened in between.
    """

    code: str
    words: Any
    applies: Callable[[Proposal, Entered, Sequence[ReviewReason]], bool]


def _forgery(proposal: Proposal, _entered: Entered, reasons: Sequence[ReviewReason]) -> bool:
    return proposal == "reject" and any(reason.second_person for reason in reasons)


def _reversal(proposal: Proposal, _entered: Entered, _reasons: Sequence[ReviewReason]) -> bool:
    return proposal == "reopen"


def _expired(proposal: Proposal, entered: Entered, _reasons: Sequence[ReviewReason]) -> bool:
    day = entered.badge_valid_until
    return proposal != "reject" and day is not None and day < clock.today()


def _unseen(proposal: Proposal, entered: Entered, _reasons: Sequence[ReviewReason]) -> bool:
    return proposal != "reject" and any(entered.checks.get(name) == Verdict.CLAIMED_ONLY for name in IDENTITY)


RULES: tuple[Rule, ...] = (
    Rule("suspected_forgery", _l("疑似伪造或冒用"), _forgery),
    Rule("reversal_of_final", _l("推翻已生效的不予通过"), _reversal),
    Rule("badge_expired", _l("例外：证件已过有效期"), _expired),
    Rule("identity_unseen", _l("例外：姓名或医院未经核实"), _unseen),
)
WORDS: dict[str, Any] = {rule.code: rule.words for rule in RULES}


def asking(proposal: Proposal, entered: Entered, reasons: Sequence[ReviewReason]) -> tuple[str, ...]:
    """Codes of the rules that ask for a second person; empty when one is enough."""
    return tuple(rule.code for rule in RULES if rule.applies(proposal, entered, reasons))
