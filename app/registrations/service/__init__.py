"""The only writer of registrations. Verbs take the actor first, then plain values; they flush, the frame commits.

Applicant: `submit` `resubmit` `withdraw` `appeal`. Reviewer: `claim_next` `claim` `claim_ahead` `onward` `renew_lease`
`hand_back` `skip` `pass_on` `recuse` `release_ahead` `check_fields` `approve` `ask_again` `reject` `hold`
`release_hold` `ask_second` `decide_second` `return_second` `decide_appeal` `undo` `merge`. Lead: `assign`
`release_for_lead` `release_claim` `remind` `reopen` `suspend` `reinstate` `revoke` `set_limit` `set_absence`
`cancel_absence`. Jobs: `settle_due`. The catalogue of reasons has verbs of its own in `service.catalogue`.
"""

from __future__ import annotations

from app.registrations.checks import FIELDS, Verdict
from app.registrations.service.after import find, merge, reinstate, reopen, revoke, same_phone, suspend, undo
from app.registrations.service.decide import (
    approve,
    ask_again,
    ask_second,
    check_fields,
    hold,
    reject,
    release_hold,
)
from app.registrations.service.facts import Claim, Decided, Entered, Seen
from app.registrations.service.jobs import settle_due
from app.registrations.service.lease import (
    claim,
    claim_ahead,
    claim_next,
    draft_of,
    hand_back,
    keep_draft,
    onward,
    open_cases,
    release_ahead,
    release_all_of,
    release_claim,
    release_for_lead,
    renew_lease,
    set_aside,
    skip,
)
from app.registrations.service.pass_on import assign, pass_on, recuse
from app.registrations.service.remind import remind
from app.registrations.service.second import decide_appeal, decide_second, return_second
from app.registrations.service.submit import appeal, resubmit, submit, withdraw
from app.registrations.service.team import cancel_absence, limit_of, set_absence, set_limit

__all__ = [
    "FIELDS", "Claim", "Decided", "Entered", "Seen", "Verdict", "appeal", "approve", "ask_again", "ask_second",
    "assign", "cancel_absence", "check_fields", "claim", "claim_ahead", "claim_next", "decide_appeal",
    "decide_second", "draft_of", "find", "hand_back", "hold", "keep_draft", "limit_of", "merge", "onward",
    "open_cases", "pass_on", "recuse", "reinstate", "reject", "release_ahead", "release_all_of", "release_claim",
    "release_for_lead", "release_hold", "remind", "renew_lease", "reopen", "resubmit", "return_second", "revoke",
    "same_phone", "set_absence", "set_aside", "set_limit", "settle_due", "skip", "submit", "suspend", "undo",
    "withdraw",
]  # fmt: skip
