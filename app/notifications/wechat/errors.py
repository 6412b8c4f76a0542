"""What each WeChat errcode means and what the portal does about it, as data (requirements.md 5.2)."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.notifications.tencent.errors import ApiError, Rule, Step

RULES: dict[int, Rule] = {
    -1: Rule(Step.RETRY, _l("微信系统繁忙")),
    40001: Rule(Step.REFRESH, _l("微信接口凭证不正确")),
    40014: Rule(Step.REFRESH, _l("微信接口凭证无效")),
    42001: Rule(Step.REFRESH, _l("微信接口凭证已过期")),
    40003: Rule(Step.BROKEN, _l("微信身份不属于本账号")),
    40029: Rule(Step.REFUSED, _l("微信登录码无效")),
    40163: Rule(Step.REFUSED, _l("微信登录码已被使用")),
    40226: Rule(Step.REFUSED, _l("微信判定该用户有风险")),
    40037: Rule(Step.DEAD, _l("消息模板编号不正确")),
    41030: Rule(Step.DEAD, _l("消息跳转页面不正确")),
    45168: Rule(Step.DEAD, _l("消息含有不允许的词")),
    47003: Rule(Step.DEAD, _l("消息模板的内容不符合要求")),
    43004: Rule(Step.FALLBACK, _l("用户没有关注公众号")),
    43101: Rule(Step.FALLBACK, _l("用户没有订阅，或订阅次数已用完")),
    43108: Rule(Step.RETRY, _l("同一用户的消息正在发送")),
    45009: Rule(Step.PAUSE_DAY, _l("当日调用次数已用完")),
    45011: Rule(Step.PAUSE_MINUTE, _l("每分钟调用次数已用完")),
    40013: Rule(Step.STOP, _l("微信账号编号不正确")),
    40125: Rule(Step.STOP, _l("微信账号密钥不正确")),
    40164: Rule(Step.STOP, _l("本机地址不在微信的许可名单内")),
    43107: Rule(Step.STOP, _l("微信账号的消息功能被封禁")),
    48001: Rule(Step.STOP, _l("微信账号没有这项权限")),
    50002: Rule(Step.STOP, _l("微信账号受到限制")),
}
UNLISTED = Rule(Step.DEAD, _l("微信返回了未列出的错误"))


class WeChatError(ApiError):
    """WeChat answered with an errcode."""

    service, rules, unlisted = "wechat", RULES, UNLISTED


class ValueRefused(ValueError):
    """A template value that WeChat would refuse, found before sending; names the field and the rule, not the value."""

    def __init__(self, field: str, rule: str) -> None:
        self.field, self.rule = field, rule
        super().__init__(f"{field}: {rule}")
