"""What a customer sees, as staff see it: the same rows through the same scope, without contents, and recorded."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from app.core import audit
from app.core.db import db
from app.core.policy import Actor, Permission, current_actor, permit
from app.customers import access
from app.customers.models import Customer
from app.customers.panels import CustomerPanel, customer_panels, event_words
from app.customers.worklists import shown_name
from app.grants.scope import Which
from app.tickets.models import Ticket
from app.tickets.queries import readable
from app.tickets.words import CHIPS

bp = Blueprint("ticket_readers", __name__, url_prefix="/tickets/as", template_folder="templates")
PAGE, PANEL = 50, 8
TABS = ((Which.ALL, _l("全部可见")), (Which.MINE, _l("本人的")), (Which.DEPARTMENT, _l("科室的")))
EVENTS = {
    "ticket.submitted": _l("报修"),
    "tickets.viewed_as": _l("以此人身份查看了工单"),
    "tickets.exported": _l("导出工单"),
}


def install() -> None:
    """The panel on a person's page, and what looking is called in its timeline."""
    panel = CustomerPanel("tickets", _l("工单"), 30, Permission.CUSTOMERS_READ, "tickets/customer_panel.html", _panel)
    customer_panels.add(panel.key, panel)
    event_words.add("tickets", EVENTS)


@bp.get("/<uuid:customer_id>")
@permit(Permission.TICKETS_VIEW_AS, evidence=True)
def as_customer(customer_id: uuid.UUID) -> ResponseReturnValue:
    """The list of one person. Fault texts and contacts stay closed; looking is an event of the audit log."""
    actor = current_actor()
    reader = readable.reader(actor, customer_id)
    person = access.find(actor, customer_id)
    live = readable.has_department(reader)
    asked = request.args.get("view", "")
    which = Which(asked) if asked in tuple(Which) and (live or asked != Which.DEPARTMENT) else Which.ALL
    page = readable.page(reader, which=which, cursor=request.args.get("after", ""), limit=PAGE)
    audit.record("tickets.viewed_as", actor, "customer", customer_id, reason_code=which.value)
    here = lambda view, **more: url_for(".as_customer", customer_id=customer_id, view=view, **more)
    tabs = [
        {"label": label, "url": here(key.value), "current": key is which}
        for key, label in TABS
        if live or key is not Which.DEPARTMENT
    ]
    return render_template(
        "tickets/seen_by.html", page=page, total=readable.count(reader, which=which), tabs=tabs, chips=CHIPS,
        customer_id=customer_id, name=shown_name(actor, person.name),
        next_url=here(which.value, after=page.next_cursor) if page.next_cursor else None,
    )  # fmt: skip


def _panel(actor: Actor, customer: Customer) -> Mapping[str, Any]:
    """The latest of the person's own, without contents; one statement."""
    t = Ticket
    query = sa.select(t.number, t.opened_at, t.device_model, t.status).where(t.customer_id == customer.id)
    rows = db.session.execute(query.order_by(t.opened_at.desc(), t.id.desc()).limit(PANEL)).all()
    may = actor.may(Permission.TICKETS_VIEW_AS)
    view_url = url_for("ticket_readers.as_customer", customer_id=customer.id) if may else None
    return {"rows": rows, "chips": CHIPS, "view_url": view_url}
