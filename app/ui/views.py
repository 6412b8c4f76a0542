"""The face's own pages: palette results, help, the page of tokens and components."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from flask import Blueprint, current_app, render_template, request, send_from_directory
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired

from app.core import clock
from app.core.policy import Permission, current_actor, permit, public, signed_in
from app.ui import palette as palette_search
from app.ui import samples
from app.ui.assets import IMMUTABLE
from app.ui.forms import PortalForm
from app.ui.help import help_pages

bp = Blueprint("ui", __name__, template_folder="templates")


@bp.post("/ui/palette")
@signed_in()
def palette() -> ResponseReturnValue:
    """Results of the command palette, as a fragment. By POST, as people are searched for by name and phone."""
    groups = palette_search.search(current_actor(), request.form.get("q", ""))
    return render_template("ui/palette_results.html", groups=groups)


@bp.get("/ui/js/<version>/<name>")
@public("scripts hold no data")
def module(version: str, name: str) -> ResponseReturnValue:
    """A module of static/js under the hash of all of them, so that relative imports stay within it."""
    response = send_from_directory(Path(current_app.static_folder or "") / "js", name)
    current = version == current_app.extensions["assets"].modules_hash()
    response.headers["Cache-Control"] = IMMUTABLE if current else "no-cache"
    return response


@bp.get("/help")
@signed_in()
def help_index() -> ResponseReturnValue:
    actor = current_actor()
    pages = [page for page in help_pages if page.permission is None or actor.may(page.permission)]
    return render_template("help/index.html", pages=pages)


class SampleForm(PortalForm):
    """Fields of the style page; it is never sent."""

    name = StringField(_l("姓名"), [InputRequired()], description=_l("与工作证一致"))
    hospital = SelectField(
        _l("医院"), render_kw={"lang": "zh-CN"}, choices=[("1", "华东第一示范医院"), ("2", "东海样例人民医院")]
    )
    note = TextAreaField(_l("内部备注"))
    told = BooleanField(_l("已电话告知"))


@bp.get("/help/style")
@permit(Permission.STYLE_READ)
def help_style() -> ResponseReturnValue:
    form = SampleForm(formdata=None)
    form.name.errors = [_("请填写姓名。")]
    return render_template(
        "help/style.html", form=form, now=clock.now(), hour=timedelta(hours=1), charts=samples.CHARTS
    )
