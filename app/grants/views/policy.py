"""The rules of grants: the version in force, its history, and the form for the next one."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import Conflict, Invalid
from app.core.policy import Permission, current_actor, permit
from app.grants import rules, service
from app.grants.forms import ROWS_MAX, PolicyForm, RowForm
from app.grants.rules import LIMITS
from app.grants.views import bp
from app.ui import toasts

READ, LEAD = Permission.GRANTS_READ, Permission.GRANTS_LEAD
SPARE_ROWS = 1


@bp.get("/policy")
@permit(READ)
def policy() -> ResponseReturnValue:
    current = rules.current()
    data = {key: getattr(current, key) for key in LIMITS} | {"version": current.version}
    matrix = [*current.matrix, *[None] * SPARE_ROWS][:ROWS_MAX]
    return _draw(PolicyForm(formdata=None, data=data), [RowForm.of(rule, i) for i, rule in enumerate(matrix)])


@bp.post("/policy")
@permit(LEAD, step_up=True)
def save_policy() -> ResponseReturnValue:
    form = PolicyForm()
    sent = sum(1 for i in range(ROWS_MAX) if f"row{i}-label" in request.form)
    rows = [RowForm(prefix=f"row{i}") for i in range(sent)]
    try:
        if not all([form.validate(), *(row.validate() for row in rows)]):
            raise Invalid(fields={})
        row = service.save_policy(
            current_actor(), form.rules(rules.current(), rows), form.note.data or "",
            seen_version=form.version.data or 0,
        )  # fmt: skip
    except Invalid as refusal:
        if refusal.fields or not form.errors:
            form.take(refusal)
        return _draw(form, rows, 422)
    except Conflict as refusal:
        form.form_errors.append(str(refusal.message))
        return _draw(form, rows, 409)
    toasts.show("done", _("规则第 %(n)s 版已生效。", n=row.version))
    return redirect(url_for(".policy"), 303)


def _draw(form: PolicyForm, rows: list[RowForm], status: int = 200) -> ResponseReturnValue:
    page = render_template(
        "grants/policy.html", form=form, rows=rows, current=rules.current(), versions=rules.versions(), limits=LIMITS,
        may_change=current_actor().may(LEAD),
    )  # fmt: skip
    return page, status
