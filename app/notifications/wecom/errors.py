"""What each WeCom errcode means and what the portal does about it, as data (requirements.md 5.2).

An errcode says that nothing went out, and staff have a mailbox: what is no reason to ask again goes there.
"""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.notifications.tencent.errors import ApiError, Rule, Step

RULES: dict[int, Rule] = {
    -1: Rule(Step.RETRY, _l("企业微信系统繁忙")),
    45033: Rule(Step.RETRY, _l("企业微信同时收到的调用过多")),
    40014: Rule(Step.REFRESH, _l("企业微信接口凭证无效")),
    42001: Rule(Step.REFRESH, _l("企业微信接口凭证已过期")),
    40003: Rule(Step.FALLBACK, _l("企业微信里没有这个成员")),
    60011: Rule(Step.FALLBACK, _l("该成员不在企业微信应用的可见范围内")),
    81013: Rule(Step.FALLBACK, _l("企业微信里没有这个成员，或应用对其不可见")),
    82001: Rule(Step.FALLBACK, _l("企业微信没有认出收件人")),
    45002: Rule(Step.FALLBACK, _l("企业微信认为消息过长")),
    45009: Rule(Step.PAUSE_HOUR, _l("企业微信调用次数已达上限")),
    40001: Rule(Step.STOP, _l("企业微信应用密钥不正确")),
    40013: Rule(Step.STOP, _l("企业微信企业编号不正确")),
    40056: Rule(Step.STOP, _l("企业微信应用编号不正确")),
    48002: Rule(Step.STOP, _l("企业微信应用没有这项权限")),
    60020: Rule(Step.STOP, _l("本机地址不在企业微信的可信名单内")),
    301002: Rule(Step.STOP, _l("企业微信应用没有发消息的权限")),
}
UNLISTED = Rule(Step.FALLBACK, _l("企业微信返回了未列出的错误"))


class WeComError(ApiError):
    """WeCom answered with an errcode."""

    service, rules, unlisted = "wecom", RULES, UNLISTED
