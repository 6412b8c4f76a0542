"""Forms of the bench. Types are checked here, the rest by the verbs; rows of a table are read as they were typed."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from flask import request
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, MultipleFileField, SelectField, StringField, TextAreaField
from wtforms.validators import Optional

from app.core import clock
from app.core.errors import DomainError, Invalid
from app.core.files.images import CleanImage, intake
from app.tickets.bench import RELEASE_TESTS
from app.tickets.models import PartLine
from app.tickets.service import Seen
from app.tickets.service.depot import Received, Sending, Wanted
from app.tickets.service.depot_quote import Line, Offer
from app.tickets.service.depot_release import Measured
from app.ui.forms import PortalForm, clean

Typed = Sequence[Mapping[str, str]]
PART_ROWS, QUOTE_ROWS = 4, 4
WORDS = re.compile(r"[0-9]{1,4}")
VALID_DAYS = 7  # proposed validity of a quote


class BenchForm(PortalForm):
    """The version that the page was made from, and rows of tables beside the fields."""

    version = StringField(validators=[Optional()])

    @property
    def seen(self) -> Seen:
        value = self.version.data or ""
        return Seen(int(value) if value.isdigit() and len(value) < 10 else 0)


class ReceiveForm(BenchForm):
    serial = StringField(_l("序列号"), description=_l("扫描或照铭牌输入"))
    seal = StringField(_l("封条编号"), description=_l("照包装上的封条输入；没有封条时留空"))
    seal_reason = StringField(
        _l("封条不符的情况"), description=_l("只在编号不一致时填写，例如：取件时抄错、途中换过包装、封条破损")
    )
    accessories = StringField(_l("随附附件"))
    photos = MultipleFileField(_l("收到时的外观照片"), description=_l("至少一张，最多 9 张；先拍照再拆封"))

    @property
    def got(self) -> Received:
        reason = self.seal_reason.data or ""
        return Received(self.serial.data or "", self.seal.data or "", self.accessories.data or "", reason)


class PartsForm(BenchForm):
    @property
    def lines(self) -> list[Wanted]:
        return wanted_parts()


class AccountForm(BenchForm):
    @property
    def steps(self) -> dict[uuid.UUID, str]:
        return part_steps()


class QuoteForm(BenchForm):
    words = TextAreaField(_l("报价包含什么"), description=_l("用户在小程序里读到的就是这段话"))
    valid_until = DateField(_l("有效期至"), validators=[Optional()], description=_l("当天结束时失效，设备随后送回"))
    misuse = TextAreaField(_l("误用证据"), description=_l("保修期内的设备只有写明证据才能报价；用户看不到"))

    @property
    def offer(self) -> Offer:
        lines = [
            Line(row["line_name"], whole(row["line_quantity"]), fen(row["line_price"]))
            for row in table("line_name", "line_quantity", "line_price")
            if row["line_name"] or row["line_price"]
        ]
        return Offer(lines, self.words.data or "", self.valid_until.data, self.misuse.data or "")

    def propose(self) -> None:
        self.valid_until.data = clock.today() + timedelta(days=VALID_DAYS)


class RepairForm(BenchForm):
    fault = TextAreaField(_l("查到的故障"))
    action = TextAreaField(_l("所做的处理"))

    @property
    def steps(self) -> dict[uuid.UUID, str]:
        return part_steps()


class SheetForm(BenchForm):
    @property
    def sheet(self) -> list[Measured]:
        return [
            Measured(
                test.key, {"yes": True, "no": False}.get(typed(f"{test.key}-passed")), typed(f"{test.key}-value"),
                typed(f"{test.key}-gauge"), typed_day(typed(f"{test.key}-until")),
            )
            for test in RELEASE_TESTS
        ]  # fmt: skip


class SendForm(BenchForm):
    holder = SelectField(
        _l("交给"), choices=[("courier", _l("快递")), ("engineer", _l("工程师带回"))], validate_choice=False
    )
    courier_number = StringField(_l("快递单号"))
    holder_name = StringField(_l("带回的工程师"))
    seal = StringField(_l("新封条编号"))
    accessories = StringField(_l("随附附件"))
    label = BooleanField(_l("已贴“未维修，请勿使用”标签"))

    @property
    def how(self) -> Sending:
        return Sending(
            self.holder.data or "", self.holder_name.data or "", self.courier_number.data or "", self.seal.data or "",
            self.accessories.data or "", bool(self.label.data),
        )  # fmt: skip


class DeliverForm(BenchForm):
    signed = BooleanField(_l("科室已签收，收据在我们手里"))
    photos = MultipleFileField(_l("签收单照片"), description=_l("可不附；有快递电子回单时截图即可"))


def table(*names: str) -> list[dict[str, str]]:
    """The rows of a table as typed: as many as its longest column."""
    columns = [request.form.getlist(name) for name in names]
    count = max(map(len, columns), default=0)
    padded = [[clean(value) for value in column] + [""] * (count - len(column)) for column in columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*padded, strict=True)]


def wanted_parts() -> list[Wanted]:
    """Parts that are ordered, as typed; a row of which only the quantity stands is empty."""
    return [
        Wanted(row["part_number"], row["part_name"], whole(row["part_quantity"]), typed_day(row["part_eta"]))
        for row in table("part_number", "part_name", "part_quantity", "part_eta")
        if row["part_number"] or row["part_name"] or row["part_eta"]
    ]


def part_steps() -> dict[uuid.UUID, str]:
    """What each line becomes, by the id in the field's name."""
    found = {}
    for name, value in request.form.items():
        kind, _dash, rest = name.partition("-")
        if kind == "part" and value:
            try:
                found[uuid.UUID(rest)] = str(value)
            except ValueError:
                continue
    return found


def used_by_default(parts: Sequence[PartLine]) -> dict[str, str]:
    """A part that arrived was most likely built in."""
    return {f"part-{line.id}": "used" for line in parts if line.state == "arrived"}


def uploads(name: str) -> list[CleanImage]:
    """The photos sent, each through the intake; a refusal names the file's place."""
    found = []
    for place, upload in enumerate((one for one in request.files.getlist(name) if one.filename), start=1):
        try:
            found.append(intake(upload.stream, upload.filename or ""))
        except DomainError as error:
            message = _l("第 %(n)s 张：%(why)s", n=place, why=error.message)
            raise Invalid(code=error.code, fields={name: [message]}) from error
    return found


def whole(text: str) -> int:
    """A quantity; what is none counts as 0 and is refused by the verb."""
    return int(text) if WORDS.fullmatch(text) else 0


def fen(text: str) -> int | None:
    """A price in yuan with at most two decimals, in fen."""
    plain = text.replace(",", "").replace("，", "").removeprefix("¥").strip()
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,2})?", plain):
        return None
    try:
        return int(Decimal(plain) * 100)
    except InvalidOperation:
        return None


def typed(name: str) -> str:
    """A field as it was typed, cleaned."""
    return str(clean(request.form.get(name, "")))


def typed_day(text: str) -> date | None:
    """A day of the browser's date field; None for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
