"""Forms of the safety pages. One form per act, all of one class: only the act's fields are drawn."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import DateTimeLocalField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import Optional

from app.core.clock import SHANGHAI
from app.safety.kinds import Kind, worse
from app.safety.models import SafetyCase
from app.safety.service import Seen
from app.safety.service.extend import HANDED
from app.safety.words import FITTING, HOW, HOW_BY_HAND, KINDS, OUTCOMES, REASONS_NO, REASONS_YES, STEPS
from app.tickets.facts import Harm
from app.ui.forms import PortalForm


def _at(field: DateTimeLocalField) -> datetime | None:
    return field.data.replace(tzinfo=SHANGHAI) if field.data is not None else None


class CaseForm(PortalForm):
    """What an act on a case may ask for; the verb says what is missing."""

    version = StringField(validators=[Optional()])
    kind = RadioField(_l("伤害类别"), validate_choice=False, validators=[Optional()])
    report = RadioField(
        _l("须不须上报"), choices=[("yes", _l("须上报")), ("no", _l("不须上报"))], validate_choice=False,
        validators=[Optional()],
    )  # fmt: skip
    reason = SelectField(_l("原因"), validate_choice=False, validators=[Optional()])
    step = SelectField(_l("移交的是"), validate_choice=False, validators=[Optional()])
    to_name = StringField(_l("交给法规事务的谁"))
    handed_at = DateTimeLocalField(_l("移交时间"), validators=[Optional()], description=_l("北京时间。"))
    reference = StringField(_l("对方的编号"))
    outcome = SelectField(_l("结论"), validate_choice=False, validators=[Optional()])
    text = TextAreaField(_l("依据"))

    def offer(self, row: SafetyCase, running: set[str]) -> None:
        """The choices that make sense now."""
        self.kind.choices = [(k, KINDS[k]) for k in Kind if worse(k, Kind(row.kind))]
        yes = [(key, word) for key, word in REASONS_YES.items()]
        no = [(key, word) for key, word in REASONS_NO.items()]
        self.reason.choices = {"": [("", _l("请选择"))], str(_l("须上报")): yes, str(_l("不须上报")): no}
        steps = [s for s in HANDED if s in running or (s == "report" and row.status == "reportable")]
        self.step.choices = [(s, STEPS[s]) for s in steps]
        self.outcome.choices = [("", _l("请选择")), *((o, OUTCOMES[o]) for o in FITTING.get(row.status, ()))]
        if not self.version.data:
            self.version.data = str(row.version)

    @property
    def seen(self) -> Seen:
        value = self.version.data or ""
        return Seen(int(value) if value.isdigit() and len(value) < 10 else 0)

    @property
    def handed(self) -> datetime | None:
        return _at(self.handed_at)


class FileForm(PortalForm):
    """A case opened by the safety role."""

    ticket = StringField(_l("工单编号"), description=_l("例如 TKT-20261123-0042"))
    how = SelectField(_l("怎样知悉"), validate_choice=False)
    aware_at = DateTimeLocalField(
        _l("知悉时间"), validators=[Optional()], description=_l("公司任何人最早知道的时间，北京时间；时限从这时起算。")
    )
    text = TextAreaField(_l("得知了什么"))

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.how.choices = [("", _l("请选择")), *((key, HOW[key]) for key in HOW_BY_HAND)]

    @property
    def aware(self) -> datetime | None:
        return _at(self.aware_at)


class TellForm(PortalForm):
    """What any colleague passes on who learned of a harm."""

    harm = RadioField(
        _l("有没有患者或使用者受到伤害？"), choices=[(Harm.YES, _l("有人受伤")), (Harm.POSSIBLE, _l("可能"))],
        validate_choice=False, validators=[Optional()],
    )  # fmt: skip
    text = TextAreaField(_l("谁告诉您、发生了什么"), description=_l("加密保存，只有负责的同事能看；请不要再写进备注。"))
