"""Saved views: the dialog that lists them, saving, renaming, deleting, and which one the list opens with."""

from __future__ import annotations

import uuid

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import Invalid
from app.core.policy import current_actor, signed_in
from app.core.worklist import Worklist, choice
from app.lists import queries, service
from app.lists.forms import RenameForm, ViewForm
from app.lists.views import bp, layout, state, state_query
from app.staff.roles import ROLES
from app.ui import toasts


@bp.get("/lists/<key>/views")
@signed_in()
def views(key: str) -> ResponseReturnValue:
    return _page(queries.worklist(current_actor(), key), ViewForm(formdata=None))


@bp.post("/lists/<key>/views")
@signed_in()
def save_view(key: str) -> ResponseReturnValue:
    actor, form = current_actor(), ViewForm()
    of = queries.worklist(actor, key)
    if form.validate_on_submit():
        try:
            row = service.save_view(actor, of, str(form.name.data), state(), share_with=form.share_with.data or "")
            toasts.show("done", _("视图“%(name)s”已保存。", name=row.name))
            return redirect(queries.address(of, state_query()), 303)
        except Invalid as error:
            form.take(error)
    return _page(of, form, 422)


def _page(of: Worklist, form: ViewForm, status: int = 200) -> ResponseReturnValue:
    actor = current_actor()
    roles = [(role.value, ROLES[role].label) for role in queries.shareable(actor, of)]
    form.share_with.choices = [("", _("只给自己")), *roles]
    kept = choice.state_of(of, state())
    page = render_template(
        "lists/views.html",
        layout=layout(),
        of=of,
        form=form,
        query=state_query(),
        words=queries.state_words(of, kept),
        left_out=choice.names_a_customer(of, state()),
        views=queries.views(actor, of),
        has_start=bool(choice.kept(of, actor).get("start")),
        may_share=bool(roles),
        back_url=queries.address(of, state_query()),
    )
    return page, status


@bp.get("/lists/views/<uuid:view_id>")
@signed_in()
def view(view_id: uuid.UUID) -> ResponseReturnValue:
    """One's own view, to be renamed."""
    row = queries.own_view(current_actor(), view_id)
    return _rename_page(view_id, RenameForm(formdata=None, data={"name": row.name}))


@bp.post("/lists/views/<uuid:view_id>")
@signed_in()
def rename_view(view_id: uuid.UUID) -> ResponseReturnValue:
    actor, form = current_actor(), RenameForm()
    queries.own_view(actor, view_id)
    if form.validate_on_submit():
        try:
            row = service.rename_view(actor, view_id, str(form.name.data))
            toasts.show("done", _("视图已改名为“%(name)s”。", name=row.name))
            return redirect(url_for(".views", key=row.worklist), 303)
        except Invalid as error:
            form.take(error)
    return _rename_page(view_id, form, 422)


def _rename_page(view_id: uuid.UUID, form: RenameForm, status: int = 200) -> ResponseReturnValue:
    row = queries.own_view(current_actor(), view_id)
    of = queries.worklist(current_actor(), row.worklist)
    return render_template("lists/rename.html", layout=layout(), of=of, view=row, form=form), status


@bp.post("/lists/views/<uuid:view_id>/delete")
@signed_in()
def delete_view(view_id: uuid.UUID) -> ResponseReturnValue:
    row = service.delete_view(current_actor(), view_id)
    toasts.show("done", _("视图“%(name)s”已删除。", name=row.name))
    return redirect(url_for(".views", key=row.worklist), 303)


@bp.post("/lists/<key>/start")
@signed_in()
def start(key: str) -> ResponseReturnValue:
    """Open the list in this state from now on, or as it is declared when ``clear`` is sent."""
    actor = current_actor()
    of = queries.worklist(actor, key)
    if request.form.get("clear"):
        service.forget_start(actor, of)
        toasts.show("done", _("列表恢复为默认打开方式。"))
        return redirect(url_for(".views", key=key), 303)
    service.start_with(actor, of, state())
    toasts.show("done", _("以后打开这个列表时先显示这个视图。"))
    return redirect(queries.address(of, state_query()), 303)
