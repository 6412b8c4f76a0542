"""The catalogue of messages: which channels carry each, in which order, in which words.

Parameters hold public texts only. WeChat fields get a number, a time and words of this page, never a person's data.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.notifications.dispatch_templates import DISPATCH
from app.notifications.grant_templates import GRANTS
from app.notifications.template import (
    CODE_SECONDS,
    CUSTOMER_ORDER,
    EMAIL,
    SEE_APP,
    SMS,
    STAFF_ORDER,
    WECHAT_SUBSCRIBE,
    WECHAT_TEMPLATE,
    WECOM,
    Template,
)
from app.notifications.ticket_templates import TICKETS

__all__ = [
    "CATALOGUE",
    "CODE_SECONDS",
    "CUSTOMER_ORDER",
    "EMAIL",
    "SMS",
    "STAFF_ORDER",
    "WECHAT_SUBSCRIBE",
    "WECHAT_TEMPLATE",
    "WECOM",
    "Template",
]


def _result(key: str, label: tuple[str, str], status: str, text: tuple[str, str], hint: str = SEE_APP) -> Template:
    """A message about a registration's result: number, status, time, one line."""
    params = ("number", "at", "reason") if "{reason}" in hint + text[0] else ("number", "at")
    return Template(
        key,
        label,
        CUSTOMER_ORDER,
        params,
        text,
        sms="template_review_result",
        sms_params={"number": "{number}", "status": status},
        wechat_id="review_result",
        wechat={"character_string1": "{number}", "phrase2": status, "time3": "{at}", "thing4": hint},
        page="pages/registration/index",
    )


_CODE_TEXT = (
    "您的验证码是 {code}，5 分钟内有效。请勿告诉他人。",
    "Your code is {code}. It is valid for 5 minutes. Do not share it.",
)
CATALOGUE: dict[str, Template] = {
    template.key: template
    for template in (
        *GRANTS,
        *TICKETS,
        *DISPATCH,
        Template(
            "login_code",
            ("登录验证码", "Login code"),
            (SMS,),
            ("code",),
            _CODE_TEXT,
            sms="template_login_code",
            sms_params={"code": "{code}"},
            secret=("code",),
            seconds=CODE_SECONDS,
        ),
        Template(
            "site_otp",
            ("智慧医疗网站验证码", "Smart-medical site code"),
            (SMS,),
            ("code",),
            _CODE_TEXT,
            sms="template_login_code",
            sms_params={"code": "{code}"},
            secret=("code",),
            seconds=CODE_SECONDS,
        ),
        Template(
            "staff_invitation",
            ("员工邀请", "Staff invitation"),
            (EMAIL,),
            ("link",),
            (
                "您被邀请使用服务系统员工后台。请打开下面的链接设置密码；链接只能用一次，过期后请联系邀请人。\n{link}",
                "You are invited to the staff portal. Open the link to set your password. It works once; "
                "ask whoever invited you when it has expired.\n{link}",
            ),
            subject=("员工后台邀请", "Invitation to the staff portal"),
            secret=("link",),
        ),
        Template(
            "restricted_notice",
            ("内部提醒", "Internal notice"),
            STAFF_ORDER,
            ("level", "due"),
            (
                "后台有一件由您负责的事须在 {due} 前处理，时限已用去 {level}%。内容请登录后台查看，请勿转发。",
                "Something you are in charge of is due at {due}; {level}% of its time is used. Sign in to the portal "
                "to see what it is. Please do not forward this.",
            ),
            subject=("内部提醒", "Internal notice"),
        ),
        Template(
            "restricted_notice_sms",
            ("内部提醒短信", "Internal notice by SMS"),
            (SMS,),
            ("level", "due"),
            (
                "后台有一件由您负责的事须在 {due} 前处理，时限已用去 {level}%。",
                "Something you are in charge of is due at {due}; {level}% of its time is used.",
            ),
            sms="template_review_result",
            sms_params={"number": "内部事项", "status": "待处理"},
        ),
        _result(
            "registration_approved",
            ("注册审核：通过", "Registration approved"),
            "审核通过",
            (
                "您的注册申请 {number} 已通过审核，现在可以使用报修服务。",
                "Your registration {number} is approved. You can now report faults.",
            ),
        ),
        _result(
            "registration_needs_resubmission",
            ("注册审核：要求重拍", "Another photo needed"),
            "需要重拍",
            (
                "您的注册申请 {number} 需要重新提交证件照片：{reason}。请在小程序内重新提交。",
                "Your registration {number} needs another badge photo: {reason}. Please submit it in the mini program.",
            ),
            hint="{reason}",
        ),
        _result(
            "registration_reminder",
            ("注册审核：提醒补拍", "Reminder to send another photo"),
            "等待补拍",
            (
                "您的注册申请 {number} 还等您重新提交证件照片，请在 {at} 前在小程序内提交。",
                "Your registration {number} still needs another badge photo. Please submit it before {at}.",
            ),
        ),
        _result(
            "registration_rejected",
            ("注册审核：未通过", "Registration rejected"),
            "未通过",
            (
                "您的注册申请 {number} 未通过审核。原因与申诉方式请在小程序内查看。",
                "Your registration {number} was not approved. See the mini program for the reason and how to appeal.",
            ),
        ),
        _result(
            "registration_lapsed",
            ("注册审核：已失效", "Registration lapsed"),
            "已失效",
            (
                "您的注册申请 {number} 因未按时补充材料已失效，可在小程序内重新申请。",
                "Your registration {number} lapsed because nothing was resubmitted in time. You may apply again.",
            ),
        ),
        _result(
            "registration_appeal_approved",
            ("申诉：成立", "Appeal upheld"),
            "申诉成立",
            (
                "您对注册申请 {number} 的申诉成立，申请已通过。",
                "Your appeal about registration {number} is upheld; the registration is approved.",
            ),
        ),
        _result(
            "registration_appeal_rejected",
            ("申诉：维持原决定", "Appeal turned down"),
            "维持原定",
            (
                "您对注册申请 {number} 的申诉已处理，维持原决定。答复请在小程序内查看。",
                "Your appeal about registration {number} was decided; the decision stands. See the mini program.",
            ),
        ),
    )
}


def get(key: str) -> Template:
    """The template; KeyError names a key that nobody wrote."""
    return CATALOGUE[key]


def checked(key: str, params: Mapping[str, str]) -> dict[str, str]:
    """``params`` if they are exactly the template's. Raises ValueError naming the missing or unknown ones."""
    wanted = set(get(key).params)
    if wanted != set(params):
        odd = ", ".join(sorted(wanted ^ set(params)))
        raise ValueError(f"{key}: missing or unknown parameters: {odd}")
    return dict(params)
