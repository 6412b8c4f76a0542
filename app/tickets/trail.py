"""The audit log of one ticket on its page, for leads; auditors read the same events on /audit.

What belongs to a confidential matter stays out: a lead who sees who opened which file why must not learn of it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from app.audit import queries
from app.core.policy import Actor, Permission
from app.tickets.models import Ticket
from app.tickets.panels import BELOW, TicketPanel, ticket_panels
from app.tickets.timeline import WORDS as ACTIONS
from app.tickets.timeline import reason_word
from app.tickets.triage import LOOK_REASONS
from app.tickets.viewing import RESTRICTED
from app.tickets.workflow import TRANSITIONS

LATEST = 30
CONFIDENTIAL = ("ticket.harm_told", "ticket.harm_noted", "ticket.held", "ticket.hold_lifted")
WORDS: Mapping[str, Any] = {
    **{row.audit_event: ACTIONS[row.action] for row in TRANSITIONS},
    "ticket.photo_opened": _l("打开照片"), "ticket.recording_opened": _l("打开录音"),
    "ticket.contact_revealed": _l("显示联系人电话"), "ticket.contact_opened": _l("上门人员看了联系人"),
    "ticket.message_sent": _l("发消息给用户"),
    "ticket.noted": _l("记内部备注"), "ticket.call_recorded": _l("记录通话"), "ticket.took_over": _l("并入了另一张"),
    "ticket.repeat_named": _l("注明同一故障"),
    "ticket.clocks_paused": _l("暂停时钟"), "ticket.clocks_resumed": _l("提前结束暂停"),
    "ticket.printed": _l("打开打印页"), "ticket.files_asked": _l("说明原因，查看已结束工单的文件"),
}  # fmt: skip
REASONS: Mapping[str, Any] = {
    "triage": _l("分诊中"), "talk": _l("正在沟通"), "lead": _l("组长查看"), "visit": _l("上门任务"),
    **LOOK_REASONS,
}  # fmt: skip


def install() -> None:
    panel = TicketPanel("trail", _l("审计记录"), BELOW, Permission.TICKETS_LEAD, "tickets/page_trail.html", _context)
    ticket_panels.add(panel.key, panel)


def _context(_actor: Actor, ticket: Ticket) -> Mapping[str, Any]:
    """One statement."""
    found = queries.of_object("ticket", ticket.id, LATEST)
    shown = [e for e in found if e.event not in CONFIDENTIAL and e.reason_code != RESTRICTED]
    return {
        "events": [
            {
                "number": queries.number_of(e), "at": e.at, "who": e.actor_name, "kind": e.actor_kind,
                "what": WORDS.get(e.event, e.event), "why": _why(e.reason_code),
            }
            for e in shown
        ],
        "more": len(found) == LATEST,
    }  # fmt: skip


def _why(code: str | None) -> str:
    if not code:
        return ""
    return str(REASONS[code]) if code in REASONS else reason_word(code)
