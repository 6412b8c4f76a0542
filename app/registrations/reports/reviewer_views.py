"""`/registrations/reviewers`: for leads everybody by name, for each reviewer his own page."""

from __future__ import annotations

import uuid
from dataclasses import replace

from flask import make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.policy import Permission, current_actor, permit
from app.registrations.readings import charts as agreement
from app.registrations.readings import queries as readings
from app.registrations.reports import figures, reviewers
from app.registrations.reports.charts import curve_chart
from app.registrations.reports.views import read_span
from app.registrations.views import bp

DECIDE, LEAD = Permission.REGISTRATIONS_DECIDE, Permission.REGISTRATIONS_LEAD


@bp.get("/reviewers", endpoint="reviewers")
@permit(DECIDE)
def reviewer_list() -> ResponseReturnValue:
    """For leads; everybody else goes to his own page."""
    actor = current_actor()
    if not actor.may(LEAD):
        return redirect(url_for(".reviewer", reviewer_id=actor.id))
    found, span = read_span(actor, LEAD)
    people, chart = ([], None) if found.refusal else reviewers.overview(actor, span)
    html = render_template("registrations/report/reviewers.html", people=people, chart=chart, **found.context)
    return make_response(html, 422 if found.refusal else 200)


@bp.get("/reviewers/<uuid:reviewer_id>")
@permit(DECIDE)
def reviewer(reviewer_id: uuid.UUID) -> ResponseReturnValue:
    """One reviewer: counts, time with open cases counted, shares within each place, agreement."""
    actor = current_actor()
    one = reviewers.person(actor, reviewer_id)
    permission = LEAD if actor.may(LEAD) else DECIDE
    narrowed, span = read_span(actor, permission)
    span, context = replace(span, reviewer=reviewer_id), narrowed.context
    if narrowed.refusal is None:
        ended, still_open = figures.waits_by_reviewer(actor, span).get(reviewer_id, ({}, {}))
        found = readings.matrix(actor, span.since, span.until, reviewer_id, permission)
        context |= {
            "totals": reviewers.totals(actor, span),
            "charts": [
                curve_chart("time", _("从收到到决定要多久？"), ended, still_open),
                reviewers.by_province(actor, span, reviewers.APPROVE),
                reviewers.by_province(actor, span, reviewers.AGAIN),
                reviewers.by_hospital(actor, span, reviewers.AGAIN),
            ],
            "shown": agreement.agreement(found),
        }
    html = render_template("registrations/report/reviewer.html", one=one, lead=actor.may(LEAD), **context)
    return make_response(html, 422 if narrowed.refusal else 200)
