"""The public policy pages: the version in force and every older one; and publishing the next."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.consents import document, queries, service
from app.consents.forms import PublishForm
from app.consents.models import PolicyVersion
from app.core import clock, numbers
from app.core.errors import Invalid
from app.core.policy import Permission, current_actor, permit, public
from app.ui import toasts

bp = Blueprint("consents", __name__, template_folder="templates")


@bp.get("/policy")
@public("the privacy policy must be readable before anybody agrees to it")
def policy() -> ResponseReturnValue:
    return _page(queries.current_version())


@bp.get("/policy/<int:no>")
@public("older versions of the privacy policy stay readable")
def policy_version(no: int) -> ResponseReturnValue:
    return _page(queries.version(no))


def _page(row: PolicyVersion) -> str:
    versions = queries.versions()
    return render_template(
        "consents/policy.html",
        row=row,
        title=document.title(row.text),
        parts=document.parts(row.text),
        versions=versions,
        is_current=row.no == versions[0].no,
        address=numbers.text("contact_address"),
        mailbox=numbers.text("contact_mailbox"),
    )


@bp.get("/privacy/policies")
@permit(Permission.POLICY_PUBLISH)
def versions() -> ResponseReturnValue:
    return render_template("consents/versions.html", versions=queries.versions())


@bp.get("/privacy/policies/new")
@permit(Permission.POLICY_PUBLISH, step_up=True)
def publish_form() -> ResponseReturnValue:
    today, newest = clock.today(), queries.current_version().no
    start = {"updated_on": today, "effective_on": today, "newest": newest}
    return _publish_page(PublishForm(formdata=None, data=start))


@bp.post("/privacy/policies/new")
@permit(Permission.POLICY_PUBLISH, step_up=True)
def publish() -> ResponseReturnValue:
    form = PublishForm()
    if form.validate_on_submit() and form.updated_on.data and form.effective_on.data:
        try:
            row = service.publish_version(
                current_actor(),
                service.text_of(form.text.data or "", form.file.data.stream if form.file.data else None),
                updated_on=form.updated_on.data,
                effective_on=form.effective_on.data,
                material=form.material.data == "yes",
                change_note=form.change_note.data or "",
                newest_seen=form.newest.data or 0,
            )
            toasts.show("done", _("第 %(no)s 版已发布。", no=row.no))
            return redirect(url_for(".policy"), 303)
        except Invalid as error:
            form.take(error)
    return _publish_page(form, 422)


def _publish_page(form: PublishForm, status: int = 200) -> ResponseReturnValue:
    return render_template("consents/publish.html", form=form, newest=queries.current_version()), status
