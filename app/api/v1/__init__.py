"""Version 1: bearer tokens, strict models, problem details, idempotency keys (product.md, "The mini-program API")."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from app.core import jobs, unit_of_work

if TYPE_CHECKING:
    from app.core.web import Portal

CLEANUP_EVERY = timedelta(hours=1)


def install(app: Portal) -> None:
    from app.api.v1 import (
        auth,
        export,
        grants,
        hospitals,
        idempotency,
        me,
        openapi,
        policy,
        quotes,
        ratings,
        registrations,
        reports,
        sessions,
        talk,
        tickets,
    )
    from app.api.v1.blueprint import bp
    from app.api.v1.uploads import ApiRequest
    from app.customers.export import personal_data

    assert all(
        (auth, grants, hospitals, me, policy, quotes, ratings, registrations, reports, sessions, talk, tickets)
    )  # imported for their routes and hooks
    openapi.install(app)
    app.request_class = ApiRequest
    app.register_blueprint(bp)
    app.extensions["csrf"].exempt(bp)  # bearer tokens are no cookies: no other site can send them
    unit_of_work.declare_evidence(idempotency.IdempotencyKey.__tablename__)
    personal_data.add("api", export.above)

    @jobs.handler("api.forget_answers")
    def _forget(_payload: dict[str, Any]) -> None:
        idempotency.forget()

    jobs.every("api.forget_answers", CLEANUP_EVERY)
