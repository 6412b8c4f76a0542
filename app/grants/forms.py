"""Forms of grants: the only place that reads a browser's input. Departments come as ticked ids."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
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
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import HiddenInput

from app.core import clock, numbers
from app.core.errors import Invalid
from app.grants.lookback import ADVANCED, CHOICES, shifted
from app.grants.models import NOTE_MAX_CHARS, ReviewDecision
from app.grants.rules import LIMITS, PositionRule, Rules
from app.grants.service import NodeWish, Terms
from app.ui.forms import PortalForm

ROWS_MAX = 12  # of the matrix


def _months() -> list[tuple[int, Any]]:
    return [(months, _("%(n)s 个月", n=months)) for months in CHOICES]


def _ids(values: Iterable[str]) -> list[uuid.UUID]:
    """Ids of ticked boxes; what is no id was not ticked on our page. Raises Invalid."""
    try:
        return [uuid.UUID(value) for value in values]
    except ValueError as error:
        message = _l("没有这个科室。")
        raise Invalid(message, code="department_unknown", fields={"departments": [message]}) from error


class TermsForm(PortalForm):
    """What a grant shall open; ``seen`` is the digest of the terms whose preview stands on the page."""

    departments = SelectMultipleField(_l("科室"), validate_choice=False)
    children = SelectMultipleField(_l("连同下级科室"), validate_choice=False)
    lookback_months = SelectField(_l("回看"), coerce=int, validate_choice=False)
    starts_on = DateField(_l("开始"), [InputRequired(_l("请填写开始日期。"))])
    ends_on = DateField(_l("结束"), [InputRequired(_l("请填写结束日期，权限不能没有期限。"))])
    exception_text = TextAreaField(_l("例外的理由"), [Optional(), Length(max=NOTE_MAX_CHARS)])
    seen = HiddenField()
    version = IntegerField(widget=HiddenInput(), validators=[Optional()])

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.lookback_months.choices = _months()

    @classmethod
    def fresh(cls, departments: Iterable[uuid.UUID] = (), **kw: Any) -> TermsForm:
        """Half a year from today, with the default look-back."""
        today = clock.today()
        start = {"lookback_months": numbers.get(ADVANCED), "starts_on": today, "ends_on": today + timedelta(days=180)}
        return cls(formdata=None, data={"departments": [str(d) for d in departments], **start, **kw})

    @classmethod
    def next_term(cls, departments: Iterable[uuid.UUID], months: int) -> TermsForm:
        """A renewal: the same departments, a whole year less a day."""
        end = shifted(clock.now(), 12).astimezone(clock.SHANGHAI).date() - timedelta(days=1)
        return cls.fresh(departments, lookback_months=months, ends_on=end)

    def terms(self) -> Terms:
        """Raises Invalid when the dates or departments cannot be read."""
        starts_on, ends_on = self.starts_on.data, self.ends_on.data
        if not self.validate() or starts_on is None or ends_on is None:
            raise Invalid(fields={name: list(errors) for name, errors in self.errors.items() if name})
        below = set(_ids(self.children.data or ()))
        return Terms(
            [NodeWish(found, found in below) for found in dict.fromkeys(_ids(self.departments.data or ()))],
            self.lookback_months.data or 0, starts_on, ends_on, self.exception_text.data or "",
        )  # fmt: skip


class ProposalForm(TermsForm):
    """Terms, and why."""

    reason = TextAreaField(
        _l("为什么需要"),
        [Length(max=NOTE_MAX_CHARS)],
        description=_l("写明由谁提出、用来做什么；批准人和复核人都会看到。"),
    )


def digest(terms: Terms) -> str:
    """What a preview was made of: another look is needed when it changes."""
    nodes = sorted(f"{node.department_id}:{int(node.include_children)}" for node in terms.nodes)
    text = "|".join([*nodes, str(terms.lookback_months), str(terms.starts_on), str(terms.ends_on)])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


class DecideForm(PortalForm):
    """Refuse, revoke: the version that was seen, and a note."""

    version = IntegerField(widget=HiddenInput(), validators=[InputRequired()])
    note = TextAreaField(_l("原因"), [Length(max=NOTE_MAX_CHARS)])


class ReconfirmForm(DecideForm):
    departments = SelectMultipleField(_l("保留的科室"), validate_choice=False)
    note = TextAreaField(_l("依据"), [Length(max=NOTE_MAX_CHARS)], description=_l("写明核实了什么，例如新的任命文件。"))

    def keep(self) -> list[uuid.UUID]:
        return _ids(self.departments.data or ())


class ReviewForm(PortalForm):
    """One item of a review."""

    version = IntegerField(widget=HiddenInput(), validators=[InputRequired()])
    decision = RadioField(
        _l("决定"),
        choices=[
            (ReviewDecision.KEEP, _l("保留")),
            (ReviewDecision.REDUCE, _l("缩小")),
            (ReviewDecision.REVOKE, _l("撤销")),
        ],
        validators=[InputRequired(_l("请选择一个决定。"))],
    )
    departments = SelectMultipleField(_l("缩小后保留的科室"), validate_choice=False)
    lookback_months = SelectField(_l("缩小后的回看"), coerce=int, validate_choice=False)
    note = TextAreaField(_l("说明"), [Length(max=NOTE_MAX_CHARS)], description=_l("撤销时必填。"))

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.lookback_months.choices = _months()

    def keep(self) -> list[uuid.UUID]:
        return _ids(self.departments.data or ())


class CampaignForm(PortalForm):
    """Open a review: a hospital by its code, or a whole province."""

    place = SelectField(_l("省份"), validate_choice=False)
    hospital = StringField(
        _l("医院编号"), [Optional(), Length(max=24)], description=_l("只复核一家医院时填写；不填则复核整个省份。")
    )
    due_on = DateField(
        _l("截止"), [InputRequired(_l("请填写截止日期。"))], description=_l("当天结束前未决定的，次日失效。")
    )


class PolicyForm(PortalForm):
    """The matrix and the limits; rows of the matrix are numbered fields."""

    version = IntegerField(widget=HiddenInput(), validators=[InputRequired()])
    note = StringField(_l("改了什么、为什么"), [Length(max=200)])
    max_months = IntegerField(LIMITS["max_months"][2], [InputRequired()])
    max_departments = IntegerField(LIMITS["max_departments"][2], [InputRequired()])
    lookback_alone = SelectField(LIMITS["lookback_alone"][2], coerce=int, validate_choice=False)
    pause_days = IntegerField(LIMITS["pause_days"][2], [InputRequired()])
    renew_days = IntegerField(LIMITS["renew_days"][2], [InputRequired()])

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.lookback_alone.choices = _months()

    def rules(self, former: Rules, rows: Sequence[RowForm]) -> Rules:
        limits = {key: self[key].data or 0 for key in LIMITS}
        return replace(former, matrix=tuple(row.rule() for row in rows if not row.empty()), **limits)


class RowForm(PortalForm):
    """One row of the matrix."""

    class Meta(PortalForm.Meta):
        csrf = False

    code = HiddenField()
    label = StringField(_l("类别"), [Length(max=40)])
    positions = StringField(_l("职务，用顿号隔开"), [Length(max=300)])
    departments = StringField(_l("或所在科室"), [Length(max=300)])
    advanced = BooleanField(_l("可以有科室权限"))

    @classmethod
    def of(cls, rule: PositionRule | None, index: int) -> RowForm:
        if rule is None:
            return cls(formdata=None, prefix=f"row{index}")
        return cls(
            formdata=None, prefix=f"row{index}",
            data={
                "code": rule.code, "label": rule.label, "positions": "、".join(rule.positions),
                "departments": "、".join(rule.departments), "advanced": rule.advanced,
            },
        )  # fmt: skip

    def empty(self) -> bool:
        return not (self.label.data or self.positions.data or self.departments.data)

    def rule(self) -> PositionRule:
        code = self.code.data or "row_" + hashlib.sha256((self.label.data or "").encode()).hexdigest()[:8]
        return PositionRule(
            code[:32], self.label.data or "", _words(self.positions.data), _words(self.departments.data),
            bool(self.advanced.data),
        )  # fmt: skip


def _words(text: str | None) -> tuple[str, ...]:
    for mark in "，,；;\n":
        text = (text or "").replace(mark, "、")
    return tuple(word.strip() for word in (text or "").split("、") if word.strip())
