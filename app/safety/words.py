"""Closed lists of the safety case in words, and its chips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.worklist import Chip
from app.safety.kinds import Kind, Step

KINDS: Mapping[str, Any] = {
    Kind.UNJUDGED: _l("未判定"), Kind.OTHER: _l("其他"), Kind.SERIOUS: _l("严重伤害或可能导致严重伤害"),
    Kind.DEATH: _l("死亡"), Kind.GROUP: _l("群体事件"),
}  # fmt: skip
KIND_CHIPS: dict[str, Chip] = {
    Kind.UNJUDGED: Chip(_l("未判定"), "act", "ring"), Kind.OTHER: Chip(_l("其他"), "idle", "dot"),
    Kind.SERIOUS: Chip(_l("严重"), "soon", "diamond"), Kind.DEATH: Chip(_l("死亡"), "late", "diamond"),
    Kind.GROUP: Chip(_l("群体"), "late", "diamond"),
}  # fmt: skip
ANSWERS: Mapping[str, Any] = {"yes": _l("回答“有人受到伤害”"), "possible": _l("回答“可能造成伤害”")}
STEPS: Mapping[str, Any] = {
    Step.JUDGE: _l("判定类别"), Step.FIRST: _l("首次报告"), Step.FOLLOW_UP: _l("逐例报告"), Step.REPORT: _l("上报"),
}  # fmt: skip
HOW: Mapping[str, Any] = {
    "mini_program": _l("用户在小程序报修时填写"), "phone": _l("电话报修时询问"), "triage": _l("分诊时得知"),
    "colleague": _l("同事得知后转告"), "hospital": _l("医院另行告知"), "authority": _l("监管部门告知"),
    "complaint": _l("投诉"), "published": _l("文献或报道"),
}  # fmt: skip
HOW_BY_HAND = ("colleague", "hospital", "authority", "complaint", "published")
REASONS_YES: Mapping[str, Any] = {
    "device_suspected": _l("可能与器械有关"), "not_excluded": _l("不能排除与器械有关"),
    "authority_asks": _l("监管部门要求"),
}  # fmt: skip
REASONS_NO: Mapping[str, Any] = {
    "no_harm": _l("核实没有伤害"), "not_the_device": _l("与器械无关"), "reported_before": _l("同一事件已另行上报"),
    "recorded_wrongly": _l("记录有误"),
}  # fmt: skip
OUTCOMES: Mapping[str, Any] = {
    "reported": _l("已上报"), "not_reportable": _l("不须上报"), "joined": _l("并入同一事件的上报"),
}  # fmt: skip
FITTING: Mapping[str, tuple[str, ...]] = {  # by status: what the end may be called
    "handed_over": ("reported", "joined"), "not_reportable": ("not_reportable", "joined"),
}  # fmt: skip
CHIPS = {
    "open": Chip(_l("待决定"), "act", "ring"), "reportable": Chip(_l("待移交"), "late", "half"),
    "not_reportable": Chip(_l("不须上报"), "idle", "bar"), "handed_over": Chip(_l("已移交"), "wait", "dot"),
    "closed": Chip(_l("已结案"), "done", "tick"),
}  # fmt: skip
CLOCK_OUTCOMES = {
    "in_time": Chip(_l("按时"), "done", "tick"), "late": Chip(_l("逾期"), "late", "cross"),
    "void": Chip(_l("已被替代"), "idle", "bar"),
}  # fmt: skip
ACTIONS: Mapping[str, Any] = {
    "open_case": _l("立案"), "file_case": _l("手工立案"), "judge_kind": _l("判定类别"), "add_knowledge": _l("补充情况"),
    "take_case": _l("接手"), "hear_again": _l("再次得知"),
    "decide_report": _l("决定上报"), "decide_no_report": _l("决定不上报"),
    "hand_over_step": _l("移交"), "hand_over_report": _l("移交上报"), "hold_ticket": _l("暂缓工单"),
    "lift_hold": _l("解除暂缓"), "close_case": _l("结案"), "reopen_case": _l("重新立案"),
}  # fmt: skip
DETAILS: Mapping[str, Any] = {**KINDS, **STEPS, **HOW, **REASONS_YES, **REASONS_NO, **OUTCOMES, "": ""}
