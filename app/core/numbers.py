"""Business numbers: what the owner of the service may change without a release, within a floor and a ceiling.

A number has its default here; a row of ``business_number`` overrides it, written by the settings page alone. Features
register further ones in their `install`. Values are read in one statement and kept for the running web request only.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa
from flask import has_request_context, request
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped

from app.core import clock
from app.core.columns import DataClass, plain
from app.core.db import Base, db
from app.core.errors import Invalid
from app.core.registry import Registry

_ENVIRON = "portal.business_numbers"
Unit = Literal[
    "working_hours", "working_days", "months", "days", "hours", "minutes", "seconds", "time_of_day", "count", "text"
]
MINUTES_A_DAY = 24 * 60


class BusinessNumber(Base):
    """An override. ``value`` is text: whole numbers in decimal digits, texts as they are."""

    __tablename__ = "business_number"

    key: Mapped[str] = plain(sa.String(64), primary_key=True)
    value: Mapped[str] = plain(sa.String(400), nullable=False)
    changed_at: Mapped[datetime] = plain(nullable=False)
    changed_by: Mapped[uuid.UUID | None] = plain(cls=DataClass.USAGE)


@dataclass(frozen=True, slots=True)
class NumberSpec:
    """One business number, or one business text (unit ``text``; floor and ceiling are then its length)."""

    key: str
    group: str
    default: int | str
    floor: int
    ceiling: int
    unit: Unit
    sentence: Any  # lazy: what it does, for the person who changes it
    confirm: bool = True  # the default waits for the owner's confirmation
    pattern: str = r".*"  # texts only

    def parse(self, text: str) -> int | str:
        """The typed value; raises Invalid with a message a person can act on."""
        text = text.strip()
        if self.unit == "text":
            if not self.floor <= len(text) <= self.ceiling or not re.fullmatch(self.pattern, text):
                raise self._invalid(_l("请输入 %(floor)s 到 %(ceiling)s 个字、格式正确的内容。", **self._bounds()))
            return text
        value = _minutes_of_day(text) if self.unit == "time_of_day" else _whole(text)
        if value is None:
            example = _l("请输入时刻，例如 09:00。") if self.unit == "time_of_day" else _l("请输入整数。")
            raise self._invalid(example)
        if not self.floor <= value <= self.ceiling:
            raise self._invalid(_l("请输入 %(floor)s 到 %(ceiling)s 之间的数值。", **self._bounds()))
        return value

    def show(self, value: int | str) -> str:
        """As written in the form: 540 minutes of day are 09:00."""
        if self.unit == "time_of_day" and isinstance(value, int):
            return f"{value // 60:02d}:{value % 60:02d}"
        return str(value)

    def _bounds(self) -> dict[str, str]:
        return {"floor": self.show(self.floor), "ceiling": self.show(self.ceiling)}

    def _invalid(self, message: Any) -> Invalid:
        return Invalid(fields={"value": [message]})


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _minutes_of_day(text: str) -> int | None:
    match = re.fullmatch(r"([01]?[0-9]|2[0-4])[:：]([0-5][0-9])", text)
    value = int(match[1]) * 60 + int(match[2]) if match else MINUTES_A_DAY + 1
    return value if value <= MINUTES_A_DAY else None


specs: Registry[NumberSpec] = Registry("business numbers")
companions: Registry[sa.Select[Any]] = Registry("small values read with the numbers")  # each selects key and text
GROUP_TITLES: dict[str, Any] = {
    "office": _l("办公时间"),
    "review": _l("注册审核"),
    "tickets": _l("工单"),
    "satisfaction": _l("满意度"),
    "privacy": _l("个人信息"),
    "session": _l("登录与会话"),
    "contact": _l("联系方式"),
}


class OfficeHours(NamedTuple):
    """Minutes after midnight, Asia/Shanghai."""

    opens: int
    pause_from: int
    pause_until: int
    closes: int


def register(*found: NumberSpec) -> None:
    """Add business numbers; features call it in `install`."""
    for spec in found:
        if spec.unit != "text":
            assert spec.floor <= int(spec.default) <= spec.ceiling, spec.key
        specs.add(spec.key, spec)


def get(key: str) -> int:
    """The whole number in force. An unknown key is a KeyError: a defect, not bad input."""
    value = _value(key)
    if not isinstance(value, int):
        raise KeyError(f"{key} is a text")
    return value


def text(key: str) -> str:
    """The text in force (contact address, mailbox)."""
    return str(_value(key))


def office_hours() -> OfficeHours:
    return OfficeHours(*(get(f"office_{name}") for name in OfficeHours._fields))


def stored(key: str) -> sa.ScalarSelect[str]:
    """The row's value as a part of another statement; NULL while the default holds."""
    return sa.select(BusinessNumber.value).where(BusinessNumber.key == key).scalar_subquery()


def overrides() -> dict[str, BusinessNumber]:
    """The rows by key, for the settings page."""
    return {row.key: row for row in db.session.scalars(sa.select(BusinessNumber))}


def change(key: str, typed: str, changed_by: uuid.UUID | None) -> tuple[int | str, int | str]:
    """Set a number from what a person typed; (before, after). The caller has checked the right and writes the audit.

    Raises Invalid on a value outside floor and ceiling or office hours out of order.
    """
    spec = specs.get(key)
    if spec is None:
        raise KeyError(key)
    before, after = _value(key), spec.parse(typed)
    if key.startswith("office_"):
        _check_office_order(spec, after)
    row = db.session.get(BusinessNumber, key)
    if row is None:
        row = BusinessNumber(key=key)
        db.session.add(row)
    row.value, row.changed_at, row.changed_by = str(after), clock.now(), changed_by
    db.session.flush()
    forget()
    return before, after


def forget() -> None:
    """Drop what the running request has read."""
    if has_request_context():
        request.environ.pop(_ENVIRON, None)


def _check_office_order(spec: NumberSpec, after: int | str) -> None:
    hours = office_hours()._replace(**{spec.key.removeprefix("office_"): int(after)})
    if not hours.opens < hours.pause_from <= hours.pause_until < hours.closes:
        raise spec._invalid(_l("办公时间须按先后排列：上班、午休开始、午休结束、下班。"))


def _value(key: str) -> int | str:
    spec = specs.get(key)
    if spec is None:
        raise KeyError(key)
    stored = _stored().get(key)
    if stored is None:
        return spec.default
    return stored if spec.unit == "text" else int(stored)


def companion(key: str) -> str | None:
    """The value of a `companions` statement, read together with the numbers; None without a row."""
    return _stored().get(key)


def _stored() -> dict[str, str]:
    if has_request_context() and _ENVIRON in request.environ:
        return request.environ[_ENVIRON]  # type: ignore[no-any-return]
    rows = db.session.connection().execute(_statement(companions.keys())).all()
    found: dict[str, str] = dict(row._tuple() for row in rows)
    if has_request_context():
        request.environ[_ENVIRON] = found
    return found


@cache
def _statement(_companions: tuple[str, ...]) -> Any:
    numbers: Any = sa.select(BusinessNumber.key, BusinessNumber.value)
    return sa.union_all(numbers, *companions) if len(companions) else numbers


def _n(key: str, group: str, default: int, floor: int, ceiling: int, unit: Unit, sentence: Any) -> NumberSpec:
    return NumberSpec(key, group, default, floor, ceiling, unit, sentence)


register(
    _n("office_opens", "office", 540, 0, 1440, "time_of_day", _l("上班时刻。")),
    _n("office_pause_from", "office", 720, 0, 1440, "time_of_day", _l("午休开始。")),
    _n("office_pause_until", "office", 810, 0, 1440, "time_of_day", _l("午休结束。")),
    _n("office_closes", "office", 1080, 0, 1440, "time_of_day", _l("下班时刻。")),
    _n("triage_idle_minutes", "tickets", 30, 5, 240, "minutes", _l("受理中的工单多久无操作自动放回。")),
    _n("info_silence_days", "tickets", 5, 3, 20, "working_days", _l("向用户提问后等多少个工作日。")),
    _n("confirm_days", "tickets", 3, 1, 10, "working_days", _l("处理完毕后多少个工作日无异议即关闭。")),
    _n("reopen_days", "tickets", 30, 7, 90, "days", _l("关闭后多少天内可以重新打开。")),
    _n("reschedules_max", "tickets", 2, 0, 10, "count", _l("不经组长最多改期几次。")),
    _n("accept_hours", "tickets", 4, 1, 16, "working_hours", _l("派单后多少工作小时内须接单或拒绝。")),
    _n("accept_hours_p1", "tickets", 1, 1, 8, "working_hours", _l("P1 派单后多少小时内须接单或拒绝。")),
    _n("job_access_days", "tickets", 7, 0, 30, "days", _l("工单关闭后，上门人员还能看到任务多少天（不含联系人）。")),
    _n("review_due_hours", "review", 8, 1, 40, "working_hours", _l("新注册须在多少工作小时内审完。")),
    _n("resubmission_due_hours", "review", 4, 1, 40, "working_hours", _l("补拍后须在多少工作小时内审完。")),
    _n("open_leases", "review", 3, 1, 10, "count", _l("一位审核员最多同时打开几件。")),
    _n("lease_minutes", "review", 15, 5, 60, "minutes", _l("打开一件后无操作多久自动放回。")),
    _n("undo_seconds", "review", 60, 10, 300, "seconds", _l("决定后多久内可以撤销；之后才通知申请人。")),
    _n("hold_max_working_days", "review", 5, 1, 20, "working_days", _l("挂起最多几个工作日。")),
    _n("appeal_days", "review", 30, 7, 90, "days", _l("被拒后多少天内可以申诉。")),
    _n("answer_days", "review", 14, 3, 60, "days", _l("要求补拍后等多少天，过后视为失效。")),
    _n("remind_days", "review", 3, 1, 14, "days", _l("要求补拍后，提醒申请人至少隔多少天。")),
    _n("max_rounds", "review", 5, 2, 10, "count", _l("一次注册最多补交几轮。")),
    _n("badge_retention_days", "privacy", 30, 1, 90, "days", _l("决定后证件照片保留多少天。")),
    _n("legal_hold_max_days", "privacy", 180, 1, 365, "days", _l("因法律事由保留证件照片一次最长多少天。")),
    _n("customer_token_idle_days", "session", 30, 1, 90, "days", _l("小程序登录多少天不用即失效。")),
    _n("customer_token_absolute_days", "session", 180, 1, 365, "days", _l("小程序登录最长多少天。")),
    _n("staff_idle_minutes", "session", 30, 5, 60, "minutes", _l("员工多久无操作后须重新登录。")),
    _n("staff_absolute_hours", "session", 12, 1, 24, "hours", _l("员工一次登录最长多少小时。")),
    NumberSpec(
        "contact_address", "contact", "北京市朝阳区新源南路1-3号商业写字楼B座803", 5, 200, "text",
        _l("隐私政策页上的联系地址。"), confirm=False,
    ),
    NumberSpec(
        "contact_mailbox", "contact", "Dataprotection_China@olympus.com.cn", 6, 120, "text",
        _l("隐私政策页上的联系邮箱。"), confirm=False, pattern=r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\"]+",
    ),
)  # fmt: skip
