"""Bearer tokens: opaque, stored as hashes, read once per request into ``g.actor``."""

from __future__ import annotations

import re
from datetime import timedelta

from flask import g, request

from app.api.v1.blueprint import bp
from app.core import clock, numbers
from app.core.policy import Actor
from app.core.unit_of_work import evidence
from app.customers import queries, service
from app.customers.service.sign_in import token_hash

BEARER = re.compile(r"[Bb]earer ([A-Za-z0-9_-]{43})")
TOUCH_EVERY = timedelta(hours=1)


@bp.before_request
def load_customer() -> None:
    """Who calls; a missing, ended or malformed token leaves the caller anonymous, and the policy mark answers 401."""
    match = BEARER.fullmatch(request.headers.get("Authorization", ""))
    found = queries.live_token(token_hash(match[1])) if match else None
    if found is None:
        return
    g.actor = Actor("customer", found.customer_id, session_id=found.id)
    now = clock.now()
    if now - found.last_used_at >= TOUCH_EVERY:
        idle = timedelta(days=numbers.get("customer_token_idle_days"))
        with evidence() as session:
            service.touch_token(session, found, now, idle)
