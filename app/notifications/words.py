"""Words for channels, states and error codes on pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import masking
from app.core.outbox import MessageState
from app.core.worklist import Chip
from app.notifications import templates
from app.notifications.tencent import ApiError
from app.notifications.wechat import WeChatError
from app.notifications.wecom import WeComError

CHANNELS: dict[str, Any] = {
    templates.WECHAT_TEMPLATE: _l("公众号消息"),
    templates.WECHAT_SUBSCRIBE: _l("小程序订阅消息"),
    templates.WECOM: _l("企业微信"),
    templates.SMS: _l("短信"),
    templates.EMAIL: _l("邮件"),
    "none": _l("无可用渠道"),
}
STATES: dict[str, Chip] = {
    MessageState.WAITING: Chip(_l("等待发送"), "act", "half"),
    MessageState.SENDING: Chip(_l("正在发送"), "act", "half"),
    MessageState.SENT: Chip(_l("已送达"), "done", "tick"),
    MessageState.FAILED: Chip(_l("无法送达"), "late", "dot"),
    MessageState.DEAD: Chip(_l("已停止重试"), "late", "dot"),
    MessageState.UNKNOWN: Chip(_l("结果未知"), "soon", "half"),
    MessageState.CANCELLED: Chip(_l("已撤回"), "idle", "ring"),
}
ERRORS: dict[str, Any] = {
    "channel_error": _l("发送程序出错"),
    "channel_missing": _l("没有这个渠道"),
    "channel_not_configured": _l("渠道尚未配置"),
    "channel_paused": _l("渠道暂停中"),
    "channel_stopped": _l("渠道已停用"),
    "too_late": _l("已过有效时间，不再发送"),
    "template_unknown": _l("没有这个消息模板"),
    "template_has_no_sms": _l("该消息没有短信模板"),
    "no_address": _l("没有可用的联系方式"),
    "address_invalid": _l("联系方式格式不正确"),
    "not_following": _l("用户没有关注公众号"),
    "no_subscription_left": _l("用户没有订阅，或订阅次数已用完"),
    "killed_while_sending": _l("发送中断，可能已经送达"),
    "purpose_refused": _l("该用户不允许此用途的消息"),
    "withdrawn": _l("决定已撤销，消息收回"),
    "erased": _l("收件人信息已删除"),
    "sms_timeout": _l("短信平台没有答复，可能已经送达"),
    "sms_http_5xx": _l("短信平台出错，可能已经送达"),
    "sms_unexpected_answer": _l("短信平台答复异常，可能已经送达"),
    "sms_connect_timeout": _l("连不上短信平台"),
    "sms_no_connection": _l("连不上短信平台"),
    "sms_outbound_refused": _l("短信平台地址不在许可名单内"),
    "isv.BUSINESS_LIMIT_CONTROL": _l("该号码的短信次数已达上限"),
    "isv.MOBILE_NUMBER_ILLEGAL": _l("手机号码不正确"),
    "isv.SMS_TEMPLATE_ILLEGAL": _l("短信模板不正确"),
    "isv.INVALID_JSON_PARAM": _l("短信模板参数不正确"),
    "isv.AMOUNT_NOT_ENOUGH": _l("短信平台余额不足"),
    "SignatureDoesNotMatch": _l("短信平台密钥不正确"),
    "wechat_timeout": _l("微信没有答复"),
    "wechat_http_5xx": _l("微信服务出错"),
    "wechat_connect_timeout": _l("连不上微信"),
    "wechat_no_connection": _l("连不上微信"),
    "wechat_unexpected_answer": _l("微信答复异常"),
    "wechat_token_busy": _l("正在等待微信接口凭证"),
    "wechat_outbound_refused": _l("微信地址不在许可名单内"),
    "wechat_user_block": _l("用户拒收公众号消息"),
    "wechat_system_failed": _l("微信系统发送失败"),
    "wecom_invaliduser": _l("企业微信里没有这个成员，或应用对其不可见"),
    "wecom_unlicenseduser": _l("该成员没有企业微信接口许可"),
    "wecom_timeout": _l("企业微信没有答复"),
    "wecom_http_5xx": _l("企业微信服务出错"),
    "wecom_connect_timeout": _l("连不上企业微信"),
    "wecom_no_connection": _l("连不上企业微信"),
    "wecom_unexpected_answer": _l("企业微信答复异常"),
    "wecom_token_busy": _l("正在等待企业微信接口凭证"),
    "wecom_outbound_refused": _l("企业微信地址不在许可名单内"),
    "smtp_no_connection": _l("邮件服务器连接中断"),
    "smtp_authentication": _l("邮件服务器拒绝了账号"),
}
_ERRCODE = re.compile(r"^(wechat|wecom)_(-?\d+)$")
_SERVICES: dict[str, type[ApiError]] = {found.service: found for found in (WeChatError, WeComError)}


def channel(name: str) -> str:
    return str(CHANNELS.get(name, name))


def template(key: str) -> str:
    """The message's name in the reader's language; the key of one that left the catalogue."""
    known = templates.CATALOGUE.get(key)
    if known is None:
        return key
    return known.label[1] if str(get_locale() or "").startswith("en") else known.label[0]


def error(code: str | None) -> str:
    """The error in words, with its code for whoever has to look it up."""
    if not code:
        return ""
    found = _ERRCODE.match(code)
    if found is not None:
        answer = _SERVICES[found.group(1)](int(found.group(2)))
        return _("%(words)s（%(code)s）", words=answer.rule.words, code=answer.errcode)
    if code.startswith("value_refused_"):
        return _("消息内容超出微信限制（%(field)s）", field=code.removeprefix("value_refused_"))
    if code.startswith("smtp_") and code[5:].isdigit():
        return _("邮件服务器拒收（%(code)s）", code=code[5:])
    return str(ERRORS.get(code, code))


def refusals(refused_by: Mapping[str, str] | None) -> list[str]:
    """A sentence for each channel that did not take a message before the present one did."""
    found = (refused_by or {}).items()
    return [_("%(channel)s未送达：%(why)s", channel=channel(name), why=error(code)) for name, code in found]


def masked(channel_name: str, address: str | None) -> str:
    """A recipient as pages show it."""
    if channel_name == templates.SMS:
        return masking.mask_phone(address)
    if channel_name == templates.EMAIL:
        return masking.mask_email(address)
    return masking.mask_openid(address)
