"""Import of engineers and dealers: a file, a trial row by row, then the import; nothing is written before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import render_template, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import StringField

from app.core import workbook
from app.core.errors import Invalid, TooLarge
from app.core.policy import Permission, current_actor, permit
from app.core.worklist import Chip
from app.core.worklist.export import table_file
from app.dispatch.service import imports
from app.dispatch.service.imports import Outcome, RowResult
from app.dispatch.views import people_bp as bp
from app.ui import toasts
from app.ui.forms import PortalForm

ENGINEERS, DEALERS = Permission.ENGINEERS_MANAGE, Permission.DEALERS_MANAGE
CHIPS: Mapping[str, Chip] = {
    Outcome.NEW: Chip(_l("新建"), "act", "dot"),
    Outcome.CHANGED: Chip(_l("更新"), "done", "dot"),
    Outcome.SAME: Chip(_l("没有变化"), "idle", "ring"),
    Outcome.REFUSED: Chip(_l("有误，跳过"), "late", "cross"),
}


class ImportForm(PortalForm):
    """A workbook for the trial; for the import the rows of that trial."""

    file = FileField(_l("表格文件"), description=_l("XLSX，第一行是表头，最多 1,000 行。先试算，不写入。"))
    rows = StringField()


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of import."""

    title: Any
    back: str  # endpoint of the list
    columns: Mapping[str, Any]
    run: Callable[..., list[RowResult]]
    hint: Any
    sample: tuple[str, ...]


KINDS: dict[str, Kind] = {
    "engineers": Kind(
        _l("导入工程师"), "engineers.index", imports.ENGINEER_COLUMNS, imports.engineers,
        _l("按邮箱找账号；一个人有几张证书就写几行。多个省份或产品线用顿号分开。"),
        ("engineer@demo.invalid", "上海服务点", "400-820-1000", "上海市、江苏省", "消化内镜", "1", "31.23", "121.47",
         "镜体维修", "YS-001", "2026-01-01", "2026-12-31"),
    ),
    "dealers": Kind(
        _l("导入经销商"), "dealers.index", imports.DEALER_COLUMNS, imports.partners,
        _l("按名称找经销商；合同在经销商页上登记。多个省份或产品线用顿号分开。"),
        ("示例经销商", "受托处理", "上海市", "消化内镜、主机与光源", "2", "31.23", "121.47"),
    ),
}  # fmt: skip


@bp.get("/engineers/import")
@permit(ENGINEERS)
def ask_engineers() -> ResponseReturnValue:
    return _page("engineers", ImportForm(formdata=None))


@bp.post("/engineers/import")
@permit(ENGINEERS)
def import_engineers() -> ResponseReturnValue:
    return _take("engineers")


@bp.get("/engineers/import/template.xlsx")
@permit(ENGINEERS)
def engineers_template() -> ResponseReturnValue:
    return _template("engineers")


@bp.get("/dealers/import")
@permit(DEALERS)
def ask_dealers() -> ResponseReturnValue:
    return _page("dealers", ImportForm(formdata=None))


@bp.post("/dealers/import")
@permit(DEALERS)
def import_dealers() -> ResponseReturnValue:
    return _take("dealers")


@bp.get("/dealers/import/template.xlsx")
@permit(DEALERS)
def dealers_template() -> ResponseReturnValue:
    return _template("dealers")


def _take(name: str) -> Any:
    """A file is tried; the rows of a trial are imported."""
    form, kind = ImportForm(), KINDS[name]
    apply = bool(form.rows.data)
    try:
        rows = workbook.unpack(form.rows.data or "", kind.columns) if apply else _read(form, kind)
    except (Invalid, TooLarge) as refused:
        form.take(refused if isinstance(refused, Invalid) else Invalid(fields={"file": [refused.message]}))
        return _page(name, form, status=422)
    results = kind.run(current_actor(), rows, apply=apply)
    done = sum(one.outcome in (Outcome.NEW, Outcome.CHANGED) for one in results)
    if apply:
        toasts.show("done", _("已写入 %(count)s 行。", count=done))
    return _page(name, form, results=results, packed="" if apply else workbook.pack(rows), done=done, applied=apply)


def _read(form: ImportForm, kind: Kind) -> list[workbook.SheetRow]:
    file = form.file.data
    if not file:
        raise Invalid(fields={"file": [_l("请选择文件。")]})
    return workbook.read(file.stream.read(workbook.MOST_BYTES + 1), kind.columns)


def _page(name: str, form: ImportForm, status: int = 200, **values: Any) -> Any:
    kind = KINDS[name]
    page = render_template(
        "dispatch/import.html", kind=kind, form=form, chips=CHIPS, action=url_for(f"people.import_{name}"),
        template_url=url_for(f"people.{name}_template"), **values,
    )  # fmt: skip
    return page, status


def _template(name: str) -> Any:
    kind = KINDS[name]
    file, media_type = table_file("xlsx", [str(head) for head in kind.columns.values()], [kind.sample])
    return send_file(file, mimetype=media_type, as_attachment=True, download_name=f"{name}.xlsx")
