"""Exports: asking for one, one's own with their progress, calling one off, taking the file."""

from __future__ import annotations

import uuid

from flask import Response, redirect, render_template, send_file, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import Invalid, TooManyRequests
from app.core.policy import current_actor, signed_in
from app.core.web import fragment_requested
from app.core.worklist import Worklist, export, worklists
from app.lists import queries, service
from app.lists.forms import ExportForm
from app.lists.views import bp, state, state_query
from app.lists.workflow import OPEN, Status
from app.ui import toasts
from app.ui.frame import language


@bp.get("/lists/<key>/export")
@signed_in(step_up=True)
def export_form(key: str) -> ResponseReturnValue:
    actor = current_actor()
    of = queries.worklist(actor, key)
    export.require(of, actor, "csv")
    return _form_page(of, ExportForm(formdata=None))


@bp.post("/lists/<key>/export")
@signed_in(step_up=True)
def request_export(key: str) -> ResponseReturnValue:
    """The file itself when it is small, else the page of one's exports, where it will appear."""
    actor, form = current_actor(), ExportForm()
    of = queries.worklist(actor, key)
    if form.validate_on_submit():
        try:
            found = service.request_export(
                actor, of, state(), kind=form.format.data, which=form.columns.data, lang=language()
            )
            if isinstance(found, service.Direct):
                return send_file(
                    found.file, mimetype=found.media_type, as_attachment=True, download_name=found.name, max_age=0
                )
            toasts.show("act", _("超过 5,000 条，正在后台生成，完成后在这里下载。"))
            return redirect(url_for(".exports"), 303)
        except Invalid as error:
            form.take(error)
        except TooManyRequests as error:
            form.form_errors.append(str(error.message))
    return _form_page(of, form, 422)


def _form_page(of: Worklist, form: ExportForm, status: int = 200) -> ResponseReturnValue:
    words = queries.state_words(of, state_query())
    back = queries.address(of, state_query())
    page = render_template("lists/export.html", of=of, form=form, query=state_query(), words=words, back_url=back)
    return page, status


@bp.get("/exports")
@signed_in()
def exports() -> ResponseReturnValue:
    """One's own; while one is being built, the list asks for itself again."""
    rows = [(row, worklists.get(row.worklist), row.shown_status()) for row in queries.exports(current_actor())]
    template = "lists/exports_rows.html" if fragment_requested() else "lists/exports.html"
    return render_template(template, rows=rows, busy=any(s in OPEN for _r, _w, s in rows), Status=Status)


@bp.post("/exports/<uuid:export_id>/cancel")
@signed_in()
def cancel_export(export_id: uuid.UUID) -> ResponseReturnValue:
    service.cancel(current_actor(), export_id)
    toasts.show("done", _("导出已取消。"))
    return redirect(url_for(".exports"), 303)


@bp.get("/exports/<uuid:export_id>/file")
@signed_in(evidence=True, step_up=True)
def download_export(export_id: uuid.UUID) -> ResponseReturnValue:
    """The finished file, piece by piece. The audit event is committed before the first byte goes out."""
    found = service.download(current_actor(), export_id)
    answer = Response(stream_with_context(found.chunks), mimetype=found.media_type)
    answer.headers["Content-Length"] = str(found.size)
    answer.headers.set("Content-Disposition", "attachment", filename=found.name)
    return answer
