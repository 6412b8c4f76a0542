"""The table of one chart as a file: the same figures as on the page, recorded as an export."""

from __future__ import annotations

from flask import Response, send_file

from app.core import audit, worklist
from app.core.policy import current_actor
from app.ui.charts import Chart
from app.ui.period import Period


def chart_file(feature: str, chart: Chart, period: Period, kind: str) -> Response:
    """CSV or XLSX. Raises Invalid on another kind."""
    found = chart.figures
    file, media_type = worklist.table_file(kind, found.names, found.rows)
    audit.record("report.exported", current_actor(), "report", f"{feature}.{chart.key}", reason_code=kind)
    name = f"{feature}-{chart.key}-{period.first:%Y%m%d}-{period.last:%Y%m%d}.{kind}"
    return send_file(file, mimetype=media_type, as_attachment=True, download_name=name)
