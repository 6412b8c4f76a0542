"""Grants in words: chips of the statuses, what happened, causes and verdicts."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.worklist import Chip
from app.grants.models import ReviewDecision
from app.grants.workflow import Status as S
from app.registrations.checks import Verdict

CHIPS: dict[str, Chip] = {
    S.REQUESTED: Chip(_l("待批准"), "act", "ring"),
    S.AWAITING_SECOND: Chip(_l("待第二人批准"), "wait", "diamond"),
    S.SCHEDULED: Chip(_l("待生效"), "idle", "ring"),
    S.ACTIVE: Chip(_l("生效中"), "done", "tick"),
    S.PAUSED: Chip(_l("已暂停"), "soon", "half"),
    S.REFUSED: Chip(_l("未批准"), "idle", "cross"),
    S.RENEWED: Chip(_l("已续期"), "idle", "dot"),
    S.EXPIRED: Chip(_l("已失效"), "idle", "bar"),
    S.REVOKED: Chip(_l("已撤销"), "idle", "cross"),
}
ACTIONS: dict[str, Any] = {
    "request_grant": _l("本人申请"),
    "propose_grant": _l("提出权限"),
    "activate_grant": _l("批准，即时生效"),
    "schedule_grant": _l("批准，到期生效"),
    "endorse_grant": _l("同意，待第二人批准"),
    "activate_second": _l("第二人批准，即时生效"),
    "schedule_second": _l("第二人批准，到期生效"),
    "refuse_request": _l("不予批准"),
    "refuse_second": _l("第二人不予批准"),
    "start_grant": _l("到期生效"),
    "pause_grant": _l("暂停"),
    "pause_scheduled": _l("暂停"),
    "expire_grant": _l("期满失效"),
    "lapse_pause": _l("暂停后未确认，失效"),
    "lapse_review": _l("未按期复核，失效"),
    "reconfirm_grant": _l("重新确认"),
    "renew_grant": _l("由新的一项续期"),
    "revoke_grant": _l("撤销"),
    "keep_grant": _l("复核：保留"),
    "reduce_grant": _l("复核：缩小"),
    "revoke_reviewed": _l("复核：撤销"),
}
VERDICTS: dict[str | None, tuple[str, Any]] = {
    Verdict.SEEN: ("done", _l("证件上已见")),
    Verdict.SEEN_OTHERWISE: ("done", _l("另行核实")),
    Verdict.CLAIMED_ONLY: ("soon", _l("仅申报")),
    None: ("soon", _l("没有核对")),
}
DECISIONS: dict[str, Chip] = {
    ReviewDecision.KEEP: Chip(_l("保留"), "done", "tick"),
    ReviewDecision.REDUCE: Chip(_l("缩小"), "act", "half"),
    ReviewDecision.REVOKE: Chip(_l("撤销"), "late", "cross"),
}
TONES = {
    "pause_grant": "soon", "pause_scheduled": "soon", "endorse_grant": "wait", "activate_grant": "done",
    "activate_second": "done", "schedule_grant": "done", "schedule_second": "done", "reconfirm_grant": "done",
    "revoke_grant": "late", "revoke_reviewed": "late",
}  # fmt: skip
EVENTS: dict[str, Any] = {
    "grant.requested": _l("申请科室权限"),
    "grant.proposed": _l("为其提出科室权限"),
    "grant.approved": _l("科室权限获批"),
    "grant.endorsed": _l("科室权限待第二人批准"),
    "grant.refused": _l("科室权限未获批准"),
    "grant.started": _l("科室权限生效"),
    "grant.paused": _l("科室权限暂停"),
    "grant.expired": _l("科室权限失效"),
    "grant.lapsed_paused": _l("科室权限失效"),
    "grant.lapsed_unreviewed": _l("科室权限失效"),
    "grant.reconfirmed": _l("科室权限重新确认"),
    "grant.renewed": _l("科室权限续期"),
    "grant.revoked": _l("科室权限撤销"),
    "grant.kept": _l("科室权限复核保留"),
    "grant.reduced": _l("科室权限复核缩小"),
    "grant.recused": _l("同事声明认识此人，回避科室权限"),
    "grant.reminded": _l("提醒科室权限将到期"),
}
