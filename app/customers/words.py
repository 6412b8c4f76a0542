"""Words of the people's pages: how a person is addressed, and what audit events are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.consents.models import Purpose
from app.customers import reasons
from app.customers.dossier import Person, Trace
from app.customers.models import Gender, RightsKind
from app.customers.panels import event_words, reason_words

EVENTS: Mapping[str, Any] = {
    "customer.created": _l("建立账号"),
    "customer.signed_in": _l("登录小程序"),
    "customer.signed_out": _l("退出登录"),
    "customer.corrected": _l("本人更改了资料"),
    "customer.frozen": _l("账号冻结"),
    "customer.released": _l("账号解除冻结"),
    "customer.revealed": _l("显示了完整信息"),
    "customer_session.ended": _l("结束了小程序登录"),
    "wechat_identity.bound": _l("绑定微信"),
    "consent.given": _l("同意"),
    "consent.withdrawn": _l("撤回同意"),
    "rights_request.received": _l("收到个人权利请求"),
}
FIELDS: Mapping[str, Any] = {"phone": _l("手机号"), "name": _l("姓名"), "gender": _l("称呼")}
ACTORS: Mapping[str, Any] = {"customer": _l("本人"), "system": _l("系统"), "anonymous": _l("未登录")}
TONES: Mapping[str, str] = {"customer.frozen": "late", "customer.revealed": "act", "customer_session.ended": "soon"}
PURPOSES: Mapping[str, Any] = {
    Purpose.SERVICE: _l("隐私政策与服务"),
    Purpose.BADGE: _l("证件照片（敏感个人信息）"),
    Purpose.CONTACT_THIRD_PARTY: _l("提供他人的联系方式"),
    Purpose.NOTIFY_WECHAT: _l("微信通知"),
    Purpose.SITE_OTP: _l("智慧医疗网站登录短信"),
    Purpose.MARKETING: _l("推广信息"),
}
RIGHTS: Mapping[RightsKind, Any] = {
    RightsKind.ACCESS: _l("查阅、复制"),
    RightsKind.CORRECT: _l("更正"),
    RightsKind.SUPPLEMENT: _l("补充"),
    RightsKind.DELETE: _l("删除"),
    RightsKind.CANCEL: _l("注销账号"),
    RightsKind.TRANSFER: _l("转移"),
    RightsKind.WITHDRAW_CONSENT: _l("撤回同意"),
    RightsKind.RESTRICT: _l("限制处理"),
    RightsKind.EXPLAIN: _l("解释说明"),
    RightsKind.COMPLAINT: _l("投诉"),
    RightsKind.ACCOUNT_RECOVERY: _l("找回账号"),
}
CHANNELS: Mapping[str, Any] = {
    "mini_program": _l("小程序"),
    "page": _l("网页"),
    "mail": _l("邮件"),
    "phone": _l("电话"),
}


def address(person: Person) -> str:
    """How to speak to this person."""
    return form_of_address(person.surname, person.gender)


def form_of_address(surname: str, gender: Gender | None) -> str:
    """decisions.md 30: 冯女士, 冯先生, else 冯老师; what a gender is collected for."""
    name = surname
    if gender is Gender.FEMALE:
        return _("%(name)s女士", name=name)
    if gender is Gender.MALE:
        return _("%(name)s先生", name=name)
    return _("%(name)s老师", name=name)


def purpose(key: str) -> str:
    return str(PURPOSES.get(key, key))


def channel(key: str) -> str:
    return str(CHANNELS.get(key, key))


@dataclass(frozen=True, slots=True)
class Item:
    """One line of `ui.timeline`."""

    at: datetime
    title: str
    who: str
    text: str
    tone: str


def items(traces: Iterable[Trace]) -> list[Item]:
    """Events in words; codes that no feature put into words stay codes."""
    known: dict[str, str] = {key: str(word) for key, word in PURPOSES.items()}
    known |= {kind.value: str(word) for kind, word in RIGHTS.items()}
    for source in reason_words:
        known.update(source())
    return [_item(trace, known) for trace in traces]


def _item(trace: Trace, known: Mapping[str, str]) -> Item:
    found = EVENTS.get(trace.event)
    if found is None:
        found = next((words[trace.event] for words in event_words if trace.event in words), trace.event)
    title = str(found)
    shown = [str(FIELDS[name]) for name in trace.fields if name in FIELDS]
    if shown:
        title = _("%(what)s：%(fields)s", what=title, fields=_("、").join(shown))
    who = trace.by if trace.kind == "staff" else str(ACTORS.get(trace.kind, trace.kind))
    return Item(trace.at, title, who, _reason(trace.reason, known), TONES.get(trace.event, "idle"))


def _reason(code: str | None, known: Mapping[str, str]) -> str:
    return reasons.word(code) or known.get(code or "", code or "")
