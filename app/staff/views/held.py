"""After the sign-in: what was typed before, ready to be sent again."""

from __future__ import annotations

import re
import uuid

from flask import current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import policy
from app.core.policy import current_actor, signed_in
from app.staff.service import held
from app.staff.tokens import hash_token
from app.staff.views import bp
from app.ui import toasts
from app.ui.errors import lost_sessions

WORDS = re.compile(r"[^\x00-\x7f]|\s")  # what a person wrote; dates, numbers and choices go along unseen
TOKEN_FIELD = "csrf_token"  # noqa: S105 -- nosec: the name of a field


def install() -> None:
    lost_sessions.add("held forms", keep)


def keep() -> str | None:
    """Asked by the page that says "sign in again"; answers where the words wait. Passwords are this blueprint's."""
    mark, token = policy.mark_of(current_app, request.endpoint), getattr(session, "token", None)
    if token is None or mark is None or mark.kind not in ("permission", "signed_in") or request.blueprint == bp.name:
        return None
    fields = [(name, value) for name, value in request.form.items(multi=True) if name != TOKEN_FIELD]
    found = held.hold(hash_token(token), request.path, fields)
    return None if found is None else url_for("staff.held_form", form_id=found)


@bp.get("/account/held/<uuid:form_id>")
@signed_in()
def held_form(form_id: uuid.UUID) -> ResponseReturnValue:
    row, fields = held.held(current_actor(), form_id)
    return render_template("staff/held.html", row=row, fields=fields, said=[v for _n, v in fields if WORDS.search(v)])


@bp.post("/account/held/<uuid:form_id>/drop")
@signed_in()
def drop_held(form_id: uuid.UUID) -> ResponseReturnValue:
    held.let_go(current_actor(), form_id)
    toasts.show("done", _("已丢弃。"))
    return redirect("/", 303)
