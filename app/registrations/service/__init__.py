"""The only writer of registrations. Verbs take the actor first, then plain values; they flush, the frame commits.

Applicant: `submit` `resubmit` `withdraw` `appeal`. Reviewer: `claim_next` `claim` `renew_lease` `hand_back`
`check_fields` `approve` `ask_again` `reject` `hold` `release_hold` `ask_second` `decide_second` `return_second`
`decide_appeal` `undo` `merge`. Lead: `release_for_lead` `release_claim` `remind` `suspend`
`reinstate` `revoke`. Jobs: `settle_due`.
"""

from __future__ import annotations

from app.registrations.checks import FIELDS, Verdict
from app.registrations.service.after import find, merge, reinstate, revoke, suspend, undo
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
    claim_next,
    draft_of,
    hand_back,
    open_cases,
    release_all_of,
    release_claim,
    release_for_lead,
    renew_lease,
)
from app.registrations.service.remind import remind
from app.registrations.service.second import decide_appeal, decide_second, return_second
from app.registrations.service.submit import appeal, resubmit, submit, withdraw

__all__ = [
    "FIELDS", "Claim", "Decided", "Entered", "Seen", "Verdict", "appeal", "approve", "ask_again", "ask_second",
    "check_fields", "claim", "claim_next", "decide_appeal", "decide_second", "draft_of", "find", "hand_back",
    "hold", "merge", "open_cases", "reinstate", "reject", "release_all_of", "release_claim", "release_for_lead",
    "release_hold", "remind", "renew_lease", "resubmit", "return_second", "revoke", "settle_due", "submit",
    "suspend", "undo", "withdraw",
]  # fmt: skip
