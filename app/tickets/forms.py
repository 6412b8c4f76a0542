"""The form of the triage screen: what is noted down, and what the acts below it need; each button sends all of it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Optional
from wtforms.widgets import HiddenInput

from app.hospitals.models import Department
from app.tickets.facts import PRIORITY_LABELS
from app.tickets.models import Device, Ticket
from app.tickets.service.register import DeviceData
from app.tickets.triage import (
    FAULT_CLASSES,
    HARM_LABELS,
    MERGE_REASONS,
    MODE_LABELS,
    NO_SERIAL_REASONS,
    QUESTIONS,
    REJECT_REASONS,
    RELEASE_REASONS,
    WARRANTY_LABELS,
)
from app.ui.forms import PortalForm

EMPTY = ("", _l("请选择"))
SAME = ("", _l("与设备相同"))
LABELS: dict[str, Any] = {
    "harm": _l("伤害"), "hospital": _l("医院"), "hospital_id": _l("医院"), "hospital_matched": _l("医院"),
    "serial": _l("序列号"), "serial_number": _l("序列号"), "duplicates": _l("相似工单"), "fault_class": _l("故障类别"),
    "priority": _l("优先级"), "warranty": _l("保修依据"), "warranty_basis": _l("保修依据"), "mode": _l("服务方式"),
    "service_mode": _l("服务方式"), "questions": _l("问题"), "voice_text": _l("语音文字"), "text": _l("文字"),
    "target": _l("并入"), "reason": _l("原因"),
}  # fmt: skip


def _choice(label: Any, words: Any, kind: Any = RadioField) -> Any:
    """A closed list; the service says what it makes of a value that is not in it."""
    options = [EMPTY, *words.items()] if kind is SelectField else list(words.items())
    return kind(label, choices=options, validate_choice=False, validators=[Optional()])


class TriageForm(PortalForm):
    """Nothing is validated here but the types: the verbs name what is missing, field by field."""

    version = IntegerField(widget=HiddenInput(), validators=[Optional()])
    harm = _choice(_l("有没有患者或使用者受到伤害？"), HARM_LABELS)
    hospital_id = StringField(_l("改为这家医院"))
    hospital_q = StringField(_l("换一家医院"))
    hospital_matched = BooleanField(_l("医院无误"))
    serial_number = StringField(_l("序列号"))
    no_serial_reason = _choice(_l("没有序列号的原因"), NO_SERIAL_REASONS, SelectField)
    duplicates_reviewed = BooleanField(_l("已看过相似的工单"))
    voice_text = TextAreaField(_l("录音里说了什么"))
    fault_class = _choice(_l("故障类别"), FAULT_CLASSES, SelectField)
    priority = _choice(_l("优先级"), PRIORITY_LABELS)
    warranty_basis = _choice(_l("保修依据"), WARRANTY_LABELS, SelectField)
    service_mode = _choice(_l("服务方式"), MODE_LABELS)
    questions = SelectMultipleField(_l("要问的问题"), choices=list(QUESTIONS.items()), validate_choice=False)
    ask_text = TextAreaField(_l("写给用户的话"))
    reject_reason = _choice(_l("不受理的原因"), REJECT_REASONS, SelectField)
    reject_text = TextAreaField(_l("用户可以怎么办"))
    merge_target = StringField(_l("并入哪一张"))
    merge_reason = _choice(_l("合并的原因"), MERGE_REASONS, SelectField)
    release_reason = _choice(_l("放回的原因"), RELEASE_REASONS, SelectField)

    def show(self, row: Ticket, voice: str | None) -> None:
        """What is noted so far; ``voice``: the recording's text, opened already."""
        self.voice_text.data = voice or ""
        for name in NOTED:
            self[name].data = getattr(row, name) or ""
        self.hospital_matched.data, self.duplicates_reviewed.data = row.hospital_matched, row.duplicates_reviewed
        self.version.data = row.version

    def noted(self) -> dict[str, Any]:
        """For `service.note_down`: everything that the screen shows. A hospital only where another was chosen."""
        values: dict[str, Any] = {name: self[name].data or "" for name in NOTED}
        values["hospital_matched"] = bool(self.hospital_matched.data)
        values["duplicates_reviewed"] = bool(self.duplicates_reviewed.data)
        if self.voice_text.raw_data:
            values["voice_text"] = self.voice_text.data or ""
        chosen = self.hospital_id.data or ""
        if chosen:
            values["hospital_id"] = _uuid(chosen)
            del values["hospital_matched"]  # whoever picks a hospital has matched it
        return values

    @property
    def seen_version(self) -> int:
        """What the page was made from; 0 when the field is gone or is no number: then it is always another one."""
        return self.version.data or 0


NOTED = ("harm", "serial_number", "no_serial_reason", "fault_class", "priority", "warranty_basis", "service_mode")


def _uuid(value: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(value)
    except ValueError:
        return None


class IntakeForm(PortalForm):
    """A report by telephone. Nothing is validated here but the types: the page and the verb say what is missing."""

    caller_phone = StringField(_l("来电号码"))
    account = _choice(_l("记到这个账号"), {"yes": _l("记到这个账号"), "no": _l("不记")})
    contact_who = _choice(_l("联系谁"), {"caller": _l("来电人"), "other": _l("另一位")})
    contact_name = StringField(_l("联系人姓名"))
    contact_phone = StringField(_l("联系人电话"))
    contact_consent = StringField(_l("联系人同意"))
    hospital_q = StringField(_l("查找医院"))
    hospital_id = StringField(_l("医院"))
    device_department_id = SelectField(_l("设备所在科室"), validate_choice=False, validators=[Optional()])
    caller_department_id = SelectField(_l("来电人科室"), validate_choice=False, validators=[Optional()])
    device_model = StringField(_l("型号"))
    serial_number = StringField(_l("序列号"))
    pick = StringField(_l("相近设备"))
    fault = TextAreaField(_l("故障"))
    harm = _choice(_l("有没有患者或使用者受到伤害？"), HARM_LABELS)
    duplicates_seen = BooleanField(_l("已看过，仍要新建"))
    then = StringField(_l("然后"))

    @property
    def chosen_hospital(self) -> uuid.UUID | None:
        return _uuid(self.hospital_id.data or "")

    @property
    def attested(self) -> str:
        """The version of the wording that was read out, for somebody else alone."""
        return (self.contact_consent.data or "") if self.contact_who.data == "other" else ""

    def offer(self, places: Sequence[Department]) -> None:
        offer(self.device_department_id, places)
        offer(self.caller_department_id, places, SAME)

    @staticmethod
    def department(select: SelectField) -> uuid.UUID | None:
        return _uuid(select.data or "")


class DeviceForm(PortalForm):
    """A device of the register. ``look``: only the hospital was searched."""

    version = IntegerField(widget=HiddenInput(), validators=[Optional()])
    look = StringField()
    serial_number = StringField(_l("序列号"), [InputRequired(_l("请填写。"))])
    udi = StringField("UDI", description=_l("铭牌或包装上印的设备标识（DI），可不填。"))
    model = StringField(_l("型号"), [InputRequired(_l("请填写。"))])
    hospital_q = StringField(_l("查找医院"))
    hospital_id = StringField(_l("医院"))
    department_id = SelectField(_l("科室"), validate_choice=False, validators=[Optional()])
    warranty_until = DateField(_l("保修至"), [Optional()], description=_l("最后一天。"))
    contract_number = StringField(_l("合同编号"))
    contract_until = DateField(_l("合同至"), [Optional()], description=_l("最后一天。"))
    active = BooleanField(_l("在用"), default=True)

    @classmethod
    def of(cls, row: Device) -> DeviceForm:
        """Filled from a row."""
        names = ("version", "serial_number", "udi", "model", "warranty_until", "contract_number", "contract_until",
                 "active")  # fmt: skip
        places = {"hospital_id": str(row.hospital_id), "department_id": str(row.department_id or "")}
        return cls(formdata=None, data={name: getattr(row, name) for name in names} | places)

    @property
    def only_looking(self) -> bool:
        return bool(self.look.data)

    @property
    def chosen_hospital(self) -> uuid.UUID | None:
        return _uuid(self.hospital_id.data or "")

    @property
    def seen_version(self) -> int:
        return self.version.data or 0

    def offer(self, places: Sequence[Department]) -> None:
        offer(self.department_id, places)

    def values(self) -> DeviceData:
        return DeviceData(
            serial_number=self.serial_number.data or "", model=self.model.data or "", hospital_id=self.chosen_hospital,
            department_id=_uuid(self.department_id.data or ""), udi=self.udi.data or "",
            warranty_until=self.warranty_until.data, contract_number=self.contract_number.data or "",
            contract_until=self.contract_until.data, active=bool(self.active.data),
        )  # fmt: skip


def offer(select: SelectField, places: Sequence[Department], nothing: tuple[str, Any] = EMPTY) -> None:
    """The departments of the hospital as choices; a chosen one of another hospital is let go."""
    rows = [(str(place.id), place.name, {"lang": "zh-CN"}) for place in places]
    select.choices = [nothing, *rows]
    if select.data not in {value for value, _name, _how in rows}:
        select.data = ""
