"""The closed lists of triage: codes as stored, words as read. Questions are what the mini program shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from app.tickets.facts import Harm, ServiceMode, WarrantyBasis

FAULT_CLASSES: Mapping[str, Any] = {
    "leak": _l("漏水"),
    "image": _l("图像"),
    "angulation": _l("弯曲角度"),
    "channel": _l("管道、吸引、送气送水"),
    "light": _l("光源与导光"),
    "electrical": _l("电路与主机"),
    "mechanical": _l("外部机械损伤"),
    "reprocessing": _l("洗消相关"),
    "other": _l("其他"),
}
NO_SERIAL_REASONS: Mapping[str, Any] = {
    "plate_unreadable": _l("铭牌看不清"),
    "in_use": _l("设备正在使用，事后补"),
    "not_a_device": _l("不涉及单台设备"),
}
HARM_LABELS: Mapping[str, Any] = {
    Harm.NO.value: _l("没有人受到伤害"),
    Harm.POSSIBLE.value: _l("可能造成伤害"),
    Harm.YES.value: _l("有人受到伤害"),
}
WARRANTY_LABELS: Mapping[str, Any] = {
    WarrantyBasis.WARRANTY.value: _l("保修期内"),
    WarrantyBasis.CONTRACT.value: _l("维保合同"),
    WarrantyBasis.PAID.value: _l("付费"),
    WarrantyBasis.UNCLEAR.value: _l("待返厂确认"),
}
MODE_LABELS: Mapping[str, Any] = {
    ServiceMode.ON_SITE.value: _l("上门"),
    ServiceMode.COLLECT.value: _l("取件返厂"),
}
QUESTIONS: Mapping[str, Any] = {
    "photo_of_fault": _l("请拍一张能看清故障的照片"),
    "photo_of_plate": _l("请拍一张设备铭牌的照片"),
    "serial_number": _l("请提供设备序列号"),
    "when_it_happens": _l("故障在什么时候出现，能否重现"),
    "last_reprocessing": _l("上次洗消的时间和方式"),
    "patient_involved": _l("故障发生时是否有患者在检查中"),
    "access_times": _l("什么时间方便上门"),
    "other": _l("其他，见文字"),
}
RELEASE_REASONS: Mapping[str, Any] = {
    "other_duty": _l("先处理别的事"),
    "needs_colleague": _l("需要同事判断"),
    "end_of_shift": _l("下班交接"),
}
REJECT_REASONS: Mapping[str, Any] = {
    "not_our_device": _l("不是我们的设备"),
    "not_a_fault": _l("使用问题，已指导"),
    "out_of_service": _l("型号已停止服务"),
    "no_contact": _l("联系信息无效"),
}
MERGE_REASONS: Mapping[str, Any] = {
    "same_fault": _l("同一设备的同一故障"),
    "sent_twice": _l("重复提交"),
}
CANCEL_REASONS: Mapping[str, Any] = {
    "customer_wish": _l("用户要求"),
    "solved_itself": _l("故障已消失"),
    "device_retired": _l("设备已停用"),
    "no_answer": _l("用户一直没有答复"),
}
REOPEN_REASONS: Mapping[str, Any] = {
    "same_fault": _l("同一故障再次出现"),
    "closed_too_soon": _l("关闭时还没有修好"),
}
LOOK_REASONS: Mapping[str, Any] = {  # why a lead opens the files of a ticket that has ended
    "objection_check": _l("用户提出异议"),
    "reopen_check": _l("判断是否重新打开"),
    "complaint_check": _l("答复投诉"),
}
