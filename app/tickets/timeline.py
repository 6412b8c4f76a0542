"""What happened to a ticket in words, for staff: events, messages and notes in one line of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.tickets.bench import RETURN_REASONS
from app.tickets.models import Direction
from app.tickets.queries.dossier import Event, Said
from app.tickets.queries.files import File
from app.tickets.triage import CANCEL_REASONS, MERGE_REASONS, QUESTIONS, REJECT_REASONS, RELEASE_REASONS, REOPEN_REASONS

WORDS: Mapping[str, Any] = {
    "submit_ticket": _l("报修"), "record_call": _l("电话报修"), "take_over": _l("由原系统转入"),
    "claim_ticket": _l("接手分诊"), "release_ticket": _l("放回队列"), "release_idle": _l("无人处理，自动放回队列"),
    "ask_info": _l("请用户补充"), "answer_info": _l("用户已补充"), "record_answer": _l("电话得到补充"),
    "cancel_silent": _l("一直没有答复，已撤销"), "cancel_unanswered": _l("一直没有答复，已撤销"),
    "finish_triage": _l("分诊完成，转派工"), "reject_ticket": _l("不受理"), "merge_ticket": _l("并入另一张工单"),
    "offer_ticket": _l("已派单，等接单"), "decline_offer": _l("拒绝接单"), "expire_offer": _l("超时未接单"),
    "recall_offer": _l("收回派单"), "accept_offer": _l("已接单"), "reschedule_visit": _l("改约上门时间"),
    "move_visit": _l("调整上门时间"), "withdraw_visit": _l("取消上门安排"), "lose_eligibility": _l("不再符合承接条件"),
    "arrive_on_site": _l("已到场"), "finish_repair": _l("现场修复"), "plan_return_visit": _l("须再次上门"),
    "hand_over_visit": _l("转交重新派工"), "collect_device": _l("已取件"), "receive_device": _l("返厂接收"),
    "await_parts": _l("等备件"), "await_depot_parts": _l("等备件"), "resume_visit": _l("备件已到，继续上门"),
    "resume_repair": _l("备件已到，继续维修"), "send_quote": _l("已发报价"), "accept_quote": _l("用户接受报价"),
    "record_quote_acceptance": _l("电话接受报价"), "decline_quote": _l("用户不接受报价"),
    "record_quote_decline": _l("电话不接受报价"), "expire_quote": _l("报价过期"),
    "return_unrepaired": _l("未经维修送回"), "finish_depot_repair": _l("维修完成，待复检"),
    "fail_release": _l("复检不合格"), "release_device": _l("复检放行"), "hand_over_device": _l("已送回"),
    "confirm_delivery": _l("确认送达"), "confirm_ticket": _l("用户确认，已关闭"), "close_ticket": _l("关闭"),
    "close_silent": _l("用户没有异议，自动关闭"), "object_visit": _l("用户反映没有修好"),
    "object_repair": _l("用户反映没有修好"), "record_objection_visit": _l("电话反映没有修好"),
    "record_objection_repair": _l("电话反映没有修好"), "reopen_ticket": _l("重新打开"), "cancel_ticket": _l("用户撤销"),
    "cancel_for_customer": _l("代用户撤销"),
}  # fmt: skip
REASONS: Mapping[str, Any] = {
    **RELEASE_REASONS, **REJECT_REASONS, **MERGE_REASONS, **CANCEL_REASONS, **REOPEN_REASONS,
    **RETURN_REASONS,
}  # fmt: skip
TONES = {
    "finish_triage": "done", "confirm_ticket": "done", "close_ticket": "done", "close_silent": "done",
    "finish_repair": "done", "release_device": "done", "reject_ticket": "soon", "object_visit": "late",
    "object_repair": "late", "record_objection_visit": "late", "record_objection_repair": "late",
    "fail_release": "late", "ask_info": "wait", "send_quote": "wait",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """One entry. ``kind``: step (an event), in (from the customer), out (to the customer), note (ours alone)."""

    at: datetime
    kind: str
    title: Any
    who: str = ""
    text: str | None = None
    note: str | None = None
    questions: Sequence[Any] = field(default_factory=tuple)
    tone: str = "idle"
    key: str | None = None  # of the message that told the customer
    photos: int = 0


def reason_word(code: str) -> str:
    """A reason's code in words; a code of a colleague's list as it stands."""
    return str(REASONS.get(code, code))


def steps(events: Sequence[Event]) -> list[Item]:
    """Events alone, for the drawer."""
    return [_step(event) for event in events]


def whole(events: Sequence[Event], messages: Sequence[Said], came: Mapping[Any, Sequence[File]]) -> list[Item]:
    """Events and messages together, oldest first; ``came``: the files of a message.

    A question's text stands with its message, not twice; so does the text of an answer.
    """
    told = {(m.at, m.text) for m in messages}
    found = [_step(event, skip=(event.at, event.text) in told) for event in events]
    return sorted([*found, *(_said(m, came.get(m.id, ())) for m in messages)], key=lambda item: item.at)


def public(items: Sequence[Item]) -> list[Item]:
    """What may stand on paper that leaves the house: no notes of ours, neither alone nor beside an event."""
    return [replace(item, note=None) for item in items if item.kind != "note"]


def _step(event: Event, *, skip: bool = False) -> Item:
    title = str(WORDS.get(event.action, event.action))
    if event.reason:
        title = _("%(what)s：%(why)s", what=title, why=reason_word(event.reason))
    return Item(
        event.at, "step", title, who(event.by_kind, event.by_name), None if skip else event.text, event.note,
        tone=TONES.get(event.action, "idle"), key=f"ticket:{event.id.hex}",
    )  # fmt: skip


def _said(message: Said, files: Sequence[File]) -> Item:
    kind = {Direction.FROM_CUSTOMER: "in", Direction.TO_CUSTOMER: "out"}.get(Direction(message.direction), "note")
    title = {"in": _("用户来信"), "out": _("发给用户"), "note": _("内部备注")}[kind]
    asked = [QUESTIONS.get(code, code) for code in message.questions]
    return Item(
        message.at, kind, title, who(message.by_kind, message.by_name), message.text, None, asked,
        key=message.outbox_key, photos=sum(one.picture for one in files),
    )  # fmt: skip


def who(kind: str, name: str) -> str:
    """A colleague's name; the customer and the clock by what they are."""
    return name or {"customer": _("用户"), "system": _("系统")}.get(kind, "")
