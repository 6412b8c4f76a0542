"""Statuses, reasons, causes and outcomes in words: closed lists, so that they can be counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.worklist import Chip
from app.satisfaction.workflow import Following as F
from app.satisfaction.workflow import Status as S

LOW = 2  # 1 and 2 of 5 are the audited event (reference/review.md 6)
SCORES: Mapping[int, Any] = {
    5: _l("非常满意"), 4: _l("满意"), 3: _l("一般"), 2: _l("不满意"), 1: _l("非常不满意"),
}  # fmt: skip
DIMENSIONS: Mapping[str, Any] = {
    "timeliness": _l("及时"), "skill": _l("技术"), "attitude": _l("态度"), "result": _l("结果"),
}  # fmt: skip
LOW_REASONS: Mapping[str, Any] = {
    "slow": _l("等得太久"), "not_fixed": _l("没有修好"), "again": _l("同样的故障又出现"),
    "poor_contact": _l("联系不上或没有告知进度"), "attitude_bad": _l("服务态度不好"), "price": _l("费用不清楚"),
    "image": _l("图像或功能不如从前"), "late_visit": _l("没有按约定时间到"),
}  # fmt: skip
HIGH_REASONS: Mapping[str, Any] = {
    "fast": _l("来得快"), "fixed": _l("修得好"), "clear": _l("讲解清楚"), "kind": _l("态度好"),
    "informed": _l("进度随时知道"),
}  # fmt: skip
REASONS: Mapping[str, Any] = {**LOW_REASONS, **HIGH_REASONS}
HIGH_FROM = 4  # from this score on the other list is offered

CHIPS: Mapping[str, Chip] = {
    S.INVITED: Chip(_l("待评价"), "idle", "ring"),
    S.ANSWERED: Chip(_l("已评价"), "idle", "dot"),
    S.SAMPLED: Chip(_l("抽中待审"), "act", "ring"),
    S.FLAGGED: Chip(_l("须审核"), "late", "diamond"),
    S.AUDITED: Chip(_l("已审核"), "done", "tick"),
    S.EXPIRED: Chip(_l("未评价"), "idle", "cross"),
    S.WITHDRAWN: Chip(_l("已撤回"), "idle", "bar"),
}
ALARMS: Mapping[str, Chip] = {
    "low": Chip(_l("低分"), "late", "diamond"),
    "harm": Chip(_l("涉及伤害"), "late", "diamond"),
    "signal": Chip(_l("可疑迹象"), "soon", "diamond"),
    "hand": Chip(_l("人工标出"), "soon", "ring"),
    "": Chip("—", "idle", "ring"),
}
FOLLOW_CHIPS: Mapping[str, Chip] = {
    F.OPEN: Chip(_l("回访中"), "act", "half"),
    F.ASKED: Chip(_l("等再次评价"), "wait", "bar"),
    F.SETTLED: Chip(_l("已了结"), "done", "tick"),
}
FOLLOW_WHY: Mapping[str, Any] = {"low": _l("低分"), "complaint": _l("判定为投诉")}
FOLLOW_ENDS: Mapping[str, Any] = {
    "happy": _l("用户再次评价，已满意"), "silent": _l("用户没有再次评价"),
    "unreachable": _l("没有可以再次询问的联系方式"),
}  # fmt: skip
OUTCOMES: Mapping[str, Chip] = {
    "ok": Chip(_l("无疑问"), "done", "tick"),
    "disputed": Chip(_l("有疑问"), "soon", "half"),
    "void": Chip(_l("作废"), "late", "cross"),
}
OUTCOME_REASONS: Mapping[str, Any] = {
    "wrong_person": _l("评的不是这次服务或这个人"), "contradiction": _l("分数与文字相反"),
    "pressure": _l("有迹象表明受人影响"), "not_ours": _l("原因不在我们的服务"), "test": _l("测试或误操作"),
    "other": _l("其他，见说明"),
}  # fmt: skip
CARD: Mapping[str, Any] = {  # the auditor's own look at the service record, apart from the customer's score
    "record": _l("维修记录完整"), "promise": _l("按承诺的时间"), "contact": _l("与用户的沟通"),
    "result": _l("结果与记录相符"),
}  # fmt: skip
CARD_MARKS: Mapping[int, Any] = {2: _l("好"), 1: _l("有缺"), 0: _l("差")}
CONTACTS: Mapping[str, Any] = {
    "reached": _l("已联系到本人"), "colleague": _l("联系到同科室的人"), "left_message": _l("留言，未回"),
    "not_reached": _l("多次联系不上"),
}  # fmt: skip
CAUSES: Mapping[str, Any] = {
    "waiting": _l("等待时间长"), "communication": _l("沟通不足"), "repair_quality": _l("维修质量"),
    "parts": _l("备件"), "device": _l("设备本身"), "cost": _l("费用或报价"), "behaviour": _l("言行"),
    "misunderstanding": _l("误会"),
}  # fmt: skip
FLAG_KINDS: Mapping[str, Any] = {
    "low": _l("低分"), "harm": _l("文字涉及伤害"), "signal": _l("可疑迹象"), "hand": _l("人工标出"),
}  # fmt: skip
SIGNALS: Mapping[str, Any] = {
    "praise_negative": _l("给了高分，文字却是不满"), "lowered": _l("改低了分数"), "raised": _l("改高了分数"),
    "quick": _l("关闭后十分钟内评价的特别多"), "straight": _l("四个分项总是同分的特别多"),
    "negative": _l("给高分而文字不满的特别多"), "burst": _l("集中在一天里评价"),
    "rater": _l("同一位评价人评了几家医院"), "gap": _l("邀请得比别人少"), "gap_long": _l("拖得久的工单邀请得少"),
}  # fmt: skip
PARTS: Mapping[str, Any] = {
    "engineer": _l("上门"), "triager": _l("受理"), "depot": _l("返厂维修"), "quality": _l("放行"),
    "named": _l("文字中提到"),
}  # fmt: skip
RATERS: Mapping[str, Any] = {"reporter": _l("报修人"), "contact": _l("联系人")}
EVENTS: Mapping[str, Any] = {
    "rating.invited": _l("邀请评价"), "rating.given": _l("评价"), "rating.changed": _l("修改评价"),
    "rating.expired": _l("邀请到期"), "rating.withdrawn": _l("邀请撤回"),
}  # fmt: skip


def dimensions_of(row: Any) -> list[tuple[Any, int | None]]:
    """(word, score) of each sub-score of a rating."""
    return [(word, getattr(row, name)) for name, word in DIMENSIONS.items()]
