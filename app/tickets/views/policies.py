"""/tickets/policies: what is promised, the next version, and counting open tickets by it."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import clock
from app.core.calendar import Moved
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.policy import Permission, current_actor, permit
from app.tickets.facts import PRIORITY_LABELS
from app.tickets.models import SlaPolicy
from app.tickets.policy_forms import PolicyForm, PublishForm, RebaseForm
from app.tickets.queries import promised
from app.tickets.service import policies, rebase
from app.tickets.sla import content, policy
from app.tickets.sla.metrics import METRIC_LABELS, PAUSE_REASONS, TO_CUSTOMER
from app.ui import toasts
from app.ui.moves import moves_file, summary

bp = Blueprint("policies", __name__, url_prefix="/tickets/policies", template_folder="../templates")
MANAGE = Permission.PROMISES_MANAGE
WORDS = {
    "priorities": PRIORITY_LABELS, "metrics": METRIC_LABELS, "reasons": PAUSE_REASONS, "to_customer": TO_CUSTOMER,
    "content": content,
}  # fmt: skip


@bp.get("")
@permit(MANAGE)
def index() -> ResponseReturnValue:
    actor = current_actor()
    row = promised.in_office(actor)
    return render_template(
        "tickets/policies.html", row=row, found=content.of(row), draft=promised.draft(actor), now=clock.now(),
        versions=promised.versions(actor), rebases=promised.rebases(actor),
        behind=promised.open_tickets(actor, row.version), **WORDS,
    )  # fmt: skip


@bp.get("/versions/<int:number>")
@permit(MANAGE)
def version(number: int) -> ResponseReturnValue:
    """An older or coming version, as it was published."""
    row = next((one for one in promised.versions(current_actor()) if one.version == number), None)
    if row is None:
        raise NotFound()
    return render_template("tickets/policy_version.html", row=row, found=content.of(row), **WORDS)


@bp.get("/draft")
@permit(MANAGE)
def edit() -> ResponseReturnValue:
    draft = promised.draft(current_actor())
    found = content.read(draft.content) if draft else content.of(policy.latest())
    return _form(PolicyForm.of(found, draft.note if draft else "", draft.edition if draft else 0))


@bp.post("/draft")
@permit(MANAGE)
def save() -> ResponseReturnValue:
    form, status = PolicyForm(), 422
    if form.validate_on_submit():
        try:
            policies.save_draft(current_actor(), form.content(), form.note.data or "", seen=form.edition)
            return redirect(url_for(".compare"), 303)
        except Invalid as refusal:
            form.take(refusal)
        except Conflict as refusal:
            form.form_errors.append(str(refusal.message))
            status = 409
    return _form(form, status)


def _form(form: PolicyForm, status: int = 200) -> ResponseReturnValue:
    return render_template("tickets/policy_form.html", form=form, base=policy.latest(), **WORDS), status


@bp.get("/draft/compare")
@permit(MANAGE)
def compare() -> ResponseReturnValue:
    return _compare(PublishForm(formdata=None, data={"from_day": clock.today()}))


@bp.post("/draft/publish")
@permit(MANAGE, step_up=True)
def publish() -> ResponseReturnValue:
    form, status = PublishForm(), 422
    if form.validate_on_submit() and form.from_day.data is not None:
        try:
            made = policies.publish(current_actor(), form.from_day.data, seen=_number(form.seen.data))
            toasts.show("done", _("第 %(n)s 版已发布。未结工单仍按原来的版本计时。", n=made.version))
            return redirect(url_for(".index"), 303)
        except Invalid as refusal:
            form.take(refusal)
        except (Conflict, Forbidden) as refusal:
            form.form_errors.append(str(refusal.message))
            status = refusal.status
    return _compare(form, status)


@bp.post("/draft/drop")
@permit(MANAGE)
def drop() -> ResponseReturnValue:
    policies.drop_draft(current_actor(), seen=_number(request.form.get("seen")))
    toasts.show("done", _("草稿已放弃。"))
    return redirect(url_for(".index"), 303)


def _compare(form: PublishForm, status: int = 200) -> ResponseReturnValue:
    actor = current_actor()
    draft, base = promised.draft(actor), policy.latest()
    if draft is None:
        return render_template("tickets/policy_compare.html", draft=None, form=form, base=base), status
    new = content.read(draft.content)
    moves = summary(promised.under_policy(actor, new, base.version + 1))
    page = render_template(
        "tickets/policy_compare.html", draft=draft, form=form, base=base, own=draft.drafted_by == actor.id,
        changes=list(content.changes(content.of(base), new)), moves=moves,
    )  # fmt: skip
    return page, status


@bp.get("/rebase")
@permit(MANAGE)
def rebase_preview() -> ResponseReturnValue:
    """Which deadlines of open tickets the version in force would move; nothing moves by looking."""
    return _rebase(RebaseForm(formdata=None))


@bp.post("/rebase")
@permit(MANAGE, step_up=True)
def rebase_open() -> ResponseReturnValue:
    form, status = RebaseForm(), 422
    if form.validate_on_submit():
        try:
            rebase.to_policy(current_actor(), form.note.data or "", seen_version=_number(form.seen.data))
            toasts.show("done", _("正在逐张改期，进度见改期记录。已停的时钟不动。"))
            return redirect(url_for(".index", _anchor="rebases"), 303)
        except Invalid as refusal:
            form.take(refusal)
        except Conflict as refusal:
            form.form_errors.append(str(refusal.message))
            status = 409
    return _rebase(form, status)


@bp.get("/rebase/export")
@permit(MANAGE, evidence=True)
def rebase_file() -> ResponseReturnValue:
    row, moves = _moves()
    return moves_file(f"policy-{row.version}", moves, request.args.get("format", "csv"))


def _moves() -> tuple[SlaPolicy, Iterator[Moved]]:
    actor = current_actor()
    row = promised.in_office(actor)
    return row, promised.under_policy(actor, content.of(row), row.version)


def _rebase(form: RebaseForm, status: int = 200) -> ResponseReturnValue:
    row, moves = _moves()
    form.seen.data = str(row.version)
    return render_template("tickets/policy_rebase.html", row=row, form=form, moves=summary(moves)), status


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0
