"""Pages of the safety role, hidden from everybody else, and the one page on which any colleague passes a harm on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import audit, clock, worklist
from app.core.clock import SHANGHAI
from app.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from app.core.policy import Actor, Permission, current_actor, permit
from app.core.unit_of_work import savepoint
from app.core.web import fragment_requested
from app.safety import queries, service, words
from app.safety.forms import CaseForm, FileForm, TellForm
from app.safety.kinds import LIMITS, limit
from app.safety.models import SafetyCase
from app.safety.queries import CASES, Case
from app.safety.workflow import workflow
from app.tickets.queries import dossier
from app.tickets.service import find as find_ticket
from app.ui import toasts

bp = Blueprint("safety", __name__, template_folder="templates")
SAFETY, READ = Permission.SAFETY_WORK, Permission.TICKETS_READ
NAMES = "take, judge, extend, decide, handover, hold, lift, close, reopen"


@dataclass(frozen=True, slots=True)
class Act:
    """One act of the page: what the table calls it, the fields it asks for, and what it does."""

    label: Any
    actions: tuple[str, ...]
    fields: tuple[str, ...]
    do: Callable[[Actor, str, CaseForm], SafetyCase]
    done: Any
    hint: Any = ""


ACTS: dict[str, Act] = {
    "judge": Act(
        _l("判定伤害类别"), ("judge_kind",), ("kind", "text"),
        lambda a, n, f: service.judge(a, n, f.seen, f.kind.data or "", f.text.data or ""), _l("已判定，时限已重算。"),
        _l("时限仍从知悉时起算；只能改判得更重。"),
    ),
    "decide": Act(
        _l("决定须不须上报"), ("decide_report", "decide_no_report"), ("report", "reason", "text"),
        lambda a, n, f: service.decide(a, n, f.seen, f.report.data or "", f.reason.data or "", f.text.data or ""),
        _l("已决定。"), _l("决定连同您的姓名和依据存档。"),
    ),
    "handover": Act(
        _l("记录移交"), ("hand_over_step", "hand_over_report"), ("step", "to_name", "handed_at", "reference"),
        lambda a, n, f: service.hand_over(
            a, n, f.seen, f.step.data or "", f.to_name.data or "", f.handed, f.reference.data or ""
        ),
        _l("移交已记录。"), _l("上报由法规事务完成；这里记下交给了谁、何时、对方的编号。"),
    ),
    "close": Act(
        _l("结案"), ("close_case",), ("outcome", "text"),
        lambda a, n, f: service.close(a, n, f.seen, f.outcome.data or "", f.text.data or ""), _l("已结案。"),
        _l("结案时工单一并解除暂缓。"),
    ),
    "reopen": Act(
        _l("重新立案"), ("reopen_case",), ("text",),
        lambda a, n, f: service.reopen(a, n, f.seen, f.text.data or ""), _l("已重新立案。"),
        _l("时限仍从最初知悉时起算，工单重新暂缓。"),
    ),
    "extend": Act(
        _l("补充情况"), ("add_knowledge",), ("text",),
        lambda a, n, f: service.extend(a, n, f.seen, f.text.data or ""), _l("已补充。"),
    ),
    "take": Act(
        _l("由我负责"), ("take_case",), (), lambda a, n, f: service.take(a, n, f.seen), _l("现在由您负责。"),
        _l("其他同事仍可处理，列表里看得到是谁负责。"),
    ),
    "hold": Act(
        _l("暂缓工单"), ("hold_ticket",), (), lambda a, n, f: service.set_hold(a, n, f.seen, True), _l("工单已暂缓。"),
    ),
    "lift": Act(
        _l("解除暂缓"), ("lift_hold",), (), lambda a, n, f: service.set_hold(a, n, f.seen, False),
        _l("工单已解除暂缓。"),
    ),
}  # fmt: skip
FIRST: dict[str, tuple[str, ...]] = {"reportable": ("handover",), "closed": ()}


@bp.get("/safety")
@permit(SAFETY, hidden=True)
def queue() -> ResponseReturnValue:
    page = worklist.page(CASES, current_actor(), request.args)
    return render_template("safety/queue.html", page=page)


@bp.get("/safety/new")
@permit(SAFETY, hidden=True)
def new() -> ResponseReturnValue:
    return render_template("safety/new.html", form=FileForm(formdata=None, ticket=request.args.get("ticket", "")[:20]))


@bp.post("/safety/new")
@permit(SAFETY, hidden=True)
def file_case() -> ResponseReturnValue:
    actor, form = current_actor(), FileForm()
    try:
        with savepoint():
            given = (form.ticket.data or "", form.how.data or "", form.aware, form.text.data or "")
            row = service.file_case(actor, *given)
    except Invalid as refusal:
        form.take(refusal)
        return render_template("safety/new.html", form=form), 422
    except Conflict as refusal:
        return render_template("safety/new.html", form=form, refusal=refusal), refusal.status
    toasts.show("done", _("已立案 %(number)s。", number=row.number))
    return redirect(url_for(".case", number=row.number), 303)


@bp.get("/safety/<number>")
@permit(SAFETY, hidden=True, evidence=True)
def case(number: str) -> ResponseReturnValue:
    """Opening it is an event of the audit log: who read a confidential file must be known."""
    actor = current_actor()
    found = queries.find(actor, number)
    audit.record("safety_case.viewed", actor, "safety_case", found.row.id)
    return _draw(found)


@bp.post(f"/safety/<number>/<any({NAMES}):act>")
@permit(SAFETY, hidden=True)
def do(number: str, act: str) -> ResponseReturnValue:
    """One step; refused, the page comes back with everything that was typed."""
    actor, form, chosen = current_actor(), CaseForm(), ACTS[act]
    try:
        with savepoint():
            chosen.do(actor, number, form)
    except NotFound:
        raise
    except DomainError as refusal:
        return _draw(queries.find(actor, number), act, form, refusal), refusal.status
    toasts.show("done", f"{number.upper()} · {chosen.done}")
    return redirect(url_for(".case", number=number.upper()), 303)


def _draw(found: Case, act: str = "", typed: CaseForm | None = None, refusal: DomainError | None = None) -> str:
    row, names = found.row, _possible(found)
    forms = {name: _form(found, typed if name == act else None, name) for name in names}
    if typed is not None and act in forms and isinstance(refusal, Invalid):
        typed.take(refusal)
    first = [name for name in _first(found) if name in names]
    return render_template(
        "safety/case.html", case=found, row=row, ticket=found.ticket, acts=ACTS, forms=forms, first=first, act=act,
        others=[name for name in names if name not in first], refusal=refusal, words=words, now=clock.now(),
        limits=_limits(),
    )  # fmt: skip


def _form(found: Case, typed: CaseForm | None, name: str) -> CaseForm:
    form = typed if typed is not None else CaseForm(formdata=None, prefix="")
    form.offer(found.row, {one.step for one in found.running})
    if typed is None and name == "handover":
        form.handed_at.data = clock.now().astimezone(SHANGHAI).replace(tzinfo=None, second=0, microsecond=0)
    for field in form:  # several forms stand on one page
        if field.id != "csrf_token":
            field.id = f"{name}-{field.name}"
            field.label.field_id = field.id
    return form


def _possible(found: Case) -> list[str]:
    """Acts that the table lists for this status, without those whose guard would refuse whatever is typed."""
    listed = {row.action for row in workflow.transitions if row.source == found.row.status}
    running = {one.step for one in found.running}
    none = {
        "judge": found.row.kind == "group",
        "handover": found.row.status != "reportable" and not running & {"first", "follow_up"},
        "hold": found.ticket.safety_hold,
        "lift": not found.ticket.safety_hold,
        "close": bool(running),
        "take": found.row.owner_id == current_actor().id,
    }
    return [name for name, act in ACTS.items() if listed.intersection(act.actions) and not none.get(name)]


def _first(found: Case) -> tuple[str, ...]:
    """What comes next, in the order in which it is done."""
    if found.row.status == "open":
        urgent = ("handover",) if {one.step for one in found.running} & {"first", "follow_up"} else ()
        return ("judge",) if found.row.kind == "" else (*urgent, "decide")
    return FIRST.get(found.row.status, ("handover", "close") if found.running else ("close",))


def _limits() -> list[tuple[Any, Any, float]]:
    """The limits in force, for the foot of the page: kind, step, seconds."""
    return [(words.KINDS[k], words.STEPS[s], limit(k, s).total_seconds()) for k, s in LIMITS if k != ""]


@bp.get("/tickets/<number>/harm")
@permit(READ)
def ask_harm(number: str) -> ResponseReturnValue:
    return _tell(dossier.find(current_actor(), number).row.number, TellForm(formdata=None))


@bp.post("/tickets/<number>/harm")
@permit(READ)
def tell_harm(number: str) -> ResponseReturnValue:
    """Says the same whether there was a case or not."""
    actor, form = current_actor(), TellForm()
    ticket_id = find_ticket(actor, number, READ)
    try:
        with savepoint():
            service.tell(actor, ticket_id, form.harm.data or "", form.text.data or "")
    except (NotFound, Forbidden):
        raise
    except Invalid as refusal:
        form.take(refusal)
        return _tell(number, form), 422
    toasts.show("done", _("已转告负责的同事。"))
    return redirect(url_for("tickets.page", number=number), 303)


def _tell(number: str, form: TellForm) -> str:
    template = "safety/tell_body.html" if fragment_requested() else "safety/tell.html"
    return render_template(template, number=number, form=form)
