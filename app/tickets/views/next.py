"""What has to happen next to a ticket, in one sentence, and whose turn it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.clock import SHANGHAI
from app.tickets.queries.dossier import Dossier
from app.tickets.workflow import Status as S


@dataclass(frozen=True, slots=True)
class Next:
    """``whose``: ours, customer, field, depot, none; the tone follows it."""

    words: Any
    whose: str = "ours"

    @property
    def tone(self) -> str:
        return {"ours": "act", "customer": "wait", "none": "idle"}.get(self.whose, "idle")


WORDS: dict[str, Next] = {
    S.SUBMITTED: Next(_l("等人接手分诊")),
    S.TO_DISPATCH: Next(_l("等派工安排人员")),
    S.ON_SITE: Next(_l("工程师正在现场处理"), "field"),
    S.COLLECTING: Next(_l("设备在途，等返厂接收"), "depot"),
    S.IN_DEPOT: Next(_l("返厂维修中"), "depot"),
    S.WAIT_QUOTE: Next(_l("等用户确认报价"), "customer"),
    S.WAIT_PARTS: Next(_l("等备件到货"), "depot"),
    S.RELEASE_TEST: Next(_l("等复检放行"), "depot"),
    S.RETURNING: Next(_l("设备送回途中，等科室签收"), "depot"),
    S.CLOSED: Next(_l("已关闭，没有待办"), "none"),
    S.CANCELLED: Next(_l("已撤销，没有待办"), "none"),
    S.REJECTED: Next(_l("没有受理，没有待办"), "none"),
}


def next_step(found: Dossier) -> Next:
    """In words that name who and until when."""
    row = found.row
    if row.status == S.TRIAGING:
        return WORDS[S.SUBMITTED] if found.idle else Next(_("%(who)s正在分诊", who=row.triager_name))
    if row.status == S.NEED_INFO:
        return Next(_("等用户补充，%(at)s 到期", at=_at(row.answer_by)), "customer")
    if row.status == S.OFFERED:
        return Next(_("等%(who)s接单，%(at)s 到期", who=row.assignee_name, at=_at(row.accept_by)), "field")
    if row.status == S.SCHEDULED:
        if row.window_from is None:
            return Next(_("%(who)s先打电话约时间", who=row.assignee_name), "field")
        return Next(_("%(who)s %(at)s 上门", who=row.assignee_name, at=_at(row.window_from)), "field")
    if row.status == S.RESOLVED:
        return Next(_("等用户确认，%(at)s 自动关闭", at=_at(row.wakes_at)), "customer")
    if row.status == S.MERGED:
        return Next(_("已并入 %(number)s，进度看那一张", number=found.merged_into or ""), "none")
    return WORDS[row.status]


def _at(at: Any) -> str:
    return at.astimezone(SHANGHAI).strftime("%m-%d %H:%M") if at is not None else "—"
