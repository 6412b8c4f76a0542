"""Forms of the directory: the only place that reads a browser's input."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import FloatField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import UUID, InputRequired, Length, Optional

from app.hospitals import provinces
from app.hospitals.models import NAME_MAX_CHARS, Hospital
from app.hospitals.service import HospitalData
from app.ui.forms import PortalForm
from app.ui.frame import language


class HospitalForm(PortalForm):
    """Create and edit."""

    name = StringField(_l("医院名称"), [InputRequired(_l("请填写名称。")), Length(max=NAME_MAX_CHARS)])
    province = SelectField(_l("省份"), [InputRequired(_l("请选择省份。"))], validate_choice=True)
    city = StringField(_l("城市"), [Length(max=40)])
    aliases = TextAreaField(_l("别名"), [Length(max=2_600)], description=_l("每行一个；按别名也能找到。"))
    lat = FloatField(_l("纬度"), [Optional()], description=_l("度，例如 31.2304。"))
    lon = FloatField(_l("经度"), [Optional()], description=_l("度，例如 121.4737。"))

    def __init__(self, *args: object, **kw: object) -> None:
        super().__init__(*args, **kw)
        self.province.choices = [("", "—"), *provinces.choices(language())]

    @classmethod
    def of(cls, row: Hospital) -> HospitalForm:
        """Filled from a row, unless the browser sent something."""
        return cls(data={name: getattr(row, name) for name in ("name", "province", "city", "lat", "lon")}
                   | {"aliases": "\n".join(row.aliases)})  # fmt: skip

    def values(self) -> HospitalData:
        return HospitalData(
            name=self.name.data or "",
            province=self.province.data or "",
            city=self.city.data or "",
            aliases=tuple((self.aliases.data or "").splitlines()),
            lat=self.lat.data,
            lon=self.lon.data,
        )


class DepartmentForm(PortalForm):
    name = StringField(_l("科室名称"), [InputRequired(_l("请填写名称。")), Length(max=NAME_MAX_CHARS)])


class MergeForm(PortalForm):
    into_code = StringField(
        _l("目标医院编号"), [InputRequired(_l("请填写编号。")), Length(max=24)],
        description=_l("合并不能撤销；本医院的名称成为目标医院的别名。"),
    )  # fmt: skip


class ActiveForm(PortalForm):
    """A switch as a button: what the state shall be."""

    active = HiddenField(validators=[InputRequired()])

    @property
    def wanted(self) -> bool:
        return self.active.data == "1"


class TargetForm(PortalForm):
    """The chosen record of a mapping."""

    target_id = HiddenField(validators=[InputRequired(), UUID()])


class EmptyForm(PortalForm):
    """A POST with a token and nothing else."""
