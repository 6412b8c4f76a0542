"""What a browser may send about views, columns and exports."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectField, StringField
from wtforms.validators import InputRequired

from app.ui.forms import PortalForm


class ViewForm(PortalForm):
    """A new saved view; the service says what is wrong with a name."""

    name = StringField(_l("名字"), [InputRequired(_l("请给视图起个名字。"))])
    share_with = SelectField(_l("共享给"), choices=[], validate_choice=False)


class RenameForm(PortalForm):
    name = StringField(_l("新名字"), [InputRequired(_l("请给视图起个名字。"))])


class ExportForm(PortalForm):
    """Format and columns of a file."""

    format = RadioField(
        _l("格式"),
        [InputRequired(_l("请选择格式。"))],
        choices=[("xlsx", "Excel (XLSX)"), ("csv", "CSV")],
        default="xlsx",
    )
    columns = RadioField(
        _l("列"),
        [InputRequired(_l("请选择列。"))],
        choices=[("shown", _l("列表里显示的列，按我的顺序")), ("all", _l("全部可导出的列"))],
        default="shown",
    )
