"""The closed lists of dispatch: codes as stored, words as read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.worklist import Chip
from app.dispatch.models import STATE_LABELS, DispatchState
from app.dispatch.planner.states import PlanStatus, RowStatus

DECLINE_REASONS: Mapping[str, Any] = {
    "no_time": _l("那个时间去不了"),
    "too_far": _l("路程太远"),
    "no_parts": _l("手边没有所需备件"),
    "not_skilled": _l("不熟悉这类故障"),
    "other_order": _l("另有更急的任务"),
}
RECALL_REASONS: Mapping[str, Any] = {
    "better_choice": _l("有更合适的人选"),
    "plan_changed": _l("计划有变"),
    "customer_wish": _l("用户要求"),
    "by_mistake": _l("派错了"),
}
WITHDRAW_REASONS: Mapping[str, Any] = {
    "absent": _l("人员临时缺勤"),
    "better_choice": _l("有更合适的人选"),
    "overload": _l("时间排不开"),
    "customer_wish": _l("用户要求"),
    "needs_skill": _l("需要另一种技能"),
}
MOVE_REASONS: Mapping[str, Any] = {
    "customer_wish": _l("用户要求"),
    "site_closed": _l("科室停诊，无法进入"),
    "delayed": _l("上一单延误"),
    "parts_late": _l("备件未到"),
    "absent": _l("人员临时缺勤"),
    "agreed": _l("电话约定了时间"),
}
AGREED = "agreed"  # the reason of a first appointment
TOLD_BY: Mapping[str, Any] = {
    "assignee": _l("上门人员已电话告知"),
    "dispatcher": _l("调度已电话告知"),
    "triager": _l("客服已电话告知"),
    "customer": _l("是用户自己提出的"),
}
# Why it was not repaired today; what is needed is written beside it
STUCK_REASONS: Mapping[str, Any] = {
    "needs_skill": _l("需要另一种技能"),
    "needs_part": _l("需要备件"),
    "needs_tool": _l("需要专用工具或量具"),
    "device_in_use": _l("设备正在使用，不能停机"),
    "no_access": _l("进不了科室"),
}
# Why the hospital's signature is a typed name
UNSIGNED_REASONS: Mapping[str, Any] = {
    "gloves": _l("戴手套，不便手写"),
    "screen": _l("屏幕不能手写"),
    "paper": _l("已在纸质单据上签字"),
    "by_phone": _l("负责人不在场，电话确认"),
}
# Why another than the best candidate was chosen; kept for the report that replays the choice
OTHER = "other"
OVERRIDE_REASONS: Mapping[str, Any] = {
    "knows_device": _l("熟悉这台设备"),
    "customer_wish": _l("医院指定"),
    "same_trip": _l("顺路，同一趟"),
    "parts_at_hand": _l("手边有备件"),
    "spare_best": _l("首选留给更急的工单"),
    "agreed_by_phone": _l("已电话谈妥"),
    "week_plan": _l("按本周排程"),
    OTHER: _l("其他，请写明"),
}
# What the system writes itself: both languages, since a mail has no reader's language
ENDINGS: Mapping[str, tuple[str, str]] = {
    "expired": ("超时未接单", "nobody answered in time"),
    "declined": ("拒绝接单", "declined"),
    "contract_ended": ("经销商合同已终止", "the dealer's contract has ended"),
    "contract_revoked": ("经销商合同已撤销", "the dealer's contract was revoked"),
    "contract_lapsed": ("经销商合同已到期", "the dealer's contract has lapsed"),
    "account_disabled": ("账号已停用", "the account was disabled"),
}
STATE_CHIPS: Mapping[str, Chip] = {
    DispatchState.OFFERED: Chip(STATE_LABELS[DispatchState.OFFERED], "wait", "ring"),
    DispatchState.ACCEPTED: Chip(STATE_LABELS[DispatchState.ACCEPTED], "done", "dot"),
    DispatchState.DECLINED: Chip(STATE_LABELS[DispatchState.DECLINED], "late", "cross"),
    DispatchState.EXPIRED: Chip(STATE_LABELS[DispatchState.EXPIRED], "late", "bar"),
    DispatchState.RECALLED: Chip(STATE_LABELS[DispatchState.RECALLED], "idle", "bar"),
    DispatchState.WITHDRAWN: Chip(STATE_LABELS[DispatchState.WITHDRAWN], "idle", "bar"),
    DispatchState.LOST: Chip(STATE_LABELS[DispatchState.LOST], "late", "cross"),
    DispatchState.SUPERSEDED: Chip(STATE_LABELS[DispatchState.SUPERSEDED], "idle", "bar"),
    DispatchState.DONE: Chip(STATE_LABELS[DispatchState.DONE], "done", "tick"),
}
PLAN_CHIPS: Mapping[str, Chip] = {
    PlanStatus.QUEUED: Chip(_l("排队"), "idle", "ring"),
    PlanStatus.SOLVING: Chip(_l("计算中"), "act", "half"),
    PlanStatus.PROPOSED: Chip(_l("待采用"), "wait", "ring"),
    PlanStatus.FAILED: Chip(_l("失败"), "late", "cross"),
    PlanStatus.CANCELLED: Chip(_l("已取消"), "idle", "cross"),
    PlanStatus.PAST: Chip(_l("已过期"), "idle", "bar"),
}
ROW_CHIPS: Mapping[str, Chip] = {
    RowStatus.PROPOSED: Chip(_l("建议"), "wait", "ring"),
    RowStatus.UNPLACED: Chip(_l("排不上"), "late", "cross"),
    RowStatus.APPLIED: Chip(_l("已采用"), "done", "tick"),
    RowStatus.REFUSED: Chip(_l("未派出"), "late", "cross"),
    RowStatus.UNDONE: Chip(_l("已撤回"), "idle", "bar"),
}
ROW_REFUSALS: Mapping[str, Any] = {
    "changed": _l("工单在排程之后有改动，没有覆盖"),
    "not_eligible": _l("按现在的规则不能承接"),
}
PLAN_ERRORS: Mapping[str, Any] = {
    "solver_failed": _l("计算进程中断。"),
    "solver_too_slow": _l("计算超时。"),
    "calendar_missing": _l("还没有载入下一年的工作日历。"),
}
