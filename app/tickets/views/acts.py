"""Acts of the ticket's page that ask for a reason or words first: a page each, which the browser loads as a dialog."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import Optional

from app.core.errors import DomainError, Forbidden, Invalid, NotFound
from app.core.policy import Actor, Permission, current_actor, permit
from app.core.unit_of_work import savepoint
from app.core.web import fragment_requested
from app.tickets import service
from app.tickets.bench import RETURN_REASONS
from app.tickets.models import FAULT_MAX_CHARS, Ticket
from app.tickets.panels import TicketAction, ticket_actions
from app.tickets.queries import dossier
from app.tickets.service import Seen, depot, depot_quote, field
from app.tickets.service.repeat import name_earlier
from app.tickets.service.say import note as write_note
from app.tickets.triage import CANCEL_REASONS, MERGE_REASONS, RELEASE_REASONS, REOPEN_REASONS
from app.tickets.views import bp
from app.tickets.workflow import BEFORE_OFFER, BEFORE_VISIT, OPEN
from app.tickets.workflow import Status as S
from app.ui import toasts
from app.ui.forms import PortalForm

READ, TRIAGE, LEAD = Permission.TICKETS_READ, Permission.TICKETS_TRIAGE, Permission.TICKETS_LEAD
NAMES = (
    "release, answer, merge, cancel, close, objection, reopen, repeat, called, "
    "accepted, declined, unrepaired, biohazard"
)
Done = Callable[[Actor, uuid.UUID, "ActForm"], Any]


class ActForm(PortalForm):
    """Only the fields that the act asks for are drawn; the verb says what is missing."""

    version = StringField(validators=[Optional()])
    reason = SelectField(_l("原因"), validate_choice=False, validators=[Optional()])
    target = StringField(_l("哪一张工单"), description=_l("编号，例如 TKT-20261123-0042"))
    text = TextAreaField(_l("写明情况"))
    about = StringField(validators=[Optional()])

    @property
    def words(self) -> str:
        return self.text.data or ""

    @property
    def seen(self) -> Seen:
        value = self.version.data or ""
        return Seen(int(value) if value.isdigit() and len(value) < 10 else 0)


@dataclass(frozen=True, slots=True)
class Act:
    """One act: how it is asked, for which statuses, and what it does."""

    label: Any
    text: Any
    permission: Permission
    statuses: tuple[S, ...]
    fields: tuple[str, ...]
    do: Done
    done: Any
    reasons: Mapping[str, Any] | None = None
    kind: str = ""
    order: int = 50
    suits: Callable[[Actor, Ticket], bool] | None = None


def _object(actor: Actor, ticket_id: uuid.UUID, form: ActForm) -> Any:
    return service.record_objection(actor, ticket_id, form.text.data or "")


def _merge(actor: Actor, ticket_id: uuid.UUID, form: ActForm) -> Any:
    return service.merge(actor, ticket_id, form.seen, form.target.data or "", form.reason.data or "")


ACTS: dict[str, Act] = {
    "release": Act(
        _l("放回队列"), _l("填写的内容都保留，同事可以接着做。"), TRIAGE, (S.TRIAGING,), ("reason",),
        lambda a, i, f: service.release(a, i, f.reason.data or ""), _l("已放回队列。"), RELEASE_REASONS, order=40,
        suits=lambda actor, row: row.triager_id == actor.id or actor.may(LEAD),
    ),
    "answer": Act(
        _l("记录电话答复"), _l("用户在电话里回答了问题；记下之后由您继续分诊。"), TRIAGE, (S.NEED_INFO,), ("text",),
        lambda a, i, f: service.record_answer(a, i, f.text.data or ""), _l("已记录，请继续分诊。"), order=10,
    ),
    "close": Act(
        _l("通话后关闭"), _l("写明和谁确认、结果怎样。关闭后用户会收到通知。"), TRIAGE, (S.RESOLVED,), ("text",),
        lambda a, i, f: service.close(a, i, f.text.data or ""), _l("已关闭。"), order=10,
    ),
    "objection": Act(
        _l("用户说没有修好"), _l("工单回到原来的处理方式，解决时限接着算。"), TRIAGE, (S.RESOLVED,), ("text",),
        _object, _l("已记录，工单重新处理。"), order=20,
    ),
    "merge": Act(
        _l("并入另一张"), _l("这一张到此为止，照片和经过都保留，用户会看到新的编号；时限按较早的一张算。"), TRIAGE,
        BEFORE_OFFER, ("target", "reason"), _merge, _l("已并入。"), MERGE_REASONS, order=60,
    ),
    "cancel": Act(
        _l("代用户撤销"), _l("撤销后不能恢复，用户会收到通知，需要时可重新报修。"), LEAD, BEFORE_VISIT, ("reason",),
        lambda a, i, f: service.cancel(a, i, f.reason.data or ""), _l("已撤销。"), CANCEL_REASONS, "harm", 90,
    ),
    "reopen": Act(
        _l("重新打开"), _l("同一台设备的同一故障才重新打开；时限按新的一轮算。"), LEAD, (S.CLOSED,), ("reason",),
        lambda a, i, f: service.reopen(a, i, f.reason.data or ""), _l("已重新打开，等派工。"), REOPEN_REASONS, order=50,
    ),
    "accepted": Act(
        _l("用户接受报价"), _l("写明和谁、怎样确认的，例如通话时间或回传的文件。接受后返厂接着修。"), TRIAGE,
        (S.WAIT_QUOTE,), ("text",), lambda a, i, f: depot_quote.record_answer(a, i, f.seen, f.words, accept=True),
        _l("已记录，返厂继续维修。"), order=10,
    ),
    "declined": Act(
        _l("用户不接受报价"), _l("写明和谁、怎样确认的。设备将未经维修送回，并贴“未维修，请勿使用”标签。"), TRIAGE,
        (S.WAIT_QUOTE,), ("text",), lambda a, i, f: depot_quote.record_answer(a, i, f.seen, f.words, accept=False),
        _l("已记录，设备将送回。"), order=20,
    ),
    "unrepaired": Act(
        _l("不修送回"), _l("设备将未经维修送回，并贴“未维修，请勿使用”标签；用户会收到通知。"), LEAD, (S.IN_DEPOT,),
        ("reason",), lambda a, i, f: depot.return_unrepaired(a, i, f.reason.data or ""), _l("已转送回。"),
        RETURN_REASONS, "harm", 60,
    ),
    "biohazard": Act(
        _l("批准按生物危害包装取件"), _l("科室不能提供消毒声明时才批准；只对下一次取件有效，会记下是您批准的。"), LEAD,
        (S.SCHEDULED, S.ON_SITE), (), lambda a, i, _f: field.approve_biohazard(a, i), _l("已批准这一次取件。"),
        order=70, suits=lambda _actor, row: row.biohazard_by is None,
    ),
    "repeat": Act(
        _l("注明同一故障"), _l("同一台设备的同一故障，超过重新打开的期限后另立新单，在这里注明前一张。"), TRIAGE, OPEN,
        ("target",), lambda a, i, f: name_earlier(a, i, f.target.data or ""), _l("已注明前一张。"), order=70,
    ),
    "called": Act(
        _l("记录通话"), _l("消息没有送达，写明和谁通话、说了什么。只有员工看得到。"), TRIAGE, (), ("text",),
        lambda a, i, f: write_note(a, i, f.text.data or "", f.about.data or ""), _l("已记录通话。"),
    ),
}  # fmt: skip


def install() -> None:
    """Each act that goes by status stands in the page's head."""
    for name, act in ACTS.items():
        if act.statuses:
            ticket_actions.add(
                name,
                TicketAction(
                    name, act.label, "tickets.ask_act", act.permission, act.statuses, act.kind, act.order,
                    suits=act.suits, values={"act": name}, dialog=True,
                ),
            )  # fmt: skip


@bp.get(f"/<number>/act/<any({NAMES}):act>")
@permit(READ)
def ask_act(number: str, act: str) -> ResponseReturnValue:
    actor = current_actor()
    found = dossier.find(actor, number)
    actor.require(ACTS[act].permission)
    form = ActForm(formdata=None, about=request.args.get("about", "")[:120])
    return _page(found.row, act, form)


@bp.post(f"/<number>/act/<any({NAMES}):act>")
@permit(READ)
def do_act(number: str, act: str) -> ResponseReturnValue:
    """Do it and go back to the ticket; a refusal asks again with what was typed."""
    actor, form, chosen = current_actor(), ActForm(), ACTS[act]
    ticket_id = service.find(actor, number, READ)
    actor.require(chosen.permission)
    try:
        if len(form.text.data or "") > FAULT_MAX_CHARS:
            raise Invalid(fields={"text": [_l("最多 %(limit)s 个字。", limit=FAULT_MAX_CHARS)]})
        with savepoint():
            chosen.do(actor, ticket_id, form)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        found = dossier.find(actor, number)
        return _page(found.row, act, form, refusal), refusal.status if not fragment_requested() else 422
    toasts.show("done", f"{number} · {chosen.done}")
    return redirect(url_for(".triage" if act == "answer" else ".page", number=number), 303)


def _page(row: Ticket, name: str, form: ActForm, refusal: DomainError | None = None) -> str:
    act = ACTS[name]
    form.reason.choices = [("", _("请选择")), *(act.reasons or {}).items()]
    if not form.version.data:
        form.version.data = str(row.version)
    if isinstance(refusal, Invalid):
        fields = {"text" if key in ("note", "text") else key: words for key, words in refusal.fields.items()}
        form.take(Invalid(refusal.message, fields=fields))
    template = "tickets/ask_body.html" if fragment_requested() else "tickets/ask.html"
    return render_template(template, act=act, name=name, form=form, row=row, refusal=refusal, title=act.label)
