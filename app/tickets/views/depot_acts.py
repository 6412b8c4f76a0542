"""Acts of the bench: a page each with its form; refused ones keep what was typed and say what is missing."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from app.core.errors import DomainError, Forbidden, Invalid, NotFound
from app.core.policy import Actor, Permission, current_actor, permit
from app.core.unit_of_work import savepoint
from app.tickets import service
from app.tickets.bench import RELEASE_TESTS
from app.tickets.models import Ticket
from app.tickets.queries import depot as queries
from app.tickets.queries import dossier
from app.tickets.queries.depot import Workshop
from app.tickets.service import depot, depot_quote, depot_release
from app.tickets.views import depot_forms as forms
from app.tickets.views.depot import RELEASE, WORK, bp
from app.tickets.views.depot_words import workshop_words
from app.tickets.views.facts import head
from app.tickets.views.next import Next
from app.tickets.workflow import Status as S
from app.ui import toasts

READ = Permission.DEPOT_READ
NAMES = "receive, again, parts, account, quote, repair, test, send, deliver"
AWAY = (S.IN_DEPOT, S.WAIT_PARTS, S.WAIT_QUOTE, S.RELEASE_TEST, S.RETURNING, S.RESOLVED)
Do = Callable[[Actor, uuid.UUID, Any], Any]


def _always(_row: Ticket, _shop: Workshop) -> bool:
    return True


def _here(_row: Ticket, shop: Workshop) -> bool:
    return shop.open_leg is not None and shop.open_leg.holder == "depot"


@dataclass(frozen=True, slots=True)
class BenchAct:
    """One act: its words, who may, when it is offered, its form and what it does. ``main``: the step itself."""

    label: Any
    text: Any
    permission: Permission
    statuses: tuple[S, ...]
    form: type[forms.BenchForm]
    do: Do
    done: Any
    main: bool = False
    go: Any = None  # the word on the button that does it, where it is not the label
    suits: Callable[[Ticket, Workshop], bool] = _always


def _test(actor: Actor, ticket_id: uuid.UUID, form: forms.SheetForm) -> Any:
    """Two buttons over one sheet; without either nothing is decided."""
    verbs = {"release": depot_release.release, "fail": depot_release.fail}
    chosen = verbs.get(request.form.get("then", ""))
    if chosen is None:
        raise Invalid(fields={"then": [_l("请选择放行或退回维修。")]})
    return chosen(actor, ticket_id, form.seen, form.sheet)


ACTS: dict[str, BenchAct] = {
    "receive": BenchAct(
        _l("收件"), _l("先对封条，再拆封，对序列号，拍外观。序列号不一致不收；封条不符先问取件人，写明情况才能收。"),
        WORK,
        (S.COLLECTING,), forms.ReceiveForm, lambda a, i, f: depot.receive(a, i, f.seen, f.got, forms.uploads("photos")),
        _l("已收件，可以开始维修。"), main=True,
    ),
    "again": BenchAct(
        _l("再次收件"), _l("用户反映没有修好，设备重新回到返厂车间时记录。"), WORK, (S.IN_DEPOT,), forms.ReceiveForm,
        lambda a, i, f: depot.take_in(a, i, f.seen, f.got, forms.uploads("photos")), _l("已收件。"), main=True,
        suits=lambda _row, shop: shop.open_leg is None,
    ),
    "repair": BenchAct(
        _l("维修完成"), _l("写明查到的故障和所做的处理，交给没有参与维修的同事复检。"), WORK, (S.IN_DEPOT,),
        forms.RepairForm, lambda a, i, f: depot.finish_repair(
            a, i, f.seen, f.fault.data or "", f.action.data or "", f.steps),
        _l("维修记录已存，等复检。"), main=True, suits=_here,
    ),
    "quote": BenchAct(
        _l("报价"), _l("用户在小程序里接受或不接受这一版；等待期间返厂周期和解决时限暂停。"), WORK, (S.IN_DEPOT,),
        forms.QuoteForm, lambda a, i, f: depot_quote.send(a, i, f.seen, f.offer), _l("报价已发给用户。"),
        go=_l("发给用户"), suits=_here,
    ),
    "parts": BenchAct(
        _l("缺备件"), _l("列出所缺的备件；到齐后工单自动回到待维修。"), WORK, (S.IN_DEPOT,), forms.PartsForm,
        lambda a, i, f: depot.await_parts(a, i, f.seen, f.lines), _l("已转等备件。"),
        go=_l("转等备件"), suits=_here,
    ),
    "account": BenchAct(
        _l("备件去向"), _l("逐行记下到货、使用、退回或报废；工单关闭前每一行都要有去向。"), WORK, AWAY,
        forms.AccountForm, lambda a, i, f: depot.account_parts(a, i, f.seen, f.steps), _l("备件已更新。"),
        go=_l("保存"), suits=lambda _row, shop: bool(shop.open_parts),
    ),
    "test": BenchAct(
        _l("复检"), _l("必做项目全部合格、量具在校准期内才能放行；有一项不合格就退回维修。"), RELEASE,
        (S.RELEASE_TEST,), forms.SheetForm, _test, _l("复检结果已存。"), main=True,
    ),
    "send": BenchAct(
        _l("寄出"), _l("设备离开返厂车间：记下交给谁、单号和封条。"), WORK, (S.RETURNING,), forms.SendForm,
        lambda a, i, f: depot.send_back(a, i, f.seen, f.how), _l("已寄出。"), main=True, suits=_here,
    ),
    "deliver": BenchAct(
        _l("确认送达"), _l("看到科室的签收后再确认；用户会收到通知，三个工作日后自动关闭。"), WORK, (S.RETURNING,),
        forms.DeliverForm,
        lambda a, i, f: depot.confirm_delivery(a, i, f.seen, bool(f.signed.data), forms.uploads("photos")),
        _l("已确认送达。"), main=True, suits=lambda row, shop: not _here(row, shop),
    ),
}  # fmt: skip


def acts_for(actor: Actor, row: Ticket, shop: Workshop) -> list[tuple[str, BenchAct]]:
    """What this actor could do to this device now, the step itself last, where the solid button stands."""
    found = [
        (name, act)
        for name, act in ACTS.items()
        if actor.may(act.permission) and row.status in act.statuses and act.suits(row, shop)
    ]
    found = [one for one in found if one[0] != "account" or row.field_job is False]
    waits = row.status == S.WAIT_PARTS
    return sorted(found, key=lambda one: one[1].main or (waits and one[0] == "account"))


NEXT: dict[str, Next] = {
    S.COLLECTING: Next(_l("等包裹到，收件时对封条和序列号")),
    S.IN_DEPOT: Next(_l("查故障：维修、报价，或列出所缺的备件")),
    S.WAIT_PARTS: Next(_l("等备件到货，到齐后接着修")),
    S.WAIT_QUOTE: Next(_l("等用户答复报价"), "customer"),
    S.RELEASE_TEST: Next(_l("由没有参与维修的同事复检")),
    S.RETURNING: Next(_l("封好，交给快递或工程师")),
    S.RESOLVED: Next(_l("已送达，等用户确认"), "customer"),
}


def next_step(row: Ticket, shop: Workshop) -> Next | None:
    """What the depot has to do with it, in one sentence; None where the device is not its business."""
    if row.status == S.IN_DEPOT and shop.open_leg is None:
        return Next(_l("用户反映没有修好，等设备再次送到"))
    if row.status == S.RETURNING and not _here(row, shop):
        return Next(_l("已寄出，等科室签收"), "depot")
    return NEXT.get(row.status)


@bp.get(f"/<number>/<any({NAMES}):name>")
@permit(READ)
def act(number: str, name: str) -> ResponseReturnValue:
    actor, chosen = current_actor(), ACTS[name]
    service.find(actor, number, READ)
    actor.require(chosen.permission)
    form = chosen.form(formdata=None)
    if isinstance(form, forms.QuoteForm):
        form.propose()
    return _page(actor, number, name, form)


@bp.post(f"/<number>/<any({NAMES}):name>")
@permit(READ)
def do(number: str, name: str) -> ResponseReturnValue:
    """Do it and go back to the bench; a refusal asks again with what was typed."""
    actor, chosen = current_actor(), ACTS[name]
    ticket_id, form = service.find(actor, number, READ), chosen.form()
    actor.require(chosen.permission)
    try:
        with savepoint():
            chosen.do(actor, ticket_id, form)
    except NotFound:
        raise
    except DomainError as refusal:
        return _page(actor, number, name, form, refusal), refusal.status
    toasts.show("done", f"{number} · {chosen.done}")
    return redirect(url_for(".bench", number=number), 303)


def _page(actor: Actor, number: str, name: str, form: forms.BenchForm, refusal: DomainError | None = None) -> str:
    found = dossier.find(actor, number, READ)
    shop = queries.workshop(found.row.id)
    if refusal is None:
        form.version.data = str(found.row.version)
    if isinstance(refusal, Invalid):
        form.take(refusal)
    typed = request.form if refusal is not None else forms.used_by_default(shop.parts)
    return render_template(
        "tickets/depot_act.html", act=ACTS[name], name=name, form=form, refusal=refusal, typed=typed,
        part_rows=forms.table("part_number", "part_name", "part_quantity", "part_eta") or [{}] * forms.PART_ROWS,
        quote_rows=forms.table("line_name", "line_quantity", "line_price") or [{}] * forms.QUOTE_ROWS,
        tests=RELEASE_TESTS, pays=queries.pays(found.row), forbidden=isinstance(refusal, Forbidden),
        **workshop_words(shop), **head(actor, found),
    )  # fmt: skip
