"""Dispatch: engineers, one rule engine, offers to engineers and dealers, and the visits that come of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.web import Portal


def install(app: Portal) -> None:
    """Pages, what this room gives to the rooms below, and jobs that announce what time and other floors changed."""
    from app.dispatch import offers, visit_offers
    from app.dispatch.service import follow, lapse, once, plan_work, pool
    from app.dispatch.views import bp, contracts_bp, engineers_bp, people_bp
    from app.dispatch.views.visiting import disclosures_bp, jobs_bp, visits_bp

    for blueprint in (bp, engineers_bp, contracts_bp, people_bp):
        app.register_blueprint(blueprint)
    app.register_blueprint(jobs_bp)
    app.register_blueprint(disclosures_bp)
    app.register_blueprint(visits_bp)
    offers.install()
    visit_offers.install()
    follow.install()
    lapse.install()
    pool.install()
    once.install()
    plan_work.install()
