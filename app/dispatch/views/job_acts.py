"""Acts of a job: a page each with its form, so that everything works without scripts and on a bad connection.

A form that was sent already is answered with what was saved and when. A refusal asks again with all that was typed; one
about a job that is no longer mine is told on the list.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.clock import SHANGHAI
from app.core.errors import DomainError, Forbidden, Invalid, NotFound
from app.core.policy import Actor, Permission, current_actor, permit
from app.core.unit_of_work import savepoint
from app.dispatch.queries import jobs as queries
from app.dispatch.queries.job_files import photos
from app.dispatch.queries.jobs import Job
from app.dispatch.service import jobs as verbs
from app.dispatch.service import once
from app.dispatch.service.once import Saved
from app.dispatch.service.prove import NotEligible
from app.dispatch.sheet import sheet_for
from app.dispatch.stages import Stage
from app.dispatch.views import job_forms as forms
from app.dispatch.views.visiting import jobs_bp as bp
from app.tickets.bench import FIELD_PART_STEPS, PART_STATES
from app.tickets.service.field_parts import open_lines
from app.tickets.views.depot_forms import PART_ROWS, table, uploads
from app.tickets.workflow import Status as S
from app.ui import toasts

VISIT = Permission.VISITS_DO
NAMES = "accept, decline, move, arrive, photos, finish, collect, parts, stuck, deliver"
Do = Callable[[Actor, uuid.UUID, Any], Saved]
SIGNED = ("finish", "collect", "deliver")


def _always(_job: Job) -> bool:
    return True


def _collects(job: Job) -> bool:
    return job.found.mode == "collect"


@dataclass(frozen=True, slots=True)
class JobAct:
    """One act. ``main``: whether it is the next step of this job."""

    label: Any
    text: Any
    statuses: tuple[S, ...]
    form: type[forms.JobForm]
    do: Do
    done: Any
    main: Callable[[Job], bool] = lambda _job: False
    suits: Callable[[Job], bool] = _always
    icon: str = ""
    go: Any = None  # the word on the button that does it, where it is not the label


ACTS: dict[str, JobAct] = {
    "accept": JobAct(
        _l("接单"), _l("按计划的时间接单；已和科室另约时间时在这里改。接单后显示联系人。"), (S.OFFERED,),
        forms.AcceptForm, lambda a, i, f: verbs.accept(a, i, f.key, f.span), _l("已接单"), main=_always, icon="tick",
    ),
    "decline": JobAct(
        _l("拒绝"), _l("工单回到调度，本轮不再问您。"), (S.OFFERED,), forms.DeclineForm,
        lambda a, i, f: verbs.decline(a, i, f.key, f.why), _l("已拒绝"), icon="x",
    ),
    "arrive": JobAct(
        _l("扫序列号，确认到达"), _l("到达时间现在记下。序列号须与工单一致；扫不了时选原因。"), (S.SCHEDULED,),
        forms.ArriveForm, lambda a, i, f: verbs.arrive(a, i, f.key, f.serial.data or "", f.reason.data or ""),
        _l("到达已记录"), main=lambda job: not _collects(job), icon="scan",
    ),
    "finish": JobAct(
        _l("完成维修"), _l("必做测试全部合格、备件写明去向、拍下处理后的样子、科室签字，四样都有才能完成。"),
        (S.ON_SITE,), forms.FinishForm, lambda a, i, f: verbs.finish(a, i, f.key, f.repair), _l("维修已完成"),
        main=lambda job: not _collects(job) and job.row.may_repair, suits=lambda job: job.row.may_repair, icon="tick",
    ),
    "collect": JobAct(
        _l("取件返厂"), _l("没有洗消声明不能取件；组长可以批准按生物危害包装。"), (S.SCHEDULED, S.ON_SITE),
        forms.CollectForm, lambda a, i, f: verbs.collect(a, i, f.key, f.taken, f.signed), _l("取件已记录"),
        main=lambda job: _collects(job) or (job.status == S.ON_SITE and not job.row.may_repair), icon="tray",
    ),
    "photos": JobAct(
        _l("拍照"), _l("照片加密保存，看的人姓名印在照片上。不要拍到患者和病历。"), (S.SCHEDULED, S.ON_SITE),
        forms.PhotosForm, lambda a, i, f: verbs.add_photos(a, i, f.key, uploads("photos")), _l("照片已保存"),
        go=_l("保存照片"), icon="plus",
    ),
    "parts": JobAct(
        _l("缺备件，等到货"), _l("列出所缺的备件；到货后由调度再约时间。"), (S.ON_SITE,), forms.PartsForm,
        lambda a, i, f: verbs.await_parts(a, i, f.key, f.lines), _l("已转等备件"), suits=lambda job: job.row.may_repair,
        icon="clock",
    ),
    "stuck": JobAct(
        _l("今天修不了"), _l("写明还需要什么。再来一次的时间须在您的证书和合同有效期内。"), (S.ON_SITE,),
        forms.StuckForm, lambda a, i, f: verbs.cannot_fix(a, i, f.key, f.stuck), _l("已记录"), icon="undo",
        go=_l("保存"),
    ),
    "move": JobAct(
        _l("改时间"), _l("改期会通知用户。超过次数时须由组长处理。"), (S.SCHEDULED,), forms.MoveForm,
        lambda a, i, f: verbs.reschedule(a, i, f.key, f.wanted), _l("时间已保存"), go=_l("保存"),
        main=lambda job: job.visit is not None and job.visit.window_from is None and not _collects(job), icon="clock",
    ),
    "deliver": JobAct(
        _l("送回签收"), _l("科室签收后用户会收到通知。"), (S.RETURNING,), forms.DeliverForm,
        lambda a, i, f: verbs.give_back(a, i, f.key, f.signed), _l("送回已签收"), main=_always, icon="tick",
    ),
}  # fmt: skip


def acts_for(_actor: Actor, job: Job) -> Sequence[tuple[str, JobAct]]:
    """What can be done to it now, the next step first."""
    if job.stage is Stage.OVER:
        return []
    found = [(name, act) for name, act in ACTS.items() if job.status in act.statuses and act.suits(job)]
    return sorted(found, key=lambda one: (not one[1].main(job), one[0] != "move"))


@bp.get(f"/<number>/<any({NAMES}):name>")
@permit(VISIT)
def ask(number: str, name: str) -> ResponseReturnValue:
    job = queries.find(current_actor(), number)
    form = ACTS[name].form(formdata=None)
    if isinstance(form, forms.MoveForm) and job.visit is not None and job.visit.window_from is None:
        form.first.data = "1"
    return _page(job, name, form)


@bp.post(f"/<number>/<any({NAMES}):name>")
@permit(VISIT)
def act(number: str, name: str) -> ResponseReturnValue:
    """Do it once and go back to the job."""
    actor, form = current_actor(), ACTS[name].form()
    dispatch_id = queries.asked(actor, number)
    saved = once.earlier(actor, form.key)
    try:
        if saved is None:
            with savepoint():
                saved = ACTS[name].do(actor, dispatch_id, form)
    except NotFound:
        raise
    except DomainError as refusal:
        return _refused(actor, number, name, form, refusal)
    _tell(number.upper(), saved)
    return redirect(url_for(".page", number=number) if queries.still_open(actor, number) else url_for(".index"), 303)


def _tell(number: str, saved: Saved) -> None:
    words, at = ACTS[saved.action].done, saved.at.astimezone(SHANGHAI).strftime("%m-%d %H:%M")
    if saved.again:
        told = _("%(number)s：%(at)s 已保存过“%(what)s”，这次没有重复。", number=number, at=at, what=words)
        toasts.show("act", told)
    else:
        toasts.show("done", _("%(number)s：%(what)s，%(at)s 已保存。", number=number, what=words, at=at))


def _refused(actor: Actor, number: str, name: str, form: forms.JobForm, refusal: DomainError) -> Any:
    from app.dispatch.views.jobs import draw_list

    try:
        job = queries.find(actor, number)
    except NotFound:
        return draw_list(actor, refusal)
    return _page(job, name, form, refusal), refusal.status


def _page(job: Job, name: str, form: forms.JobForm, refusal: DomainError | None = None) -> str:
    form.begin()
    if isinstance(refusal, Invalid):
        form.take(refusal)
    typed = request.form if refusal is not None else {}
    sheet = sheet_for(job.row)
    lines = open_lines(job.row.id) if name == "finish" else ()
    return render_template(
        "dispatch/job_act.html", act=ACTS[name], name=name, form=form, refusal=refusal, typed=typed, job=job,
        row=job.row, signs=name in SIGNED, sheet=sheet, lines=lines, part_states=PART_STATES,
        part_steps=FIELD_PART_STEPS, today=clock.today(),
        part_rows=table("part_number", "part_name", "part_quantity", "part_eta") or [{}] * _rows(name),
        failed=refusal.failed if isinstance(refusal, NotEligible) else (),
        forbidden=isinstance(refusal, Forbidden), taken=len(photos(job)) if name == "finish" else 0,
    )  # fmt: skip


def _rows(name: str) -> int:
    return PART_ROWS if name == "parts" else forms.ROWS
