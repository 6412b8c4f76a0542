"""The one form of the case page: everything a decision may need; each button sends it to its own address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import Length, Optional
from wtforms.widgets import HiddenInput

from app.core.errors import Invalid
from app.registrations.checks import FIELDS, HOW_LABELS, HOW_NOTE_MAX, Verdict, Way
from app.registrations.models import ReviewReason
from app.registrations.reasons import FINAL, MERGE, RETRY
from app.registrations.service import Entered, Seen
from app.registrations.service.catalogue import Words
from app.registrations.service.facts import NOTE_MAX, PUBLIC_TEXT_MAX
from app.ui.forms import PortalForm

FIELD_LABELS: dict[str, Any] = {
    "name": _l("姓名"),
    "hospital": _l("医院"),
    "department": _l("科室"),
    "title": _l("职称"),
    "position": _l("职务"),
}
VERDICTS = (
    (Verdict.SEEN.value, _l("证件上已见")),
    (Verdict.SEEN_OTHERWISE.value, _l("另行核实")),
    (Verdict.CLAIMED_ONLY.value, _l("仅申报")),
)
SHORT_VERDICTS = {
    Verdict.SEEN.value: _l("已见"),
    Verdict.SEEN_OTHERWISE.value: _l("另核"),
    Verdict.CLAIMED_ONLY.value: _l("仅申报"),
}
HOWS = [("", _l("怎样核实的")), *HOW_LABELS.items()]


KIND_LABELS: dict[str, Any] = {RETRY: _l("可补正"), FINAL: _l("最终"), MERGE: _l("并入原件")}
SECTION_LABELS: dict[str, Any] = {"photo": _l("照片"), "match": _l("与填写对照"), "final": _l("不予通过")}


def _check(name: str) -> RadioField:
    return RadioField(FIELD_LABELS[name], choices=VERDICTS, validate_choice=False, validators=[Optional()])


def _how(name: str) -> SelectField:
    return SelectField(FIELD_LABELS[name], choices=HOWS, validate_choice=False, validators=[Optional()])


def _how_note(name: str) -> StringField:
    return StringField(FIELD_LABELS[name], [Optional(), Length(max=HOW_NOTE_MAX)])


class DecisionForm(PortalForm):
    """Lease token and evidence version say what the page was made from."""

    lease_token = HiddenField()
    evidence_version = IntegerField(widget=HiddenInput(), validators=[Optional()])
    task = HiddenField()
    check_name = _check("name")
    check_hospital = _check("hospital")
    check_department = _check("department")
    check_title = _check("title")
    check_position = _check("position")
    how_name, how_note_name = _how("name"), _how_note("name")
    how_hospital, how_note_hospital = _how("hospital"), _how_note("hospital")
    how_department, how_note_department = _how("department"), _how_note("department")
    how_title, how_note_title = _how("title"), _how_note("title")
    how_position, how_note_position = _how("position"), _how_note("position")
    badge_valid_until = DateField(_l("证件有效期至"), [Optional()])
    reasons = SelectMultipleField(_l("原因"), validate_choice=False)
    public_text = TextAreaField(_l("对方会看到"), [Optional(), Length(max=PUBLIC_TEXT_MAX)])
    private_note = TextAreaField(_l("内部备注"), [Optional(), Length(max=NOTE_MAX)])
    until = DateField(_l("搁置到"), [Optional()])
    target = StringField(_l("并入编号"), [Optional(), Length(max=20)])

    def seen(self) -> Seen:
        return Seen(self.lease_token.data or "", self.evidence_version.data or 0)

    def checks(self) -> dict[str, str]:
        found = {name: self[f"check_{name}"].data for name in FIELDS}
        return {name: verdict for name, verdict in found.items() if verdict and verdict != "None"}

    def ways(self) -> dict[str, Way]:
        """How, for the fields that were seen otherwise; what stands in the other rows is not meant."""
        otherwise = [name for name, verdict in self.checks().items() if verdict == Verdict.SEEN_OTHERWISE]
        return {name: Way(self[f"how_{name}"].data or "", self[f"how_note_{name}"].data or "") for name in otherwise}

    def entered(self, catalogue: list[ReviewReason] | None = None) -> Entered:
        """What was typed; without a public text the chosen reasons' own words stand in (scripts fill them earlier)."""
        codes = tuple(self.reasons.data or ())
        public = self.public_text.data or ""
        if not public and catalogue:
            public = "".join(reason.public_long for reason in catalogue if reason.code in codes)[:PUBLIC_TEXT_MAX]
        note, day = self.private_note.data or "", self.badge_valid_until.data
        return Entered(self.checks(), codes, public, note, self.ways(), day)

    def hold_until(self) -> date | None:
        found: date | None = self.until.data
        return found


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands in the fields of the case page: a draft, or exactly what was typed when a decision was refused.

    Reading needs no form: making one and its 27 bound fields cost a tenth of the page.
    """

    checks: Mapping[str, str]
    ways: Mapping[str, Way]  # also of fields that were not seen otherwise: typed is typed
    reasons: Sequence[str]
    public_text: str
    private_note: str
    badge_valid_until: date | None
    until: date | None = None

    @classmethod
    def of(cls, kept: Entered) -> Sheet:
        return cls(kept.checks, kept.ways, kept.reasons, kept.public_text, kept.private_note, kept.badge_valid_until)

    @classmethod
    def typed(cls, form: DecisionForm) -> Sheet:
        return cls(
            form.checks(),
            {name: Way(form[f"how_{name}"].data or "", form[f"how_note_{name}"].data or "") for name in FIELDS},
            form.reasons.data or (),
            form.public_text.data or "",
            form.private_note.data or "",
            form.badge_valid_until.data,
            form.until.data,
        )


class NoteForm(PortalForm):
    """Suspend, reinstate, revoke, reopen: one note."""

    private_note = TextAreaField(_l("原因"), [Length(max=NOTE_MAX)])


class _Checked(PortalForm):
    def check(self) -> None:
        """Raise Invalid with what is wrong, for pages with several small forms."""
        if not self.validate():
            raise Invalid(fields=dict(self.errors))


class LimitForm(_Checked):
    open_cases = IntegerField(_l("件数上限"), [Optional()])


class AbsenceForm(_Checked):
    first_day = DateField(_l("从"), [Optional()])
    last_day = DateField(_l("到"), [Optional()])


class ReasonForm(_Checked):
    """One version of a reason; ``version`` is the one the page was made from."""

    version = HiddenField(filters=[lambda value: int(value) if str(value or "").isdigit() else 0])
    code = StringField(_l("代码"), [Optional(), Length(max=32)])
    kind = SelectField(_l("类型"), choices=[(key, KIND_LABELS[key]) for key in (RETRY, FINAL, MERGE)])
    section = SelectField(_l("显示在"), choices=list(SECTION_LABELS.items()))
    private_text = StringField(_l("内部名称"), [Length(max=60)])
    public_long = TextAreaField(_l("给申请人的说明"), [Length(max=200)])
    public_short = StringField(_l("微信短文字"), [])
    second_person = BooleanField(_l("须第二人看"))

    def words(self) -> Words:
        return Words(
            self.kind.data or "",
            self.section.data or "",
            self.private_text.data or "",
            self.public_long.data or "",
            self.public_short.data or "",
            bool(self.second_person.data),
        )
