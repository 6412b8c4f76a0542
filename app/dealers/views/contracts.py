"""The register of contracts: page, draft, confirmation, file, deletion confirmed. Ending one is dispatch's page."""

from __future__ import annotations

import io
import uuid
from typing import Any

from flask import redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import clock
from app.core.errors import Conflict, DomainError, Invalid, TooLarge, UnsupportedMedia
from app.core.files import vault
from app.core.policy import Permission, current_actor, permit
from app.core.unit_of_work import savepoint
from app.dealers import queries, service
from app.dealers.forms import ContractForm
from app.dealers.models import Dealer, DealerContract
from app.dealers.queries import ContractState
from app.dealers.service.contracts import ELEMENTS, END_REASONS, FILE_MAX_BYTES
from app.dealers.views import bp
from app.dealers.words import AT_THE_END, CONTRACT_CHIPS, SUB_ENTRUSTING
from app.ui import toasts
from app.ui.frame import url_or_none

READ, MANAGE = Permission.DEALERS_READ, Permission.DEALERS_MANAGE
RUNNING = (ContractState.COMING, ContractState.IN_FORCE, ContractState.SOON)
OVER = (ContractState.LAPSED, ContractState.ENDED, ContractState.REVOKED)


@bp.get("/contracts/<uuid:contract_id>")
@permit(READ)
def contract(contract_id: uuid.UUID) -> ResponseReturnValue:
    return _page(contract_id)


def _page(contract_id: uuid.UUID, refusal: Invalid | None = None) -> Any:
    actor = current_actor()
    row = queries.contract(actor, contract_id)
    state = queries.state_of(row)
    page = render_template(
        "dealers/contract.html", row=row, dealer=queries.get(actor, row.dealer_id), chip=CONTRACT_CHIPS[state],
        elements=[(label, AT_THE_END.get(row.at_the_end) if key == "at_the_end" else getattr(row, key))
                  for key, label in ELEMENTS.items()],
        sub_entrusting=SUB_ENTRUSTING[row.sub_entrusting], last_day=queries.last_day(row), refusal=refusal,
        missing=[ELEMENTS.get(key, {"assessment_id": _("影响评估编号"), "file": _("合同文件")}.get(key))
                 for key in service.missing_elements(row)],
        reason=END_REASONS.get(row.ended_reason), may_manage=actor.may(MANAGE), is_draft=row.confirmed_at is None,
        runs=state in RUNNING, over=state in OVER,
        end_url=url_or_none("contracts.ask_end", contract_id=row.id) if state in RUNNING else None,
    )  # fmt: skip
    return page, 422 if refusal else 200


@bp.get("/<uuid:dealer_id>/contracts/new")
@permit(MANAGE)
def new_contract(dealer_id: uuid.UUID) -> ResponseReturnValue:
    form = ContractForm(formdata=None)
    form.suggest(request.args.get("until", ""), clock.today())
    return _form(form, queries.get(current_actor(), dealer_id))


@bp.post("/<uuid:dealer_id>/contracts/new")
@permit(MANAGE)
def create_contract(dealer_id: uuid.UUID) -> ResponseReturnValue:
    dealer, form = queries.get(current_actor(), dealer_id), ContractForm()
    if form.validate_on_submit():
        try:
            with savepoint():
                row = service.add_contract(current_actor(), dealer_id, form.values(), _upload(form))
            toasts.show("done", _("已登记草稿。补全后请确认生效。"))
            return redirect(url_for(".contract", contract_id=row.id), 303)
        except (Invalid, TooLarge, UnsupportedMedia) as error:
            form.take(_shown(error))
    return _form(form, dealer, status=422)


@bp.get("/contracts/<uuid:contract_id>/edit")
@permit(MANAGE)
def edit_contract(contract_id: uuid.UUID) -> ResponseReturnValue:
    row = queries.contract(current_actor(), contract_id)
    if row.confirmed_at is not None:
        raise Conflict(_("合同已生效，不能改写；请登记新的合同。"))
    return _form(ContractForm.of(row), queries.get(current_actor(), row.dealer_id), row)


@bp.post("/contracts/<uuid:contract_id>/edit")
@permit(MANAGE)
def update_contract(contract_id: uuid.UUID) -> ResponseReturnValue:
    actor, form = current_actor(), ContractForm()
    row = queries.contract(actor, contract_id)
    if form.validate_on_submit():
        try:
            with savepoint():
                service.change_contract(actor, contract_id, form.version.data or 0, form.values(), _upload(form))
            toasts.show("done", _("已保存。"))
            return redirect(url_for(".contract", contract_id=contract_id), 303)
        except (Invalid, Conflict, TooLarge, UnsupportedMedia) as error:
            form.take(_shown(error))
    return _form(form, queries.get(actor, row.dealer_id), row, 422)


@bp.post("/contracts/<uuid:contract_id>/confirm")
@permit(MANAGE)
def confirm_contract(contract_id: uuid.UUID) -> ResponseReturnValue:
    try:
        with savepoint():
            service.confirm_contract(current_actor(), contract_id)
    except Invalid as refusal:
        return _page(contract_id, refusal)
    toasts.show("done", _("合同已确认，在有效期内可以派工。"))
    return redirect(url_for(".contract", contract_id=contract_id), 303)


@bp.post("/contracts/<uuid:contract_id>/deleted")
@permit(MANAGE)
def confirm_deletion(contract_id: uuid.UUID) -> ResponseReturnValue:
    service.confirm_deletion(current_actor(), contract_id)
    toasts.show("done", _("已记录经销商的返还或删除确认。"))
    return redirect(url_for(".contract", contract_id=contract_id), 303)


@bp.get("/contracts/<uuid:contract_id>/file")
@permit(READ)
def contract_file(contract_id: uuid.UUID) -> ResponseReturnValue:
    """The document, to be saved; never shown inside our pages."""
    row, file = queries.file_of(current_actor(), contract_id)
    data = io.BytesIO(vault.open_sealed(file))
    answer = send_file(data, mimetype="application/pdf", as_attachment=True, download_name=f"{row.id}.pdf")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _upload(form: ContractForm) -> bytes | None:
    file = form.file.data
    return file.stream.read(FILE_MAX_BYTES + 1) if file else None


def _shown(error: DomainError) -> Invalid:
    if isinstance(error, Invalid):
        return error
    at_file = isinstance(error, TooLarge | UnsupportedMedia)
    return Invalid(fields={"file": [error.message]}) if at_file else Invalid(error.message)


def _form(form: ContractForm, dealer: Dealer, row: DealerContract | None = None, status: int = 200) -> Any:
    return render_template("dealers/contract_form.html", form=form, dealer=dealer, row=row), status
