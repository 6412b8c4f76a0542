"""Forms of the settings pages."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import StringField
from wtforms.validators import InputRequired

from app.ui.forms import PortalForm


class NumberForm(PortalForm):
    value = StringField(_l("新的数值"), [InputRequired(_l("请填写数值。"))])


class CalendarForm(PortalForm):
    file = FileField(
        _l("日历文件"),
        [FileRequired(_l("请选择文件。"))],
        description=_l("CSV，表头 day,is_working,name；按国务院办公厅的放假通知逐日填写。"),
    )
