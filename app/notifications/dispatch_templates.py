"""Messages to engineers, dealer users and dispatchers: a ticket's number and what to do. Nothing about the customer."""

from __future__ import annotations

from app.notifications.template import EMAIL, SMS, STAFF_ORDER, WECOM, Template

MINE = "/jobs"  # of a ticket that is no longer his, a person has no page
JOB = "/jobs/{number}"


def _staff(
    key: str, label: tuple[str, str], params: tuple[str, ...], text: tuple[str, str], subject: tuple[str, str],
    card: tuple[str, str] = ("", ""), path: str = MINE,
) -> Template:  # fmt: skip
    return Template(key, label, STAFF_ORDER, ("number", *params), text, subject=subject, card=card, path=path)


DISPATCH: tuple[Template, ...] = (
    _staff(
        "dispatch_offer", ("派工：请接单", "Dispatch: offer"), ("window", "accept_by"),
        ("工单 {number} 派给了您，计划上门 {window}，请在 {accept_by} 前接单或拒绝。",
         "Ticket {number} is offered to you for {window}. Accept or decline by {accept_by}."),
        ("请接单：{number}", "Offer: {number}"),
        path=JOB,
    ),
    Template(
        "dispatch_offer_urgent", ("派工：紧急，请接单", "Dispatch: urgent offer"), (SMS, WECOM, EMAIL),
        ("number", "window", "accept_by"),
        ("P1 工单 {number} 派给了您，计划上门 {window}，请在 {accept_by} 前接单或拒绝。",
         "P1 ticket {number} is offered to you for {window}. Accept or decline by {accept_by}."),
        subject=("紧急，请接单：{number}", "Urgent offer: {number}"),
        sms="template_review_result", sms_params={"number": "{number}", "status": "请接单"}, path=JOB,
    ),
    _staff(
        "dispatch_recalled", ("派工：已撤回", "Dispatch: recalled"), (),
        ("派给您的工单 {number} 已撤回，不用再处理，也不计入您的记录。",
         "The offer of ticket {number} was recalled. Nothing is left to do, and it does not count against you."),
        ("已撤回：{number}", "Recalled: {number}"),
    ),
    _staff(
        "dispatch_withdrawn", ("派工：已改派", "Dispatch: reassigned"), (),
        ("工单 {number} 的上门任务已取消或改派，请不要前往。",
         "Your visit for ticket {number} was called off or given to somebody else. Please do not go."),
        ("请勿前往：{number}", "Do not go: {number}"),
    ),
    _staff(
        "dispatch_moved", ("派工：已改期", "Dispatch: new time"), ("window",),
        ("工单 {number} 的上门时间改为 {window}。", "Your visit for ticket {number} is now {window}."),
        ("已改期：{number}", "New time: {number}"),
        path=JOB,
    ),
    _staff(
        "dispatch_back", ("派工：退回待派", "Dispatch: back in the pool"), ("name", "why", "why_en"),
        ("工单 {number} 回到待派单：{name}，{why}。", "Ticket {number} is back in the pool: {name}, {why_en}."),
        ("回到待派单：{number}", "Back in the pool: {number}"),
        card=("工单 {number} 回到待派单：{why}。请重新派单。",
              "Ticket {number} is back in the pool: {why_en}. Please offer it again."),
        path="/dispatch/{number}/candidates",
    ),
)  # fmt: skip
