"""Forms of dealers and contracts."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField, DateField, FloatField, IntegerField, RadioField, SelectField, StringField
from wtforms import TextAreaField as Area
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import HiddenInput

from app.dealers.lines import LINE_LABELS
from app.dealers.models import ELEMENT_MAX_CHARS, NUMBER_MAX_CHARS, Dealer, DealerContract, DealerRole, SubEntrusting
from app.dealers.service import ContractData, DealerData
from app.dealers.service.contracts import ELEMENTS, END_REASONS
from app.dealers.words import AT_THE_END, ROLE_LABELS, SUB_ENTRUSTING
from app.hospitals import provinces
from app.staff.forms import CheckboxGroup
from app.ui.forms import PortalForm
from app.ui.frame import language

NOTHING = ("", "—")


class DealerForm(PortalForm):
    version = IntegerField(widget=HiddenInput(), validators=[Optional()])
    name = StringField(_l("名称"), [InputRequired(_l("请填写名称。")), Length(max=120)])
    role = RadioField(
        _l("处理角色"), choices=list(ROLE_LABELS.items()), default=DealerRole.ENTRUSTED.value,
        description=_l("受托处理：按我方指示；独立处理：以自己名义，须另行取得用户的单独同意。"),
    )  # fmt: skip
    provinces = CheckboxGroup(_l("服务区域"))
    product_lines = CheckboxGroup(_l("产品线"), choices=list(LINE_LABELS.items()))
    capacity = IntegerField(_l("每半天单数"), [InputRequired(_l("请填写数值。"))], default=2)
    lat = FloatField(_l("纬度"), [Optional()], description=_l("度；维修点的位置，不填则路程未知。"))
    lon = FloatField(_l("经度"), [Optional()])

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.provinces.choices = provinces.choices(language())

    @classmethod
    def of(cls, row: Dealer) -> DealerForm:
        names = ("version", "name", "role", "provinces", "product_lines", "capacity", "lat", "lon")
        return cls(formdata=None, data={name: getattr(row, name) for name in names})

    def values(self) -> DealerData:
        return DealerData(
            self.name.data or "", self.role.data or "", tuple(self.provinces.data or ()),
            tuple(self.product_lines.data or ()), self.capacity.data or 0, self.lat.data, self.lon.data,
        )  # fmt: skip


class ContractForm(PortalForm):
    """A draft: everything but the number and the days may still be missing."""

    version = IntegerField(widget=HiddenInput(), validators=[Optional()])
    number = StringField(_l("合同编号"), [InputRequired(_l("请填写编号。")), Length(max=NUMBER_MAX_CHARS)])
    valid_from = DateField(_l("第一天"), [InputRequired(_l("请填写日期。"))])
    valid_until = DateField(_l("最后一天"), [InputRequired(_l("请填写日期。"))])
    purpose = Area(ELEMENTS["purpose"], [Length(max=ELEMENT_MAX_CHARS)])
    term = Area(ELEMENTS["term"], [Length(max=ELEMENT_MAX_CHARS)])
    method = Area(ELEMENTS["method"], [Length(max=ELEMENT_MAX_CHARS)])
    data_kinds = Area(ELEMENTS["data_kinds"], [Length(max=ELEMENT_MAX_CHARS)])
    measures = Area(ELEMENTS["measures"], [Length(max=ELEMENT_MAX_CHARS)])
    duties = Area(ELEMENTS["duties"], [Length(max=ELEMENT_MAX_CHARS)])
    supervision = Area(ELEMENTS["supervision"], [Length(max=ELEMENT_MAX_CHARS)])
    at_the_end = SelectField(ELEMENTS["at_the_end"], choices=[NOTHING, *AT_THE_END.items()], default="")
    assessment_id = StringField(_l("影响评估编号"), [Length(max=NUMBER_MAX_CHARS)], description=_l("委托前须完成。"))
    sub_entrusting = SelectField(
        _l("转委托"), choices=list(SUB_ENTRUSTING.items()), default=SubEntrusting.FORBIDDEN.value
    )
    may_repair = BooleanField(_l("可以现场维修"))
    may_collect = BooleanField(_l("可以取件返厂"))
    file = FileField(_l("合同文件"), description=_l("PDF，不超过 10 MB；加密保存。"))

    @classmethod
    def of(cls, row: DealerContract) -> ContractForm:
        skipped = {"csrf_token", "file"}
        return cls(formdata=None, data={name: getattr(row, name) for name in cls._names() if name not in skipped})

    @classmethod
    def _names(cls) -> list[str]:
        return [
            "version", "number", "valid_from", "valid_until", *ELEMENTS, "assessment_id", "sub_entrusting",
            "may_repair", "may_collect",
        ]  # fmt: skip

    @property
    def elements(self) -> list[Any]:
        return [self._fields[name] for name in ELEMENTS]

    def suggest(self, until: str, today: date) -> None:
        """The last day that a planned visit needs, as the candidate panel named it."""
        try:
            self.valid_until.data = date.fromisoformat(until)
        except ValueError:
            return
        self.valid_from.data = today

    def values(self) -> ContractData:
        return ContractData(
            self.number.data or "", self.valid_from.data, self.valid_until.data,
            {name: self._fields[name].data or "" for name in ELEMENTS}, self.assessment_id.data or "",
            self.sub_entrusting.data or "", bool(self.may_repair.data), bool(self.may_collect.data),
        )  # fmt: skip


class SwitchForm(PortalForm):
    """A switch as a button: ``active`` 1 or 0."""

    active = StringField()


class EndForm(PortalForm):
    """Why a contract ends, and whether by agreement or by us for cause."""

    kind = RadioField(_l("怎样终止"), choices=[("ended", _l("终止")), ("revoked", _l("解除"))], default="ended")
    reason = SelectField(_l("原因"), choices=[("", _l("请选择")), *END_REASONS.items()], default="")
