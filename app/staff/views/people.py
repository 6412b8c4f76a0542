"""Accounts of others: list, person, invitation, roles, disabling."""

from __future__ import annotations

import uuid
from typing import Any

from flask import current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import worklist
from app.core.errors import Invalid
from app.core.policy import Permission, current_actor, permit
from app.staff import queries, service
from app.staff.forms import DisableForm, InviteForm, RoleForm, WecomForm
from app.staff.models import AccountState, StaffAccount
from app.staff.roles import ROLES
from app.staff.views import bp
from app.staff.views.sign_in import REFUSED
from app.staff.worklists import staff as staff_list
from app.ui import toasts


def _link(token: str) -> str:
    return url_for("staff.invitation", token=token, _external=True)


def _sent(account: StaffAccount, address: str) -> ResponseReturnValue:
    """After a link was sent: the person's page; in development the link itself is shown once."""
    if current_app.extensions["settings"].production:
        toasts.show("done", _("一次性链接已发到 %(email)s。", email=account.email))
        return redirect(url_for("staff.person", staff_id=account.id))
    return render_template("staff/link.html", account=account, address=address)


@bp.get("/staff")
@permit(Permission.STAFF_READ)
def index() -> ResponseReturnValue:
    return render_template("staff/index.html", page=worklist.page(staff_list, current_actor(), request.args))


@bp.get("/staff/<uuid:staff_id>")
@permit(Permission.STAFF_READ)
def person(staff_id: uuid.UUID) -> ResponseReturnValue:
    return render_template("staff/person.html", **_person(staff_id), form=_disable_form(staff_id, fresh=True))


def _person(staff_id: uuid.UUID, wecom: WecomForm | None = None) -> dict[str, Any]:
    """``wecom`` is the form as it came back with a mistake."""
    actor = current_actor()
    assignments = queries.assignments(actor, staff_id)
    account, own = queries.account(actor, staff_id), staff_id == actor.id
    return {
        "account": account,
        "live": account.state != AccountState.DISABLED,
        "may_manage": actor.may(Permission.STAFF_MANAGE) and not own,
        "may_grant": actor.may(Permission.ROLES_GRANT) and not own,
        "assignments": assignments,
        "granters": queries.names(a.granted_by for a in assignments),
        "sessions": queries.living_sessions(actor, staff_id),
        "holdings": service.holdings(actor, staff_id),
        "roles": ROLES,
        "own": own,
        "wecom": wecom or WecomForm(formdata=None, data={"wecom": account.wecom_user_id}),
    }


def _disable_form(staff_id: uuid.UUID, *, fresh: bool = False) -> DisableForm:
    form = DisableForm(formdata=None) if fresh else DisableForm()
    heirs = [(str(heir_id), name) for heir_id, name in queries.possible_heirs(current_actor(), staff_id)]
    form.heir.choices = [("", _("退回各自的队列")), *heirs]
    return form


@bp.get("/staff/new")
@permit(Permission.STAFF_MANAGE, step_up=True)
def invite() -> ResponseReturnValue:
    return render_template("staff/invite.html", form=InviteForm(formdata=None))


@bp.post("/staff/new")
@permit(Permission.STAFF_MANAGE, step_up=True)
def invite_post() -> ResponseReturnValue:
    """The account, its first role, and a one-time link."""
    form = InviteForm()
    if form.validate_on_submit():
        roles = [(form.role.data, form.bounds(), form.lead.data)] if form.role.data else []
        try:
            account, address = service.invite(
                current_actor(),
                str(form.email.data),
                str(form.name.data),
                link=_link,
                roles=roles,
                phone=form.phone.data or None,
                wecom=form.wecom.data or None,
            )
            return _sent(account, address)
        except Invalid as error:
            form.take(error)
    return render_template("staff/invite.html", form=form), REFUSED


@bp.post("/staff/<uuid:staff_id>/wecom")
@permit(Permission.STAFF_MANAGE, step_up=True)
def save_wecom(staff_id: uuid.UUID) -> ResponseReturnValue:
    """Set, change or take away the WeCom id."""
    form = WecomForm()
    if form.validate_on_submit():
        try:
            service.set_wecom_id(current_actor(), staff_id, form.wecom.data)
            toasts.show("done", _("企业微信账号已保存。") if form.wecom.data else _("通知改为发邮件。"))
            return redirect(url_for("staff.person", staff_id=staff_id))
        except Invalid as error:
            form.take(error)
    page = _person(staff_id, form)
    return render_template("staff/person.html", **page, form=_disable_form(staff_id, fresh=True)), REFUSED


@bp.post("/staff/<uuid:staff_id>/link")
@permit(Permission.STAFF_MANAGE, step_up=True)
def send_link(staff_id: uuid.UUID) -> ResponseReturnValue:
    """A new invitation, or a link to set a new password."""
    address = service.reset_password(current_actor(), staff_id, link=_link)
    return _sent(queries.account(current_actor(), staff_id), address)


@bp.get("/staff/<uuid:staff_id>/roles")
@permit(Permission.ROLES_GRANT, step_up=True)
def roles(staff_id: uuid.UUID) -> ResponseReturnValue:
    """Roles with their bounds; ``?role=`` fills the form with what is held."""
    held = {a.role: a for a in queries.assignments(current_actor(), staff_id)}
    chosen = held.get(request.args.get("role", ""))
    form = RoleForm(formdata=None)
    if chosen is not None:
        form.role.data, form.lead.data = chosen.role, chosen.lead
        form.reach.data = "country" if chosen.provinces is None else "some"
        form.provinces.data = chosen.provinces or []
    return _roles_page(staff_id, form)


def _roles_page(staff_id: uuid.UUID, form: RoleForm) -> str:
    actor = current_actor()
    account, assignments = queries.account(actor, staff_id), queries.assignments(actor, staff_id)
    return render_template(
        "staff/roles.html",
        form=form,
        account=account,
        assignments=assignments,
        granters=queries.names(a.granted_by for a in assignments),
        roles=ROLES,
        own=staff_id == actor.id,
    )


@bp.post("/staff/<uuid:staff_id>/roles")
@permit(Permission.ROLES_GRANT, step_up=True)
def save_role(staff_id: uuid.UUID) -> ResponseReturnValue:
    """Give a role, or change the bounds of one that is held."""
    form, actor = RoleForm(), current_actor()
    if form.validate_on_submit():
        held = {a.role for a in queries.assignments(actor, staff_id)}
        save = service.change_role if form.role.data in held else service.grant_role
        try:
            save(actor, staff_id, form.role.data, form.bounds(), form.lead.data)
            toasts.show("done", _("角色已保存，下一次请求起生效。"))
            return redirect(url_for("staff.roles", staff_id=staff_id))
        except Invalid as error:
            form.take(error)
    return _roles_page(staff_id, form), REFUSED


@bp.post("/staff/<uuid:staff_id>/roles/<role>/take")
@permit(Permission.ROLES_GRANT, step_up=True)
def take_role(staff_id: uuid.UUID, role: str) -> ResponseReturnValue:
    service.take_role(current_actor(), staff_id, role)
    toasts.show("done", _("角色已收回，下一次请求起生效。"))
    return redirect(url_for("staff.roles", staff_id=staff_id))


@bp.post("/staff/<uuid:staff_id>/sessions/<uuid:session_id>/end")
@permit(Permission.STAFF_MANAGE)
def end_session(staff_id: uuid.UUID, session_id: uuid.UUID) -> ResponseReturnValue:
    service.end_session(current_actor(), staff_id, session_id)
    toasts.show("done", _("这台设备已退出。"))
    return redirect(url_for("staff.person", staff_id=staff_id))


@bp.post("/staff/<uuid:staff_id>/sessions/end-all")
@permit(Permission.STAFF_MANAGE)
def end_sessions(staff_id: uuid.UUID) -> ResponseReturnValue:
    service.end_all_sessions(current_actor(), staff_id)
    toasts.show("done", _("这个账号的全部设备都已退出。"))
    return redirect(url_for("staff.person", staff_id=staff_id))


@bp.post("/staff/<uuid:staff_id>/second-factor/reset")
@permit(Permission.STAFF_MANAGE, step_up=True)
def reset_second_factor(staff_id: uuid.UUID) -> ResponseReturnValue:
    service.reset_second_factor(current_actor(), staff_id)
    toasts.show("done", _("两步验证已清除，下次登录时须重新设置。"))
    return redirect(url_for("staff.person", staff_id=staff_id))


@bp.post("/staff/<uuid:staff_id>/disable")
@permit(Permission.STAFF_MANAGE, step_up=True)
def disable(staff_id: uuid.UUID) -> ResponseReturnValue:
    """Close the account and hand over what it held."""
    form = _disable_form(staff_id)
    if not form.validate_on_submit():
        return render_template("staff/person.html", **_person(staff_id), form=form), REFUSED
    heir = uuid.UUID(form.heir.data) if form.heir.data else None
    moved = service.disable(current_actor(), staff_id, heir_id=heir)
    toasts.show("done", _("账号已停用，移交了 %(n)d 项工作。", n=moved))
    return redirect(url_for("staff.person", staff_id=staff_id))


@bp.post("/staff/<uuid:staff_id>/enable")
@permit(Permission.STAFF_MANAGE, step_up=True)
def enable(staff_id: uuid.UUID) -> ResponseReturnValue:
    """Open a disabled account again; a new one-time link, no roles."""
    address = service.enable(current_actor(), staff_id, link=_link)
    return _sent(queries.account(current_actor(), staff_id), address)
