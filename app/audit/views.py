"""Pages of the audit log."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.audit import queries, service, worklists
from app.core import worklist
from app.core.audit import AuditEvent
from app.core.policy import Permission, current_actor, permit
from app.ui import toasts

bp = Blueprint("audit", __name__, template_folder="templates")


@bp.get("/audit")
@permit(Permission.AUDIT_READ)
def index() -> ResponseReturnValue:
    page = worklist.page(worklists.events, current_actor(), request.args)
    return render_template("audit/index.html", page=page)


@bp.get("/audit/verification")
@permit(Permission.AUDIT_READ)
def verification() -> ResponseReturnValue:
    return render_template("audit/verification.html", state=queries.state(current_actor()))


@bp.post("/audit/verification")
@permit(Permission.AUDIT_READ)
def request_verification() -> ResponseReturnValue:
    service.request_verification(current_actor())
    toasts.show("act", _("核对已经开始，结果稍后出现在这里。"))
    return redirect(url_for("audit.verification"), 303)


@bp.get("/audit/<number>")
@permit(Permission.AUDIT_READ)
def detail(number: str) -> ResponseReturnValue:
    return _detail(queries.get_event(current_actor(), number), None)


@bp.post("/audit/<number>/note")
@permit(Permission.AUDIT_READ)
def open_note(number: str) -> ResponseReturnValue:
    return _detail(*service.open_note(current_actor(), number))


def _detail(event: AuditEvent, note: dict[str, str] | None) -> str:
    has_note = event.note_commitment is not None and queries.note_of(current_actor(), event) is not None
    number = queries.number_of(event)
    return render_template("audit/detail.html", event=event, number=number, note=note, has_note=has_note)
