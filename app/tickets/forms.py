"""The form of the triage screen: what is noted down, and what the acts below it need; each button sends all of it."""

from __future__ import annotations

import uuid
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, RadioField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import Optional
from wtforms.widgets import HiddenInput

from app.tickets.facts import PRIORITY_LABELS
from app.tickets.models import Ticket
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
