"""The only writer of grants. Verbs take the actor first, then plain values; they flush, the frame commits.

Person: `request`. Staff: `propose` `approve` `refuse` `reconfirm` `revoke` `recuse`. Review: `open_campaign` `decide`.
Lead: `save_policy`. Reads leave evidence by `note_use`. Jobs: `settle_due`.
"""

from __future__ import annotations

from app.grants.service.decide import approve, reconfirm, refuse, revoke
from app.grants.service.facts import NodeWish, Terms
from app.grants.service.jobs import settle_due
from app.grants.service.policy import save_policy
from app.grants.service.propose import propose, request
from app.grants.service.relation import recuse
from app.grants.service.review import decide, open_campaign
from app.grants.service.use import note_use

__all__ = [
    "NodeWish", "Terms", "approve", "decide", "note_use", "open_campaign", "propose", "reconfirm", "recuse", "refuse",
    "request", "revoke", "save_policy", "settle_due",
]  # fmt: skip
