"""Proposing: who it is for and on what it rests, the terms, a preview with real rows, and only then the saving."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import Conflict, Invalid, NotFound
from app.core.policy import Actor, Permission, current_actor, permit
from app.customers.worklists import shown_name
from app.grants import rules, service, standing
from app.grants.forms import ProposalForm, digest
from app.grants.models import Grant
from app.grants.queries import case as cases
from app.grants.queries.own import departments_of
from app.grants.service import Terms, review
from app.grants.service.propose import OVER_WORDS, Checked, check
from app.grants.views import bp
from app.grants.words import VERDICTS
from app.ui import toasts

PROPOSE = Permission.GRANTS_PROPOSE


@bp.get("/new")
@permit(PROPOSE)
def new() -> ResponseReturnValue:
    """For one person (``customer``), or the next term of a grant (``renews``)."""
    actor = current_actor()
    former = cases.find(actor, request.args["renews"]) if request.args.get("renews") else None
    customer_id = former.customer_id if former is not None else _customer_id(request.args.get("customer", ""))
    if former is not None and former.lookback_months is not None:
        chosen = [found for found, _name in departments_of([former.id]).get(former.id, ())]
        form = ProposalForm.next_term(chosen, former.lookback_months)
    else:
        form = ProposalForm.fresh()
    return _draw(actor, customer_id, form, former)


@bp.post("/new")
@permit(PROPOSE)
def create() -> ResponseReturnValue:
    """Show the preview, or save what was previewed."""
    actor, form = current_actor(), ProposalForm()
    former = cases.find(actor, request.args["renews"]) if request.args.get("renews") else None
    customer_id = former.customer_id if former is not None else _customer_id(request.args.get("customer", ""))
    try:
        terms = form.terms()
        if request.form.get("do") != "save" or form.seen.data != digest(terms):
            return _draw(actor, customer_id, form, former, terms=terms)
        row = service.propose(
            actor, customer_id, terms, form.reason.data or "", renews=former.id if former is not None else None
        )
    except Invalid as refusal:
        form.take(refusal)
        return _draw(actor, customer_id, form, former, status=422)
    except Conflict as refusal:
        form.form_errors.append(str(refusal.message))
        return _draw(actor, customer_id, form, former, status=409)
    toasts.show("done", _("已提出 %(number)s，等待同事批准。", number=row.number))
    return redirect(url_for(".case", number=row.number), 303)


def _customer_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise NotFound() from error


def _draw(
    actor: Actor, customer_id: uuid.UUID, form: ProposalForm, former: Grant | None, *, terms: Terms | None = None,
    status: int = 200,
) -> ResponseReturnValue:  # fmt: skip
    standing.refuse_beneficiary(actor, customer_id)
    found, refusal = cases.standing_or_refusal(customer_id)
    if found is not None:
        cases.require_reach(actor, found)
    shown: dict[str, Any] = {"preview": None, "checked": None}
    if found is not None and terms is not None:
        try:
            shown = look(found, terms, former.id if former is not None else None)
            form.seen.data = digest(terms)
        except Invalid as wrong:
            form.take(wrong)
            status = 422
    policy = rules.current()
    page = render_template(
        "grants/new.html", form=form, found=found, refusal=refusal, former=former, customer_id=customer_id,
        name=shown_name(actor, found.name) if found is not None else None, verdicts=VERDICTS,
        basis=policy.basis_of(found.position, found.department.name) if found is not None else None, rules=policy,
        choices=cases.choices(found.hospital.id) if found is not None else [], over_text=over_text,
        use=review.use_of(former.id) if former is not None else None, **shown,
    )  # fmt: skip
    return page, status


def over_text(codes: Iterable[str]) -> str:
    """Why one approver is not enough."""
    return "；".join(str(OVER_WORDS[code]) for code in codes)


def look(found: standing.Standing, terms: Terms, replaces: uuid.UUID | None) -> dict[str, Any]:
    """The preview of terms that can be granted. Raises Invalid."""
    checked: Checked = check(found, terms, rules.current())
    departments = [each.department.id for each in checked.planned]
    return {
        "checked": checked,
        "preview": cases.preview(found.customer_id, departments, terms.lookback_months, replaces),
        "names": {each.department.id: each.department.name for each in checked.planned},
    }
