"""Statuses in words, with the tone and shape of their chips."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.core.worklist import Chip
from app.tickets.facts import PRIORITY_LABELS, Priority
from app.tickets.workflow import Status as S

CHIPS: dict[str, Chip] = {
    S.SUBMITTED: Chip(_l("待受理"), "act", "ring"),
    S.TRIAGING: Chip(_l("分诊中"), "act", "half"),
    S.NEED_INFO: Chip(_l("待补充"), "wait", "bar"),
    S.TO_DISPATCH: Chip(_l("待派单"), "act", "ring"),
    S.OFFERED: Chip(_l("待接单"), "wait", "ring"),
    S.SCHEDULED: Chip(_l("已预约"), "idle", "dot"),
    S.ON_SITE: Chip(_l("现场处理"), "act", "half"),
    S.COLLECTING: Chip(_l("取件在途"), "idle", "half"),
    S.IN_DEPOT: Chip(_l("返厂维修"), "idle", "half"),
    S.WAIT_QUOTE: Chip(_l("待确认报价"), "wait", "bar"),
    S.WAIT_PARTS: Chip(_l("待备件"), "wait", "bar"),
    S.RELEASE_TEST: Chip(_l("复检放行"), "idle", "half"),
    S.RETURNING: Chip(_l("送回在途"), "idle", "half"),
    S.RESOLVED: Chip(_l("待客户确认"), "wait", "ring"),
    S.CLOSED: Chip(_l("已关闭"), "done", "tick"),
    S.CANCELLED: Chip(_l("已撤销"), "idle", "cross"),
    S.REJECTED: Chip(_l("不受理"), "idle", "cross"),
    S.MERGED: Chip(_l("已合并"), "idle", "dot"),
}
PRIORITY_CHIPS: dict[str, Chip] = {
    Priority.P1: Chip(PRIORITY_LABELS[Priority.P1], "late", "diamond"),
    Priority.P2: Chip(PRIORITY_LABELS[Priority.P2], "soon", "diamond"),
    Priority.P3: Chip(PRIORITY_LABELS[Priority.P3], "idle", "dot"),
    Priority.P4: Chip(PRIORITY_LABELS[Priority.P4], "idle", "ring"),
    "": Chip(_l("未定"), "idle", "ring"),
}
