"""The form that proposes a legal hold."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import DateField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.registrations.images.service import REASON_MAX
from app.ui.forms import PortalForm


class HoldForm(PortalForm):
    until = DateField(_l("保留到"), [InputRequired(_l("请选择截止日期。"))])
    reason = TextAreaField(
        _l("依据"),
        [InputRequired(_l("请写明依据。")), Length(max=REASON_MAX)],
        description=_l("例如案号、争议或监管要求；加密保存。"),
    )
