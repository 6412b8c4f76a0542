"""Forms of the people's pages: a reason of a closed list and a note."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length

from app.customers.reasons import NOTE_MAX_CHARS, OTHER, choices
from app.ui.forms import PortalForm


class ReasonForm(PortalForm):
    """Why; ``kind`` is the list of reasons. Nothing is chosen beforehand."""

    reason = SelectField(_l("原因"), [InputRequired(_l("请选择原因。"))])
    note = TextAreaField(
        _l("说明"),
        [Length(max=NOTE_MAX_CHARS, message=_l("说明最多 200 个字。"))],
        description=_l("例如来电时间、工单编号；不要写个人信息。"),
    )

    def __init__(self, kind: type[StrEnum], **kw: Any) -> None:
        super().__init__(**kw)
        self.kind = kind
        self.reason.choices = [("", _("请选择")), *choices(kind)]

    def validate_note(self, field: Any) -> None:
        if self.reason.data == OTHER and not (field.data or "").strip():
            raise ValidationError(_("选择“其他”时请填写说明。"))

    @property
    def note_text(self) -> str:
        return self.note.data or ""
