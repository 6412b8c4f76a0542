"""List, page, create, edit and end dealers."""

from __future__ import annotations

import uuid
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import worklist
from app.core.errors import Conflict, DomainError, Invalid
from app.core.policy import Permission, current_actor, permit
from app.core.unit_of_work import savepoint
from app.dealers import queries, reach, service
from app.dealers.forms import DealerForm, SwitchForm
from app.dealers.lines import LINE_LABELS
from app.dealers.models import Dealer
from app.dealers.views import bp
from app.dealers.words import CONTRACT_CHIPS, NO_CONTRACT, ROLE_LABELS
from app.dealers.worklists import DEALERS
from app.hospitals.provinces import title
from app.ui import toasts
from app.ui.frame import language, url_or_none

READ, MANAGE = Permission.DEALERS_READ, Permission.DEALERS_MANAGE


@bp.get("")
@permit(READ)
def index() -> ResponseReturnValue:
    actor = current_actor()
    page = worklist.page(DEALERS, actor, request.args)
    return render_template(
        "dealers/index.html", page=page, may_manage=actor.may(MANAGE), import_url=url_or_none("people.ask_dealers")
    )


@bp.get("/<uuid:dealer_id>")
@permit(READ)
def detail(dealer_id: uuid.UUID) -> ResponseReturnValue:
    actor = current_actor()
    row = queries.get(actor, dealer_id)
    found = queries.contracts(actor, dealer_id)
    states = [(one, CONTRACT_CHIPS[queries.state_of(one)], queries.last_day(one)) for one in found]
    live = next((chip for one, chip, _day in states if queries.state_of(one) in ("in_force", "soon")), NO_CONTRACT)
    return render_template(
        "dealers/detail.html", row=row, contracts=states, users=queries.users(actor, dealer_id), standing=live,
        provinces=[title(code, language()) for code in row.provinces],
        lines=[LINE_LABELS[key] for key in row.product_lines], role=ROLE_LABELS[row.role],
        may_manage=actor.may(MANAGE), may_read_staff=actor.may(Permission.STAFF_READ),
    )  # fmt: skip


@bp.get("/new")
@permit(MANAGE)
def new() -> ResponseReturnValue:
    return _form(DealerForm(formdata=None))


@bp.post("/new")
@permit(MANAGE)
def create() -> ResponseReturnValue:
    form = DealerForm()
    if form.validate_on_submit():
        try:
            row = service.add_dealer(current_actor(), form.values())
            toasts.show("done", _("已新建经销商。登记合同后才能派工。"))
            return redirect(url_for(".detail", dealer_id=row.id), 303)
        except Invalid as error:
            form.take(error)
    return _form(form, status=422)


@bp.get("/<uuid:dealer_id>/edit")
@permit(MANAGE)
def edit(dealer_id: uuid.UUID) -> ResponseReturnValue:
    row = queries.get(current_actor(), dealer_id)
    form = DealerForm.of(row)
    reach.suggest(form, request.args)
    return _form(form, row)


@bp.post("/<uuid:dealer_id>/edit")
@permit(MANAGE)
def update(dealer_id: uuid.UUID) -> ResponseReturnValue:
    row, form, status = queries.get(current_actor(), dealer_id), DealerForm(), 422
    if form.validate_on_submit():
        try:
            with savepoint():
                service.change_dealer(current_actor(), dealer_id, form.version.data or 0, form.values())
            toasts.show("done", _("已保存。"))
            return redirect(url_for(".detail", dealer_id=dealer_id), 303)
        except (Invalid, Conflict) as error:
            form.take(_shown(error))
            status = error.status
    return _form(form, row, status)


@bp.post("/<uuid:dealer_id>/active")
@permit(MANAGE)
def set_active(dealer_id: uuid.UUID) -> ResponseReturnValue:
    wanted = SwitchForm().active.data == "1"
    service.set_active(current_actor(), dealer_id, wanted)
    toasts.show("done", _("已启用。") if wanted else _("已停用，不再派给新的工单。"))
    return redirect(url_for(".detail", dealer_id=dealer_id), 303)


def _shown(error: DomainError) -> Invalid:
    """A conflict stands above the form, with what was typed below it."""
    return error if isinstance(error, Invalid) else Invalid(error.message)


def _form(form: DealerForm, row: Dealer | None = None, status: int = 200) -> Any:
    heading = _l("修改经销商") if row else _l("新建经销商")
    return render_template("dealers/form.html", form=form, row=row, heading=heading), status
