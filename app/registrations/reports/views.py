"""`/registrations/report`: questions about a period, each with chart, table and file."""

from __future__ import annotations

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.errors import NotFound
from app.core.policy import Actor, Permission, current_actor, permit
from app.hospitals import narrowing
from app.hospitals.narrowing import Narrowed
from app.registrations.reports import charts
from app.registrations.reports.figures import Span
from app.registrations.views import bp
from app.ui.chart_files import chart_file

READ = Permission.REGISTRATIONS_READ


def read_span(actor: Actor, permission: Permission = READ) -> tuple[Narrowed, Span]:
    """Period and province of the address."""
    found = narrowing.read(actor, permission, request.args)
    return found, Span(*found.instants, province=found.province, permission=permission)


@bp.get("/report")
@permit(READ)
def report() -> ResponseReturnValue:
    actor = current_actor()
    found, span = read_span(actor)
    shown = [] if found.refusal else [charts.draw(key, actor, found.period, span) for key in charts.ALL]
    html = render_template(
        "registrations/report/index.html",
        shown=shown,
        file_url=lambda chart, kind: url_for(".report_file", chart=chart.key, format=kind, **found.address),
        **found.context,
    )
    return make_response(html, 422 if found.refusal else 200)


@bp.get("/report/export")
@permit(READ, evidence=True)
def report_file() -> ResponseReturnValue:
    """The table of one chart as CSV or XLSX: the same figures, no personal data in them."""
    actor, key, kind = current_actor(), request.args.get("chart", ""), request.args.get("format", "xlsx")
    if key not in charts.ALL:
        raise NotFound()
    found, span = read_span(actor)
    if found.refusal is not None:
        raise found.refusal
    return chart_file("registrations", charts.draw(key, actor, found.period, span), found.period, kind)
