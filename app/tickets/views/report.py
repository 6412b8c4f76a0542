"""`/tickets/report`: questions about a period, each with chart, table and file; figures only."""

from __future__ import annotations

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.errors import NotFound
from app.core.policy import Actor, Permission, current_actor, permit
from app.hospitals import narrowing
from app.hospitals.narrowing import Narrowed
from app.hospitals.span import Span
from app.tickets.reports import charts, sums
from app.tickets.views import bp
from app.ui.chart_files import chart_file

REPORT = Permission.TICKETS_REPORT


def _read(actor: Actor) -> tuple[Narrowed, Span]:
    found = narrowing.read(actor, REPORT, request.args)
    return found, Span(*found.instants, province=found.province)


@bp.get("/report")
@permit(REPORT)
def report() -> ResponseReturnValue:
    actor = current_actor()
    found, span = _read(actor)
    days = None if found.refusal else sums.days(span)
    shown = [charts.draw(key, actor, found.period, days) for key in charts.ALL] if days is not None else []
    html = render_template(
        "tickets/report.html",
        shown=shown,
        file_url=lambda chart, kind: url_for(".report_file", chart=chart.key, format=kind, **found.address),
        may_read=actor.may(Permission.TICKETS_READ),
        **found.context,
    )
    return make_response(html, 422 if found.refusal else 200)


@bp.get("/report/export")
@permit(REPORT, evidence=True)
def report_file() -> ResponseReturnValue:
    """The table of one chart as CSV or XLSX."""
    actor, key = current_actor(), request.args.get("chart", "")
    if key not in charts.ALL:
        raise NotFound()
    found, span = _read(actor)
    if found.refusal is not None:
        raise found.refusal
    shown = charts.draw(key, actor, found.period, sums.days(span))
    return chart_file("tickets", shown, found.period, request.args.get("format", "xlsx"))
