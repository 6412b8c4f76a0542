"""The closed lists of the depot: what is tested before a device goes back, why one goes back unrepaired, what becomes
of a part. Codes as stored, words as read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the sheet. ``gauged``: needs a measuring instrument in calibration, and a value."""

    key: str
    label: Any
    mandatory: bool = True
    gauged: bool = False


RELEASE_TESTS: tuple[Check, ...] = (
    Check("leak", _l("测漏"), gauged=True),
    Check("insulation", _l("绝缘与漏电流"), gauged=True),
    Check("image", _l("图像与照明")),
    Check("angulation", _l("弯曲角度"), gauged=True),
    Check("channels", _l("管道、吸引、送气送水")),
    Check("function", _l("按键与整机功能")),
    Check("outside", _l("外观与清洁")),
    Check("accessories", _l("附件齐全"), mandatory=False),
)
TESTS: Mapping[str, Check] = {one.key: one for one in RELEASE_TESTS}
# Done where the device stands, beside tests of the list above
FIELD_CHECKS: Mapping[str, Any] = {
    "explained": _l("已向科室说明处理结果"),
    "cleared": _l("已清理现场，工具和旧件已带走"),
}

RETURN_REASONS: Mapping[str, Any] = {
    "customer_asks_back": _l("用户要求退回"),
    "not_repairable": _l("无法修复"),
    "parts_discontinued": _l("备件已停产"),
}
PART_STATES: Mapping[str, Any] = {
    "wanted": _l("等到货"),
    "arrived": _l("已到货"),
    "used": _l("已使用"),
    "returned": _l("退回仓库"),
    "scrapped": _l("报废"),
    "dropped": _l("不再需要"),
}
# what a line may become next
PART_STEPS: Mapping[str, tuple[str, ...]] = {
    "wanted": ("arrived", "dropped"),
    "arrived": ("used", "returned", "scrapped"),
}
# the same where the device stands: a part that was waited for is in the hands of whoever builds it in
FIELD_PART_STEPS: Mapping[str, tuple[str, ...]] = {
    "wanted": ("used", "returned", "dropped"),
    "arrived": ("used", "returned"),
}
HOLDERS: Mapping[str, Any] = {
    "engineer": _l("工程师"),
    "dealer": _l("经销商"),
    "courier": _l("快递"),
    "depot": _l("返厂车间"),
}
QUOTE_ANSWERS: Mapping[str, Any] = {
    "": _l("等用户确认"),
    "accepted": _l("已接受"),
    "declined": _l("不接受"),
    "expired": _l("已过期"),
}


def check_label(key: str) -> str:
    """A test's name in words; a name of the field's own sheet as it stands."""
    if key in FIELD_CHECKS:
        return str(FIELD_CHECKS[key])
    return str(TESTS[key].label) if key in TESTS else key
