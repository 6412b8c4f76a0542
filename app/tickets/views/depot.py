"""The depot: worklists by step, one device's bench, and what goes to the ticket's page, 今日 and the side bar."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import clock, counters, worklist
from app.core.db import db
from app.core.policy import Actor, Permission, current_actor, permit
from app.hospitals.models import Hospital
from app.tickets import viewing
from app.tickets.models import NEVER, Ticket
from app.tickets.panels import TicketPanel, ticket_panels
from app.tickets.queries import depot, dossier, files
from app.tickets.service.reach import in_region
from app.tickets.views.depot_words import workshop_words
from app.tickets.views.facts import head
from app.tickets.views.files import marked_photo, shown_files
from app.tickets.workflow import BEFORE_OFFER, Status
from app.ui.duties import Duty, DutySource, duty_sources
from app.ui.navigation import NavItem, navigation

bp = Blueprint("depot", __name__, url_prefix="/depot", template_folder="../templates")
READ, WORK, RELEASE = Permission.DEPOT_READ, Permission.DEPOT_WORK, Permission.DEPOT_RELEASE
OWN = ("depot.bench", "depot.act", "depot.do", "depot.label")
HANDS_ON = (Status.COLLECTING, Status.IN_DEPOT, Status.WAIT_PARTS, Status.WAIT_QUOTE, Status.RELEASE_TEST,
            Status.RETURNING)  # fmt: skip

from app.tickets.views import depot_acts  # noqa: E402


def install() -> None:
    navigation.add(
        "depot", NavItem("depot", "work", _l("返厂"), "tray", "depot.index", READ, 60, counter=depot.waiting, also=OWN)
    )
    duty_sources.add("depot", DutySource("depot", _l("返厂"), "tray", READ, _duties, "depot.index", _waiting_text))
    viewing.sources.add("depot", _task)
    ticket_panels.add(
        "depot",
        TicketPanel("depot", _l("设备去向"), 40, Permission.TICKETS_READ, "tickets/depot_panel.html", _panel),
    )


@bp.get("")
@permit(READ)
def index() -> ResponseReturnValue:
    page = worklist.page(depot.DEPOT, current_actor(), request.args)
    return render_template("tickets/depot_list.html", page=page)


@bp.get("/<number>")
@permit(READ)
def bench(number: str) -> ResponseReturnValue:
    """One device: the next step first, then what was found, done, waited for and paid."""
    actor = current_actor()
    found = dossier.find(actor, number, READ)
    shop = depot.workshop(found.row.id)
    return render_template(
        "tickets/depot_bench.html", acts=depot_acts.acts_for(actor, found.row, shop),
        next=depot_acts.next_step(found.row, shop), **workshop_words(shop),
        **shown_files(actor, found.row, files.of(found.row.id), "depot.photo"), **head(actor, found),
    )  # fmt: skip


@bp.get("/<number>/label")
@permit(READ)
def label(number: str) -> ResponseReturnValue:
    """To be printed and stuck on a device that goes back as it came."""
    found = dossier.find(current_actor(), number, READ)
    return render_template("tickets/depot_label.html", row=found.row, hospital=found.hospital, today=clock.today())


@bp.get("/<number>/photos/<uuid:file_id>")
@permit(READ, evidence=True)
def photo(number: str, file_id: uuid.UUID) -> ResponseReturnValue:
    return marked_photo(number, file_id, READ)


def _task(actor: Actor, row: Ticket, _now: datetime) -> str | None:
    """Whoever works on the device in the depot sees what it looked like, while it is there or on its way."""
    theirs = actor.may(WORK) or actor.may(RELEASE)
    away = row.status in HANDS_ON and not (row.status == Status.WAIT_PARTS and row.field_job)
    return "depot" if theirs and away else None


def _panel(_actor: Actor, row: Ticket) -> Mapping[str, Any] | None:
    """Hands, parts, quotes and tests; nothing where the device never left the hospital and nothing was wanted."""
    if row.status in (*BEFORE_OFFER, Status.OFFERED) and row.cycle == 1:
        return None
    shop = depot.workshop(row.id)
    return None if shop.empty else workshop_words(shop)


def _waiting_text(actor: Actor) -> str:
    counters.want("depot:waiting", depot.waiting(actor))
    return counters.text(counters.value("depot:waiting"))


def _duties(actor: Actor, limit: int) -> Sequence[Duty]:
    """The devices whose next step is the actor's, the soonest deadline first; one statement."""
    ranges = [sa.and_(*clauses) for clauses in depot.steps_of(actor)]
    query = sa.select(Ticket.changed_at, Hospital.name, Ticket.device_model, Ticket.number, Ticket.due_at)
    query = query.join(Hospital, Hospital.id == Ticket.hospital_id).where(*in_region(actor, READ), sa.or_(*ranges))
    return [
        Duty(
            row.changed_at, " · ".join(filter(None, (row.name, row.device_model))), row.number,
            None if row.due_at >= NEVER else row.due_at, url_for("depot.bench", number=row.number), verb=_("打开"),
        )
        for row in db.session.execute(query.order_by(Ticket.due_at, Ticket.id).limit(limit))
    ]  # fmt: skip
