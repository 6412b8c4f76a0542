"""Forms of ratings: the only place that parses a browser's input."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, RadioField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import Optional

from app.core.errors import Invalid
from app.satisfaction.service.follow import Written
from app.satisfaction.service.judge import Complaint, Verdict
from app.satisfaction.service.rate import Answer
from app.satisfaction.words import CARD, CARD_MARKS, CAUSES, CONTACTS, OUTCOME_REASONS, OUTCOMES, SCORES
from app.ui.forms import PortalForm

GRADES = [(str(score), words) for score, words in SCORES.items()]
YES_NO = [("yes", _l("是")), ("no", _l("否"))]
TEXT_ROWS = 4


def grade(label: Any) -> RadioField:
    """One to five; what is not among them is an error at the field."""
    return RadioField(label, choices=GRADES, validate_choice=False, validators=[Optional()])


def select(label: Any, choices: dict[str, Any], **kw: Any) -> SelectField:
    made = [("", _l("请选择")), *choices.items()]
    return SelectField(label, choices=made, validate_choice=False, validators=[Optional()], **kw)


def _digit(value: str | None) -> int:
    """0 for what is no grade: the service says what is missing."""
    return int(value) if value in ("1", "2", "3", "4", "5") else 0


class RatingForm(PortalForm):
    score = grade(_l("总体评价"))
    timeliness = grade(_l("及时"))
    skill = grade(_l("技术"))
    attitude = grade(_l("态度"))
    result = grade(_l("结果"))
    reasons = SelectMultipleField(_l("原因"), validate_choice=False, choices=[])
    comment = TextAreaField(_l("想说的话"))

    def read(self) -> None:
        """Raise Invalid when the form itself is not sound."""
        self.validate_on_submit()
        for name in ("timeliness", "skill", "attitude", "result"):
            sent = getattr(self, name).data
            if sent and not _digit(sent):
                raise Invalid(fields={name: [_l("请选 1 到 5。")]})

    def answer(self) -> Answer:
        names = ("timeliness", "skill", "attitude", "result")
        given = {name: _digit(getattr(self, name).data) for name in names}
        return Answer(
            _digit(self.score.data), {name: value for name, value in given.items() if value},
            tuple(self.reasons.data or ()), self.comment.data or "",
        )  # fmt: skip


class SecondForm(PortalForm):
    score = grade(_l("现在满意吗"))

    def read(self) -> None:
        self.validate_on_submit()
        if not _digit(self.score.data):
            raise Invalid(fields={"score": [_l("请选 1 到 5。")]})


class AuditForm(PortalForm):
    """Outcome with its reason, and the internal score card."""

    version = HiddenField()
    outcome = RadioField(
        _l("结论"), choices=[(key, chip.word) for key, chip in OUTCOMES.items()], validate_choice=False,
        validators=[Optional()],
    )  # fmt: skip
    reason = select(_l("原因"), dict(OUTCOME_REASONS), id="audit-reason")
    note = TextAreaField(_l("说明"))
    card_record = RadioField(CARD["record"], validate_choice=False, validators=[Optional()])
    card_promise = RadioField(CARD["promise"], validate_choice=False, validators=[Optional()])
    card_contact = RadioField(CARD["contact"], validate_choice=False, validators=[Optional()])
    card_result = RadioField(CARD["result"], validate_choice=False, validators=[Optional()])

    def __init__(self, *args: object, **kw: object) -> None:
        super().__init__(*args, **kw)
        for field in self.card:
            field.choices = [(str(mark), words) for mark, words in CARD_MARKS.items()]

    @property
    def card(self) -> list[RadioField]:
        return [self[f"card_{item}"] for item in CARD]

    @property
    def seen(self) -> int | None:
        """The version of the row that the auditor had before him."""
        value = self.version.data or ""
        return int(value) if value.isdigit() and len(value) < 10 else None

    def verdict(self) -> Verdict:
        marks = {item: self[f"card_{item}"].data for item in CARD}
        card = {item: int(mark) for item, mark in marks.items() if mark in ("0", "1", "2")}
        return Verdict(self.outcome.data or "", self.reason.data or "", self.note.data or "", card)


class ComplaintForm(PortalForm):
    complaint = RadioField(_l("这是投诉吗"), choices=YES_NO, validate_choice=False, validators=[Optional()])
    reportable = RadioField(_l("须作为不良事件上报吗"), choices=YES_NO, validate_choice=False, validators=[Optional()])
    reason = TextAreaField(_l("理由"), id="complaint-reason")

    def said(self) -> Complaint:
        answers = {"yes": True, "no": False}
        return Complaint(
            answers.get(self.complaint.data or ""), answers.get(self.reportable.data or ""), self.reason.data or ""
        )


class FollowForm(PortalForm):
    contact = select(_l("联系结果"), dict(CONTACTS))
    root_cause = select(_l("根本原因"), dict(CAUSES))
    action = TextAreaField(_l("采取的措施"))
    corrective = StringField(_l("纠正措施编号"))

    def written(self) -> Written:
        return Written(
            self.contact.data or "", self.root_cause.data or "", self.action.data or "", self.corrective.data or ""
        )


class WordsForm(PortalForm):
    """One field per group of harm words, words set apart by blanks, commas or lines."""

    infection = TextAreaField(_l("感染"))
    burn = TextAreaField(_l("烫伤、灼伤"))
    bleeding = TextAreaField(_l("出血、穿孔"))
    breakage = TextAreaField(_l("断裂、脱落"))
    shock = TextAreaField(_l("触电、漏电"))
    injury = TextAreaField(_l("受伤、死亡"))
    fire = TextAreaField(_l("起火、冒烟"))
    note = StringField(_l("改了什么、为什么"))
