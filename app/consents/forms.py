"""What a browser may send to publish a version of the policy."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import DateField, IntegerField, RadioField, TextAreaField
from wtforms.validators import InputRequired, Length
from wtforms.widgets import HiddenInput

from app.ui.forms import PortalForm

MOST_NOTE = 400  # as the column
_DAY = _l("请填写日期。")


class PublishForm(PortalForm):
    """The text is pasted or comes as a file; the service says what is wrong with it."""

    newest = IntegerField(widget=HiddenInput())
    updated_on = DateField(_l("更新日期"), [InputRequired(_DAY)])
    effective_on = DateField(_l("生效日期"), [InputRequired(_DAY)])
    material = RadioField(
        _l("这次改动"),
        [InputRequired(_l("请选择是否须重新征得同意。"))],
        choices=[
            ("yes", _l("涉及处理目的、方式、种类或接收方：所有人须重新同意")),
            ("no", _l("不涉及：已有的同意继续有效")),
        ],
    )
    change_note = TextAreaField(
        _l("变更说明"),
        [InputRequired(_l("请写明改了什么。")), Length(max=MOST_NOTE, message=_l("最多 400 个字。"))],
        description=_l("公开显示在政策页上。"),
    )
    file = FileField(_l("正文文件"), description=_l("UTF-8 编码的 .txt；与粘贴的正文二选一。"))
    text = TextAreaField(_l("粘贴正文"), description=_l("第一行是标题。"))
