"""The form of the next version of the promises: hours per priority and clock, calendars, warnings, pauses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, Field, FloatField, HiddenField, IntegerField, StringField
from wtforms.validators import InputRequired, Length

from app.tickets.facts import PRIORITY_LABELS, Priority
from app.tickets.service.policies import NOTE_MAX_CHARS
from app.tickets.sla.content import Content
from app.tickets.sla.metrics import METRIC_LABELS, PAUSE_REASONS, Metric
from app.ui.forms import PortalForm

NUMBER = _l("请填数字。")
WHAT_AND_WHY = _l("请用一句话写明改了什么、为什么。")


class PolicyForm(PortalForm):
    """``seen`` is the edition of the draft that the page showed. The grids of fields are added below."""

    seen = HiddenField()
    note = StringField(_l("改了什么、为什么"), [InputRequired(WHAT_AND_WHY), Length(max=NOTE_MAX_CHARS)])
    levels = StringField(_l("提醒级别（%）"), description=_l("时限用掉百分之几时提醒，例如 50、75、90、100、150。"))

    @classmethod
    def of(cls, found: Content, note: str, seen: int) -> PolicyForm:
        data: dict[str, Any] = {"seen": str(seen), "note": note, "levels": "、".join(map(str, found.levels))}
        for priority in Priority:
            data[f"every_{priority.value}"] = priority.value in found.around_the_clock
            for metric in Metric:
                data[f"{priority.value}_{metric.value}"] = found.hours[priority.value].get(metric.value)
        for key in PAUSE_REASONS:
            data[f"max_{key}"] = found.pauses[key]["hours"]
            data |= {f"stop_{key}_{m.value}": m.value in found.pauses[key]["stops"] for m in Metric}
        return cls(formdata=None, data=data)

    def content(self) -> Content:
        """What was typed; missing numbers as nought, which `sla.content.checked` refuses at their field."""
        value = lambda name: self[name].data or 0
        levels = re.split(r"[^0-9]+", self.levels.data or "")
        return Content(
            {p.value: {m.value: float(value(f"{p.value}_{m.value}")) for m in Metric} for p in Priority},
            tuple(p.value for p in Priority if self[f"every_{p.value}"].data),
            tuple(int(level) for level in levels if level and len(level) < 5),
            {
                key: {
                    "stops": sorted(m.value for m in Metric if self[f"stop_{key}_{m.value}"].data),
                    "hours": value(f"max_{key}"),
                }
                for key in PAUSE_REASONS
            },
        )

    @property
    def edition(self) -> int:
        seen = self.seen.data or ""
        return int(seen) if re.fullmatch(r"[0-9]{1,9}", seen) else 0


def _fields() -> Iterator[tuple[str, Field]]:
    """One field for every cell of the two grids, each with a label that says its row and column."""
    for priority in Priority:
        yield f"every_{priority.value}", BooleanField(_l("%(p)s：每个小时都计", p=PRIORITY_LABELS[priority]))
        for metric in Metric:
            label = _l("%(p)s · %(m)s，小时", p=PRIORITY_LABELS[priority], m=METRIC_LABELS[metric])
            yield f"{priority.value}_{metric.value}", FloatField(label, [InputRequired(NUMBER)])
    for key, reason in PAUSE_REASONS.items():
        yield f"max_{key}", IntegerField(_l("%(r)s：最长，工作小时", r=reason.label), [InputRequired(NUMBER)])
        for metric in Metric:
            label = _l("%(r)s：停“%(m)s”", r=reason.label, m=METRIC_LABELS[metric])
            yield f"stop_{key}_{metric.value}", BooleanField(label)


for _name, _field in _fields():
    setattr(PolicyForm, _name, _field)


class PublishForm(PortalForm):
    seen = HiddenField()
    from_day = DateField(_l("生效日期"), [InputRequired(_l("请填写生效日期。"))])


class RebaseForm(PortalForm):
    seen = HiddenField()
    note = StringField(
        _l("为什么要改已经答应的时间"),
        [InputRequired(_l("请写明为什么要改已经答应的时间。")), Length(max=NOTE_MAX_CHARS)],
        description=_l("记入审计，每张工单的时限凭据上写明改期。"),
    )
