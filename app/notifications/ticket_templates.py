"""Messages about a repair ticket: number, what happened in a word, when, and where to look."""

from __future__ import annotations

from app.notifications.template import CUSTOMER_ORDER, EMAIL, SEE_APP, SMS, Template

PAGE = "pages/tickets/detail"


def _about(key: str, label: tuple[str, str], status: str, text: tuple[str, str], hint: str = SEE_APP) -> Template:
    """``status`` goes into a field of at most five Chinese characters, ``hint`` into one of at most twenty."""
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
        page=PAGE,
    )


TICKETS: tuple[Template, ...] = (
    _about("ticket_received", ("工单：已受理", "Ticket received"), "已受理",
           ("您的报修 {number} 已登记。", "Your report {number} was recorded.")),
    _about("ticket_need_info", ("工单：需要补充", "Ticket: question"), "待补充",
           ("关于报修 {number}，我们需要您补充一些情况，请在小程序内答复。",
            "We have a question about your report {number}. Please answer in the mini program."),
           "请在小程序内答复问题"),
    _about("ticket_info_reminder", ("工单：提醒补充", "Ticket: reminder"), "待补充",
           ("报修 {number} 还在等您补充情况。", "Your report {number} still waits for your answer."),
           "请在小程序内答复问题"),
    _about("ticket_info_final", ("工单：最后提醒", "Ticket: final reminder"), "即将撤销",
           ("报修 {number} 一直没有收到答复，{at} 前未答复将撤销。您可以随时重新报修。",
            "We had no answer about your report {number}. Without one it is cancelled at {at}; you can report again."),
           "未答复将撤销，可重新报修"),
    _about("ticket_cancelled", ("工单：已撤销", "Ticket cancelled"), "已撤销",
           ("报修 {number} 已撤销。需要时请重新报修。", "Your report {number} was cancelled. Report again if needed.")),
    _about("ticket_rejected", ("工单：不受理", "Ticket rejected"), "不受理",
           ("报修 {number} 不能受理，可以怎么办请在小程序内查看。",
            "We cannot take your report {number}. See the mini program for what you can do.")),
    _about("ticket_merged", ("工单：已并入", "Ticket merged"), "已并入",
           ("报修 {number} 已并入同一设备的另一张工单，进度请在小程序内查看。",
            "Your report {number} goes on in another ticket of the same device. See the mini program.")),
    _about("ticket_scheduled", ("工单：已预约", "Ticket scheduled"), "已预约",
           ("报修 {number} 已安排上门，时间与工程师请在小程序内查看。",
            "A visit for your report {number} is planned. See the mini program for time and engineer.")),
    _about("ticket_rescheduled", ("工单：已改期", "Ticket rescheduled"), "已改期",
           ("报修 {number} 的上门时间有变动，请在小程序内查看。",
            "The visit for your report {number} has a new time. See the mini program.")),
    _about("ticket_collected", ("工单：已取件", "Device collected"), "已取件",
           ("报修 {number} 的设备已取走返厂。", "The device of your report {number} is on its way to our depot.")),
    _about("ticket_quoted", ("工单：请确认报价", "Quote to confirm"), "待确认",
           ("报修 {number} 的报价请在小程序内确认。", "Please confirm the quote for your report {number}."),
           "请在小程序内确认报价"),
    _about("ticket_quote_expired", ("工单：报价已过期", "Quote expired"), "报价过期",
           ("报修 {number} 的报价已过期，设备将未经维修送回，请勿使用。",
            "The quote for your report {number} expired. The device comes back unrepaired; do not use it."),
           "设备未经维修送回，请勿使用"),
    _about("ticket_returning", ("工单：送回在途", "Device on its way back"), "送回在途",
           ("报修 {number} 的设备正在送回。", "The device of your report {number} is on its way back.")),
    _about("ticket_resolved", ("工单：待确认", "Ticket resolved"), "待确认",
           ("报修 {number} 已处理完毕，请在小程序内确认；三个工作日后自动关闭。",
            "Your report {number} is done. Please confirm; it closes by itself after three working days."),
           "请确认，三个工作日后关闭"),
    _about("ticket_closed", ("工单：已关闭", "Ticket closed"), "已关闭",
           ("报修 {number} 已关闭。", "Your report {number} is closed.")),
    _about("ticket_reopened", ("工单：重新处理", "Ticket reopened"), "重新处理",
           ("报修 {number} 已重新打开。", "Your report {number} was opened again.")),
    _about("ticket_message", ("工单：新消息", "Ticket: new message"), "新消息",
           ("报修 {number} 有新消息，请在小程序内查看。", "There is a message about your report {number}.")),
    _about("rating_invitation", ("评价邀请", "Invitation to rate"), "待评价",
           ("报修 {number} 已处理完。请在 {at} 前评价这次服务。",
            "Your report {number} is done. Please rate the service before {at}."),
           "请评价这次维修服务"),
    Template(
        "rating_link",
        ("评价邀请：链接", "Invitation to rate: link"),
        (SMS,),
        ("number", "link"),
        ("报修 {number} 已处理完，请评价这次服务：{link}", "The repair {number} is done. Please rate it: {link}"),
        sms="template_rating_link",
        sms_params={"number": "{number}", "link": "{link}"},
        secret=("link",),
    ),
    Template(
        "rating_second",
        ("回访后再次评价", "Second question after a follow-up"),
        (SMS,),
        ("number", "link"),
        (
            "关于报修 {number} 我们已和您联系，现在您满意吗？请告诉我们：{link}",
            "We have followed up on your report {number}. Are you content now? Please tell us: {link}",
        ),
        sms="template_rating_second",
        sms_params={"number": "{number}", "link": "{link}"},
        secret=("link",),
    ),
    Template(
        "ticket_deadline",
        ("工单：时限提醒", "Ticket: deadline"),
        (EMAIL,),
        ("number", "clock", "clock_en", "level", "due"),
        (
            "工单 {number} 的“{clock}”已用去 {level}%，截止 {due}。",
            "Ticket {number}: {level}% of the time for “{clock_en}” is used; it is due at {due}.",
        ),
        subject=("工单 {number} 时限 {level}%", "Ticket {number}: {level}% of its time"),
    ),
    Template(
        "ticket_deadlines",
        ("工单：多项时限提醒", "Ticket: several deadlines"),
        (EMAIL,),
        ("count",),
        (
            "另有 {count} 项工单时限提醒，未逐项发送，请在后台的工单列表中查看。",
            "{count} more deadlines of tickets were reached. They are not sent one by one; see the list of tickets.",
        ),
        subject=("另有 {count} 项工单时限提醒", "{count} more ticket deadlines"),
    ),
)  # fmt: skip
