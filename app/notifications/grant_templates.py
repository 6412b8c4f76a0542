"""Messages about department access: to the person by the channels of customers, to staff by WeCom or e-mail."""

from __future__ import annotations

from app.notifications.template import CUSTOMER_ORDER, SEE_APP, STAFF_ORDER, Template


def _grant(key: str, label: tuple[str, str], status: str, text: tuple[str, str], hint: str = SEE_APP) -> Template:
    """Number, status, time and one line, in the fields of the result template."""
    return Template(
        key,
        label,
        CUSTOMER_ORDER,
        ("number", "at"),
        text,
        sms="template_review_result",
        sms_params={"number": "{number}", "status": status},
        wechat_id="review_result",
        wechat={"character_string1": "{number}", "phrase2": status, "time3": "{at}", "thing4": hint},
        page="pages/grants/index",
    )


GRANTS: tuple[Template, ...] = (
    _grant(
        "grant_approved",
        ("科室权限：已批准", "Department access approved"),
        "权限批准",
        (
            "您的科室权限 {number} 已批准。科室、期限与可查看范围请在小程序内查看。",
            "Your department access {number} is approved. See the mini program for departments and dates.",
        ),
    ),
    _grant(
        "grant_started",
        ("科室权限：已生效", "Department access in force"),
        "权限生效",
        (
            "您的科室权限 {number} 自 {at} 起生效。",
            "Your department access {number} is in force from {at} on.",
        ),
    ),
    _grant(
        "grant_refused",
        ("科室权限：未批准", "Department access not approved"),
        "未批准",
        (
            "您的科室权限申请 {number} 未获批准。您本人的工单不受影响。",
            "Your request for department access {number} was not approved. Your own tickets are not affected.",
        ),
        hint="本人工单不受影响",
    ),
    _grant(
        "grant_paused",
        ("科室权限：已暂停", "Department access paused"),
        "权限暂停",
        (
            "您的资料有变动，科室权限 {number} 自 {at} 起暂停，重新确认后恢复；逾期未确认即失效。",
            "Something about your work has changed: department access {number} is paused from {at} on until it is "
            "confirmed again. It ends when nobody confirms it in time.",
        ),
        hint="资料有变动，等待重新确认",
    ),
    _grant(
        "grant_resumed",
        ("科室权限：已恢复", "Department access in force again"),
        "权限恢复",
        (
            "您的科室权限 {number} 已重新确认并恢复。",
            "Your department access {number} was confirmed and is in force again.",
        ),
    ),
    _grant(
        "grant_reduced",
        ("科室权限：范围缩小", "Department access reduced"),
        "范围缩小",
        (
            "经定期复核，您的科室权限 {number} 的范围已缩小，请在小程序内查看。",
            "After a periodic review your department access {number} covers less. See the mini program.",
        ),
    ),
    _grant(
        "grant_expiring",
        ("科室权限：即将到期", "Department access about to end"),
        "即将到期",
        (
            "您的科室权限 {number} 将于 {at} 到期，不会自动续期。需要继续使用时请提前申请。",
            "Your department access {number} ends at {at} and is not renewed by itself. "
            "Ask in time if you still need it.",
        ),
        hint="到期后不会自动续期",
    ),
    _grant(
        "grant_expired",
        ("科室权限：已失效", "Department access ended"),
        "权限失效",
        (
            "您的科室权限 {number} 已于 {at} 失效。您本人的工单不受影响。",
            "Your department access {number} ended at {at}. Your own tickets are not affected.",
        ),
        hint="本人工单不受影响",
    ),
    _grant(
        "grant_revoked",
        ("科室权限：已撤销", "Department access revoked"),
        "权限撤销",
        (
            "您的科室权限 {number} 已于 {at} 撤销。您本人的工单不受影响。",
            "Your department access {number} was revoked at {at}. Your own tickets are not affected.",
        ),
        hint="本人工单不受影响",
    ),
    Template(
        "grant_staff_notice",
        ("科室权限：告知经办人", "Department access: note to staff"),
        STAFF_ORDER,
        ("number", "what", "what_en"),
        (
            "您经办的科室权限 {number} {what}。请在员工后台“权限”中查看。",
            "Department access {number}, which you had a part in, is {what_en}. See Grants in the staff portal.",
        ),
        subject=("科室权限 {number} {what}", "Department access {number} {what_en}"),
        path="/grants/{number}",
    ),
    Template(
        "grant_review_due",
        ("权限复核：即将截止", "Access review: deadline near"),
        STAFF_ORDER,
        ("number", "left", "due"),
        (
            "权限复核 {number} 还有 {left} 项没有决定。{due} 结束时仍未决定的，次日起失效。",
            "Access review {number} has {left} items without a decision. What is undecided at the end of {due} lapses "
            "the day after.",
        ),
        subject=("权限复核 {number} 即将截止", "Access review {number}: deadline near"),
        path="/grants/reviews/{number}",
    ),
)
