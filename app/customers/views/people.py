"""The list, its drawer, and one person's page."""

from __future__ import annotations

import uuid

from flask import render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from app.core import worklist
from app.core.policy import Permission, current_actor, permit
from app.customers import dossier, panels, words
from app.customers.views import bp
from app.customers.worklists import CHIPS, customers
from app.hospitals.provinces import title
from app.ui.frame import language

P = Permission


@bp.get("")
@permit(P.CUSTOMERS_READ)
def index() -> ResponseReturnValue:
    return render_template("ui/worklist.html", page=worklist.page(customers, current_actor(), request.args))


@bp.get("/<uuid:customer_id>/drawer")
@permit(P.CUSTOMERS_READ)
def drawer(customer_id: uuid.UUID) -> ResponseReturnValue:
    person = dossier.person(current_actor(), customer_id)
    return render_template("customers/drawer.html", **_facts(person))


@bp.get("/<uuid:customer_id>")
@permit(P.CUSTOMERS_READ)
def detail(customer_id: uuid.UUID) -> ResponseReturnValue:
    actor = current_actor()
    person = dossier.person(actor, customer_id)
    drawn = [
        (found.panel.side, Markup(render_template(found.panel.template, **_given(found, person))))
        for found in panels.panels_for(actor, person.row)
    ]
    return render_template(
        "customers/detail.html",
        main=[html for side, html in drawn if not side],
        aside=[html for side, html in drawn if side],
        **_facts(person),
    )


def _given(found: panels.DrawnPanel, person: dossier.Person) -> dict[str, object]:
    return {**found.values, "panel": found.panel, "customer": person.row}


def _facts(person: dossier.Person) -> dict[str, object]:
    actor = current_actor()
    living = not person.closed and not person.erased
    return {
        "person": person,
        "customer_id": person.row.id,
        "chip": CHIPS[person.state],
        "address": words.address(person),
        "province": title(person.province, language()) if person.province else None,
        "may_reveal": living and actor.may(P.CUSTOMERS_REVEAL),
        "may_freeze": living and actor.may(P.CUSTOMERS_FREEZE),
    }
