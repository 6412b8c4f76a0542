"""The public policy pages: the version in force and every older one."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app.consents import document, queries
from app.consents.models import PolicyVersion
from app.core import numbers
from app.core.policy import public

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
