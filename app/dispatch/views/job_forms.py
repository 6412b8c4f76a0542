"""Forms of a job on the phone. Types are checked here, the rest by the verbs; each carries the token of its one act."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, MultipleFileField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import Optional
from wtforms.widgets import HiddenInput

from app.core.db import new_id
from app.core.errors import DomainError, Invalid
from app.core.files.images import CleanImage, intake
from app.dispatch.eligibility import Span
from app.dispatch.forms import NOTHING, window_of
from app.dispatch.models import HALF_LABELS
from app.dispatch.service.jobs import Repair, Stuck
from app.dispatch.service.visits import NewTime
from app.dispatch.words import (
    AGREED,
    DECLINE_REASONS,
    MOVE_REASONS,
    STUCK_REASONS,
    TOLD_BY,
    UNSIGNED_REASONS,
)
from app.tickets.bench import FIELD_CHECKS, TESTS
from app.tickets.service.depot import Wanted
from app.tickets.service.depot_release import Measured
from app.tickets.service.field import Collected, Signed
from app.tickets.service.field_parts import Used
from app.tickets.triage import NO_SERIAL_REASONS
from app.tickets.views.depot_forms import part_steps, table, typed, typed_day, wanted_parts, whole
from app.ui.forms import PortalForm

PNG = "data:image/png;base64,"
SIGNATURE_MAX_CHARS, SIGNER_MAX_CHARS = 300_000, 40
ROWS = 2


def choice(label: Any, words: Mapping[str, Any], kind: Any = SelectField) -> Any:
    """A closed list; the verb says what it makes of a value that is not in it."""
    options = [NOTHING, *words.items()] if kind is SelectField else list(words.items())
    return kind(label, choices=options, validate_choice=False, validators=[Optional()])


class JobForm(PortalForm):
    """``token``: the act that this page is for, once."""

    token = StringField(widget=HiddenInput())

    def begin(self) -> None:
        """A page drawn anew is a new act; after a refusal it stays the same one."""
        if not self.token.data:
            self.token.data = new_id().hex

    @property
    def key(self) -> str:
        return self.token.data or ""


class WindowForm(JobForm):
    """A half day, or none."""

    day = StringField(_l("日期"))
    half = choice(_l("半天"), HALF_LABELS, RadioField)

    @property
    def span(self) -> Span | None:
        """None where nothing was given. Raises Invalid for half of it."""
        day, half = self.day.data or "", self.half.data or ""
        if not day and not half:
            return None
        found = window_of(day, half)
        if found is None:
            raise Invalid(fields={"day": [_l("请选择日期和半天。")]})
        return found


class AcceptForm(WindowForm):
    pass


class DeclineForm(JobForm):
    reason = choice(_l("原因"), DECLINE_REASONS, RadioField)

    @property
    def why(self) -> str:
        if not self.reason.data:
            raise Invalid(fields={"reason": [_l("请选择原因。")]})
        return self.reason.data  # type: ignore[no-any-return]


class MoveForm(WindowForm):
    reason = choice(_l("改期原因"), {key: word for key, word in MOVE_REASONS.items() if key != AGREED})
    told_by = choice(_l("谁告知了科室"), TOLD_BY)
    first = StringField(widget=HiddenInput())

    @property
    def wanted(self) -> NewTime:
        if self.first.data:  # agreed by telephone just now
            return NewTime(self.span, AGREED, self.told_by.data or "assignee")
        return NewTime(self.span, self.reason.data or "", self.told_by.data or "")


class ArriveForm(JobForm):
    serial = StringField(_l("序列号"), description=_l("扫描铭牌上的条码，或照铭牌输入"))
    reason = choice(_l("扫不了的原因"), NO_SERIAL_REASONS)


class PhotosForm(JobForm):
    photos = MultipleFileField(_l("照片"), description=_l("最多 9 张；不要拍到患者和病历"))


class SignedForm(JobForm):
    """A signature drawn on the screen, or the signer's name with a reason."""

    signature = StringField(_l("科室签字"), widget=HiddenInput())
    signer = StringField(_l("签收人"), description=_l("不能在屏幕上签字时填写；加密保存"))
    unsigned = choice(_l("不能手写的原因"), UNSIGNED_REASONS)

    @property
    def signed(self) -> Signed:
        drawn, signer, why = self.signature.data or "", self.signer.data or "", self.unsigned.data or ""
        if drawn:
            return Signed(image=_picture(drawn))
        if not signer and not why:
            return Signed()
        if len(signer) > SIGNER_MAX_CHARS:
            raise Invalid(fields={"signer": [_l("最多 %(limit)s 个字。", limit=SIGNER_MAX_CHARS)]})
        if not signer:
            raise Invalid(fields={"signer": [_l("请填写签收人。")]})
        if why not in UNSIGNED_REASONS:
            raise Invalid(fields={"unsigned": [_l("请选择不能手写的原因。")]})
        return Signed(words=_("签收人：%(name)s（%(why)s）", name=signer, why=UNSIGNED_REASONS[why]))


class FinishForm(SignedForm):
    fault = TextAreaField(_l("查到的故障"))
    action = TextAreaField(_l("所做的处理"))

    @property
    def repair(self) -> Repair:
        rows = table("part_number", "part_name", "part_quantity")
        used = [
            Used(row["part_number"], row["part_name"], whole(row["part_quantity"]))
            for row in rows
            if row["part_number"] or row["part_name"]
        ]
        return Repair(
            self.fault.data or "", self.action.data or "", sheet_lines(), self.signed, part_steps(), used
        )  # fmt: skip


class CollectForm(SignedForm):
    serial = StringField(_l("序列号"), description=_l("须与工单上的一致"))
    decontaminated = BooleanField(_l("科室已声明：设备经过洗消，可以安全运输"))
    seal = StringField(_l("封条编号"))
    courier_number = StringField(_l("快递单号"), description=_l("封条和单号至少填一项"))
    accessories = StringField(_l("随附附件"))

    @property
    def taken(self) -> Collected:
        signed = bool(self.signature.data or self.signer.data)
        return Collected(
            self.serial.data or "", bool(self.decontaminated.data), signed, self.accessories.data or "",
            self.seal.data or "", self.courier_number.data or "",
        )  # fmt: skip


class DeliverForm(SignedForm):
    pass


class PartsForm(JobForm):
    @property
    def lines(self) -> list[Wanted]:
        return wanted_parts()


class StuckForm(WindowForm):
    reason = choice(_l("原因"), STUCK_REASONS)
    missing = StringField(_l("还需要什么技能或备件"))
    then = choice(
        _l("接下来"),
        {"again": _l("我再来一次，时间如下"), "call": _l("我再来一次，时间电话另约"), "other": _l("交回调度，另派人")},
        RadioField,
    )

    @property
    def stuck(self) -> Stuck:
        then = self.then.data or ""
        if then not in ("again", "call", "other"):
            raise Invalid(fields={"then": [_l("请选择接下来怎么办。")]})
        span = self.span if then == "again" else None
        return Stuck(self.reason.data or "", self.missing.data or "", then != "other", span, then == "call")


def sheet_lines() -> list[Measured]:
    """Tests and checks as they were pressed; a gauge only where one was named."""
    lines = [
        Measured(
            key, {"yes": True, "no": False}.get(typed(f"{key}-passed")), typed(f"{key}-value"), typed(f"{key}-gauge"),
            typed_day(typed(f"{key}-until")),
        )
        for key in TESTS
    ]  # fmt: skip
    return lines + [Measured(key, True if typed(f"{key}-passed") else None) for key in FIELD_CHECKS]


def _picture(drawn: str) -> CleanImage:
    """The canvas as the browser wrote it, through the intake of every image. Raises Invalid."""
    wrong = Invalid(code="signature_invalid", fields={"signature": [_l("签字没有收到，请重新签。")]})
    if not drawn.startswith(PNG) or len(drawn) > SIGNATURE_MAX_CHARS:
        raise wrong
    try:
        data = base64.b64decode(drawn.removeprefix(PNG), validate=True)
        return intake(io.BytesIO(data), "signature.png")
    except (binascii.Error, DomainError) as error:
        raise wrong from error
