"""`/satisfaction/report`: questions about a period, each with chart, table and file; and how to read it."""

from __future__ import annotations

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core import clock
from app.core.errors import NotFound
from app.core.policy import Actor, Permission, current_actor, permit
from app.hospitals import narrowing
from app.hospitals.narrowing import Narrowed
from app.hospitals.span import Span
from app.satisfaction.models.sums import K
from app.satisfaction.reports import charts, figures
from app.satisfaction.standing import FEWEST
from app.satisfaction.views import bp
from app.ui.chart_files import chart_file
from app.ui.charts import Chart

REPORT = Permission.SATISFACTION_REPORT
MONTHS_BACK = 11  # with the running month: a year of months


def _span(actor: Actor) -> tuple[Narrowed, Span]:
    """Period and province of the address; without a period the last twelve months, for ratings are few."""
    today = clock.today()
    begin = (today.year * 12 + today.month - 1) - MONTHS_BACK
    usual = {"from": f"{begin // 12:04d}-{begin % 12 + 1:02d}-01"} if not request.args.get("to") else {}
    found = narrowing.read(actor, REPORT, {**usual, **{k: v for k, v in request.args.items() if v}})
    return found, Span(*found.instants, province=found.province)


def _draw(actor: Actor, span: Span) -> list[Chart]:
    counted = figures.read(actor, span)
    return [draw(counted) for draw in charts.ALL.values()]


@bp.get("/report")
@permit(REPORT)
def report() -> ResponseReturnValue:
    actor = current_actor()
    found, span = _span(actor)
    shown = [] if found.refusal else _draw(actor, span)
    html = render_template(
        "satisfaction/report.html", shown=shown, **found.context,
        file_url=lambda chart, kind: url_for(".report_file", chart=chart.key, format=kind, **found.address),
    )  # fmt: skip
    return make_response(html, 422 if found.refusal else 200)


@bp.get("/report/export")
@permit(REPORT, evidence=True)
def report_file() -> ResponseReturnValue:
    """The table of one chart as CSV or XLSX: the same figures, nothing below five raters."""
    actor, key, kind = current_actor(), request.args.get("chart", ""), request.args.get("format", "xlsx")
    if key not in charts.ALL:
        raise NotFound()
    found, span = _span(actor)
    if found.refusal is not None:
        raise found.refusal
    return chart_file("satisfaction", charts.ALL[key](figures.read(actor, span)), found.period, kind)


@bp.get("/report/guide")
@permit(REPORT)
def guide() -> ResponseReturnValue:
    """How to read this, in plain words."""
    return render_template("satisfaction/guide.html", k=K, fewest=FEWEST, standings=charts.STANDINGS)
