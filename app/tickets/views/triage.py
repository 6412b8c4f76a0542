"""The triage screen: notes kept as they are made, and the decisions below them; after one the next ticket is there."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import DomainError, Forbidden, NotFound
from app.core.policy import Actor, Permission, current_actor, permit
from app.core.unit_of_work import savepoint
from app.core.web import fragment_requested
from app.hospitals import queries as hospitals
from app.tickets import service
from app.tickets.forms import LABELS, TriageForm
from app.tickets.models import Direction, Ticket
from app.tickets.queries import devices, dossier, files, similar
from app.tickets.service import Seen, take
from app.tickets.service.gather import sheet_of
from app.tickets.views import bp
from app.tickets.views.facts import head
from app.tickets.views.files import shown_files
from app.tickets.workflow import Status
from app.ui import toasts

TRIAGE = Permission.TICKETS_TRIAGE
HOSPITALS_SHOWN = 5


@bp.get("/<number>/triage")
@permit(TRIAGE)
def triage(number: str) -> ResponseReturnValue:
    return draw(current_actor(), number)


@bp.post("/<number>/claim")
@permit(TRIAGE)
def claim(number: str) -> ResponseReturnValue:
    """Take this very report into one's hands."""
    actor = current_actor()
    version = request.form.get("version", 0, type=int)
    service.claim(actor, service.find(actor, number), Seen(version))
    return redirect(url_for(".triage", number=number), 303)


@bp.post("/next")
@permit(TRIAGE)
def next_ticket() -> ResponseReturnValue:
    return onward(current_actor())


@bp.post("/<number>/triage/note")
@permit(TRIAGE)
def note(number: str) -> ResponseReturnValue:
    """Keep what the screen says. With scripts on every change, and the answer is a line; without, a button."""
    actor, form = current_actor(), TriageForm()
    try:
        with savepoint():
            row = service.note_down(actor, service.find(actor, number), form.noted())
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        if fragment_requested():
            return render_template("tickets/triage_saved.html", refusal=refusal, labels=LABELS), 422
        return draw(actor, number, form, refusal)
    if fragment_requested():
        return render_template("tickets/triage_saved.html", refusal=None, left=left_open(row), at=row.touched_at)
    toasts.show("done", _("已保存 %(number)s。", number=number))
    asked = None if form.hospital_id.data else form.hospital_q.data or None
    return redirect(url_for(".triage", number=number, hospital_q=asked), 303)


@bp.post("/<number>/triage/<any(finish, ask, reject, merge, release):act>")
@permit(TRIAGE)
def decide(number: str, act: str) -> ResponseReturnValue:
    """Notes first, then the decision, in one transaction; a refused decision leaves notes and page as typed."""
    actor, form = current_actor(), TriageForm()
    try:
        with savepoint():
            service.note_down(actor, service.find(actor, number), form.noted())
        with savepoint():
            words = ACTS[act](actor, number, form)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        return draw(actor, number, form, refusal, act)
    toasts.show("done", words)
    return onward(actor)


def _finish(actor: Actor, number: str, form: TriageForm) -> str:
    service.finish(actor, service.find(actor, number), Seen(form.seen_version))
    return _("%(number)s 已转派工。", number=number)


def _ask(actor: Actor, number: str, form: TriageForm) -> str:
    asked, text = form.questions.data or [], form.ask_text.data or ""
    service.ask(actor, service.find(actor, number), Seen(form.seen_version), asked, text)
    return _("%(number)s 的问题已发给用户。", number=number)


def _reject(actor: Actor, number: str, form: TriageForm) -> str:
    reason, text = form.reject_reason.data or "", form.reject_text.data or ""
    service.reject(actor, service.find(actor, number), Seen(form.seen_version), reason, text)
    return _("%(number)s 没有受理，已告知用户。", number=number)


def _merge(actor: Actor, number: str, form: TriageForm) -> str:
    target, reason = form.merge_target.data or "", form.merge_reason.data or ""
    service.merge(actor, service.find(actor, number), Seen(form.seen_version), target, reason)
    return _("%(number)s 已并入 %(target)s。", number=number, target=target.strip().upper())


def _release(actor: Actor, number: str, form: TriageForm) -> str:
    service.release(actor, service.find(actor, number), form.release_reason.data or "")
    return _("%(number)s 已放回队列，填写的内容都在。", number=number)


ACTS = {"finish": _finish, "ask": _ask, "reject": _reject, "merge": _merge, "release": _release}


def onward(actor: Actor) -> ResponseReturnValue:
    """The next ticket, in hands already; or the list when nothing waits."""
    row = take.claim_next(actor)
    if row is None:
        toasts.show("act", _("没有等待分诊的工单了。"))
        return redirect(url_for(".queue"), 303)
    return redirect(url_for(".triage", number=row.number), 303)


def left_open(row: Any) -> list[str]:
    """What the guard of `finish_triage` would still ask for, by name."""
    sheet = sheet_of(row)
    there = {
        "harm": sheet.harm.value, "hospital": sheet.hospital_matched, "serial": sheet.serial or sheet.no_serial_reason,
        "fault_class": sheet.fault_class, "priority": sheet.priority, "mode": sheet.mode, "warranty": sheet.warranty,
        "duplicates": sheet.duplicates_reviewed,
    }  # fmt: skip
    return [str(LABELS[name]) for name, value in there.items() if not value]


def draw(
    actor: Actor, number: str, form: TriageForm | None = None, refusal: DomainError | None = None, act: str = ""
) -> Response:
    """The screen; after a refusal with its status and its words, made anew around all that was typed."""
    found = dossier.find(actor, number, TRIAGE)
    facts = head(actor, found)
    if form is None:
        form = TriageForm(formdata=None)
        form.show(found.row, found.voice)
    form.version.raw_data, form.version.data = None, found.row.version
    asked = form.hospital_q.data or request.args.get("hospital_q", "")
    came = shown_files(actor, found.row, files.of(found.row.id))
    html = render_template(
        "tickets/triage.html",
        form=form,
        refusal=refusal,
        act=act,
        field_labels=LABELS,
        hospital_q=asked,
        hits=hospitals.search(asked, limit=HOSPITALS_SHOWN) if asked else [],
        history=similar.history(actor, found),
        similar=similar.similar(actor, found.row),
        candidates=() if at_home(found) else devices.look_up(*named(found.row)).candidates,
        answers=[one for one in dossier.messages(found) if one.direction == Direction.FROM_CUSTOMER],
        left=left_open(found.row),
        editable=facts["mine"] or refusal is not None,
        asking=found.row.status == Status.NEED_INFO,
        **facts,
        **came,
    )
    return make_response(html, refusal.status if refusal is not None else 200)


def at_home(found: dossier.Dossier) -> bool:
    """The register has the device, and at this hospital."""
    return found.device is not None and found.device.hospital_id == found.row.hospital_id


def named(row: Ticket) -> tuple[str | None, uuid.UUID, str | None]:
    return row.serial_number, row.hospital_id, row.device_model
