"""Forms of dispatch: engineers' records, offers."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateField,
    FloatField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TelField,
)
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import HiddenInput

from app.core import numbers
from app.dealers import reach
from app.dealers.lines import LINE_LABELS
from app.dispatch.eligibility import Span
from app.dispatch.eligibility.facts import half_span
from app.dispatch.eligibility.score import PART_LABELS
from app.dispatch.models import ABSENCE_REASONS, HALF_LABELS, SKILL_LABELS, Engineer, Half
from app.dispatch.service.people import EngineerData
from app.hospitals import provinces
from app.staff.forms import CheckboxGroup
from app.ui.forms import PortalForm
from app.ui.frame import language

REPLAYED = (("30", _l("最近 30 天")), ("90", _l("最近 90 天")), ("365", _l("最近一年")))
NOTHING = ("", _l("请选择"))
WEEKDAYS = (_l("周一"), _l("周二"), _l("周三"), _l("周四"), _l("周五"), _l("周六"), _l("周日"))


class EngineerForm(PortalForm):
    version = IntegerField(widget=HiddenInput(), validators=[Optional()])
    base_name = StringField(_l("服务点"), [Length(max=60)], description=_l("出发的办公地点，不是住址。"))
    work_number = TelField(_l("工作电话"), [Length(max=20)], description=_l("接单后医院会看到。"))
    lat = FloatField(_l("纬度"), [Optional()], description=_l("度；服务点的位置，不填则路程未知。"))
    lon = FloatField(_l("经度"), [Optional()])
    provinces = CheckboxGroup(_l("服务区域"))
    product_lines = CheckboxGroup(_l("产品线"), choices=list(LINE_LABELS.items()))
    capacity = IntegerField(_l("每半天单数"), [InputRequired(_l("请填写数值。"))], default=1)
    active = BooleanField(_l("可以派工"), default=True)

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.provinces.choices = provinces.choices(language())

    @classmethod
    def of(cls, row: Engineer) -> EngineerForm:
        names = (
            "version",
            "base_name",
            "work_number",
            "lat",
            "lon",
            "provinces",
            "product_lines",
            "capacity",
            "active",
        )
        return cls(formdata=None, data={name: getattr(row, name) for name in names})

    def suggest(self, args: Any) -> None:
        reach.suggest(self, args)
        if args.get("activate"):
            self.active.data = True

    def values(self) -> EngineerData:
        return EngineerData(
            self.work_number.data or "", self.base_name.data or "", self.lat.data, self.lon.data,
            tuple(self.provinces.data or ()), tuple(self.product_lines.data or ()), self.capacity.data or 0,
            bool(self.active.data),
        )  # fmt: skip


class SkillForm(PortalForm):
    skill = SelectField(_l("技能"), choices=[NOTHING, *SKILL_LABELS.items()], validate_choice=False)
    certificate = StringField(_l("证书编号"), [InputRequired(_l("请填写编号。")), Length(max=40)])
    valid_from = DateField(_l("第一天"), [InputRequired(_l("请填写日期。"))])
    valid_until = DateField(_l("最后一天"), [InputRequired(_l("请填写日期。"))])

    def suggest(self, args: Any, today: date) -> None:
        """The skill that a ticket needs, and the day until which it must hold."""
        self.skill.data = args.get("skill", "")
        self.valid_from.data = today
        try:
            self.valid_until.data = date.fromisoformat(args.get("until", ""))
        except ValueError:
            self.valid_until.data = None


class ShiftForm(PortalForm):
    """Ticks of a week; each value is ``weekday-half``."""

    halves = CheckboxGroup(_l("当班的半天"), validate_choice=False)

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.halves.choices = [
            (f"{day}-{half}", f"{word} {label}")
            for day, word in enumerate(WEEKDAYS)
            for half, label in HALF_LABELS.items()
        ]

    def chosen(self) -> list[tuple[int, str]]:
        pairs = (value.partition("-") for value in self.halves.data or ())
        return [(int(day) if day.isdigit() else -1, half) for day, _dash, half in pairs]


class AbsenceForm(PortalForm):
    first = DateField(_l("第一天"), [InputRequired(_l("请填写日期。"))])
    last = DateField(_l("最后一天"), [InputRequired(_l("请填写日期。"))])
    reason = SelectField(_l("原因"), choices=[NOTHING, *ABSENCE_REASONS.items()], validate_choice=False)


class OfferForm(PortalForm):
    """One press of the candidate panel. The window is a half day, or exact hours inside it."""

    version = IntegerField(validators=[Optional()])
    assignee_id = StringField()
    day = StringField()
    half = StringField()
    mode = StringField()
    call_first = StringField()
    override_reason = StringField()
    override_note = StringField()

    @property
    def who(self) -> uuid.UUID | None:
        try:
            return uuid.UUID(self.assignee_id.data or "")
        except ValueError:
            return None

    @property
    def span(self) -> Span | None:
        return window_of(self.day.data or "", self.half.data or "")


class PlanForm(PortalForm):
    """Which province to plan; rows of a proposal to take over."""

    province = StringField()
    row = SelectMultipleField(choices=[], validate_choice=False)

    @property
    def rows(self) -> list[uuid.UUID] | None:
        """None: all that are left. What is no id is left out."""
        found = []
        for value in self.row.data or ():
            with contextlib.suppress(ValueError):
                found.append(uuid.UUID(value))
        return found if self.row.data else None


class MoveForm(OfferForm):
    """移动到: whom, when, and what a change of an agreed visit asks besides. ``when``: day and half day in one."""

    when = StringField()
    reason = StringField()
    told_by = StringField()

    @property
    def span(self) -> Span | None:
        day, _slash, half = (self.when.data or "").partition("/")
        return window_of(day or self.day.data or "", half or self.half.data or "")


class ReasonForm(PortalForm):
    """An act that asks for a reason: recall, withdraw; the version is the ticket's."""

    version = IntegerField(validators=[Optional()])
    reason = StringField()


class WeightsForm(PortalForm):
    """Points of each part of the score, and over how many days they are tried."""

    slack = IntegerField(PART_LABELS["slack"], [Optional()])
    travel = IntegerField(PART_LABELS["travel"], [Optional()])
    load = IntegerField(PART_LABELS["load"], [Optional()])
    continuity = IntegerField(PART_LABELS["continuity"], [Optional()])
    first_fix = IntegerField(PART_LABELS["first_fix"], [Optional()])
    cost = IntegerField(PART_LABELS["cost"], [Optional()])
    days = SelectField(_l("用多久的派单来试算"), choices=REPLAYED, validate_choice=False)
    note = StringField(_l("改了什么、为什么"))

    @property
    def span(self) -> int:
        """Days; the second choice unless one of the list is named."""
        return int(self.days.data) if self.days.data in dict(REPLAYED) else 90

    def points(self) -> dict[str, int | None]:
        return {key: self[key].data for key in PART_LABELS}

    def whole(self) -> dict[str, int]:
        return {key: value or 0 for key, value in self.points().items()}

    def show(self, content: Mapping[str, int]) -> None:
        for key in PART_LABELS:
            self[key].data = content.get(key, 0)


def window_of(day: str, half: str) -> Span | None:
    """The half day that two values of an address or a form name; None for anything else."""
    try:
        return half_span(date.fromisoformat(day), Half(half), numbers.office_hours())
    except ValueError:
        return None
