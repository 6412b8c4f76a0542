"""`/registrations/report`: questions about a period, each with chart, table and file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import make_response, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import audit, worklist
from app.core.errors import Invalid, NotFound
from app.core.policy import Actor, Permission, current_actor, permit
from app.hospitals import provinces
from app.registrations.period import Period, read_period
from app.registrations.reports import charts
from app.registrations.reports.figures import Span
from app.registrations.views import bp
from app.ui.frame import language

READ = Permission.REGISTRATIONS_READ


def choices(actor: Actor, permission: Permission = READ) -> Sequence[tuple[str, Any]]:
    """The provinces that this actor may narrow a report to."""
    mine = actor.scope(permission)
    return [(code, name) for code, name in provinces.choices(language()) if mine is None or code in mine]


def read_span(actor: Actor, permission: Permission = READ) -> tuple[Period, Span, Invalid | None]:
    """Period and province of the address. A province outside the bounds is refused, not silently widened."""
    period, refusal = read_period(request.args)
    province = request.args.get("province", "") or None
    if province is not None and province not in {code for code, _name in choices(actor, permission)}:
        province, refusal = None, refusal or Invalid(_("没有这个省份，或它不在您的范围内。"), code="province_unknown")
    return period, Span(*period.instants(), province=province, permission=permission), refusal


def page_context(actor: Actor, period: Period, span: Span, refusal: Invalid | None) -> dict[str, Any]:
    """What `registrations/report/period.html` needs."""
    return {
        "period": period, "refusal": refusal, "province": span.province or "", "today": Period.latest(),
        "provinces": choices(actor, span.permission),
    }  # fmt: skip


@bp.get("/report")
@permit(READ)
def report() -> ResponseReturnValue:
    actor = current_actor()
    period, span, refusal = read_span(actor)
    shown = [] if refusal else [charts.draw(key, actor, period, span) for key in charts.ALL]
    kept: dict[str, Any] = {"from": str(period.first), "to": str(period.last), "province": span.province}
    html = render_template(
        "registrations/report/index.html",
        shown=shown,
        file_url=lambda chart, kind: url_for(".report_file", chart=chart.key, format=kind, **kept),
        **page_context(actor, period, span, refusal),
    )
    return make_response(html, 422 if refusal else 200)


@bp.get("/report/export")
@permit(READ, evidence=True)
def report_file() -> ResponseReturnValue:
    """The table of one chart as CSV or XLSX: the same figures, no personal data in them."""
    actor, key, kind = current_actor(), request.args.get("chart", ""), request.args.get("format", "xlsx")
    if key not in charts.ALL:
        raise NotFound()
    period, span, refusal = read_span(actor)
    if refusal is not None:
        raise refusal
    found = charts.draw(key, actor, period, span).figures
    file, media_type = worklist.table_file(kind, found.names, found.rows)
    audit.record("report.exported", actor, "report", f"registrations.{key}", reason_code=kind)
    name = f"registrations-{key}-{period.first:%Y%m%d}-{period.last:%Y%m%d}.{kind}"
    return send_file(file, mimetype=media_type, as_attachment=True, download_name=name)
