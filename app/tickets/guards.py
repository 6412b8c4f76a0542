"""The guards of the ticket's table: each one sentence of reference/dispatch.md 6, each refusing with what to do."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.errors import Conflict, Forbidden, Invalid, TransitionRefused
from app.core.policy import Actor
from app.core.workflow import Guard
from app.tickets.facts import Facts, Harm, Priority


def every(*guards: Guard) -> Guard:
    """All of them, in order; the first that refuses speaks."""

    def ask(row: Any, actor: Actor, facts: Facts) -> None:
        for guard in guards:
            guard(row, actor, facts)

    return ask


def _needs(field: str, message: Any, code: str) -> Invalid:
    return Invalid(message, code=code, fields={field: [message]})


def no_safety_hold(row: Any, _actor: Actor, _facts: Facts) -> None:
    """Words and code say nothing of the reason: customers and dealers read them too."""
    if row.safety_hold:
        raise TransitionRefused(_l("这张工单暂缓结束，解除之前不能这样处理。"), code="on_hold")


def reason_given(_row: Any, _actor: Actor, facts: Facts) -> None:
    if not facts.reason:
        raise _needs("reason", _l("请选择原因。"), "reason_required")


def note_given(_row: Any, _actor: Actor, facts: Facts) -> None:
    if not facts.note.strip():
        raise _needs("note", _l("请写明通话或依据。"), "note_required")


def answer_given(_row: Any, _actor: Actor, facts: Facts) -> None:
    if not facts.text.strip():
        raise _needs("text", _l("请回答问题。"), "answer_required")


def objection_given(_row: Any, _actor: Actor, facts: Facts) -> None:
    if not facts.text.strip():
        raise _needs("text", _l("请写明哪里没有修好。"), "objection_required")


def questions_given(_row: Any, _actor: Actor, facts: Facts) -> None:
    if not facts.questions:
        raise _needs("questions", _l("请至少选一个要问的问题。"), "questions_required")


def final_notice_sent(_row: Any, _actor: Actor, facts: Facts) -> None:
    """Nobody loses a report without having been told that it will end."""
    if facts.final_notice_at is None:
        raise TransitionRefused(_l("还没有发过最后提醒。"), code="final_notice_missing")
    if facts.answer_by is None or facts.now < facts.answer_by:
        raise TransitionRefused(_l("用户答复的期限还没有到。"), code="answer_still_due")


def triage_complete(_row: Any, _actor: Actor, facts: Facts) -> None:
    """Row 7: the screen can't be left with the safety question open, nor with any of the rest."""
    sheet = facts.triage
    wanted = {
        "harm": (sheet.harm is not Harm.UNANSWERED, _l("请回答是否有人受到伤害。")),
        "hospital": (sheet.hospital_matched, _l("请确认医院。")),
        "serial": (bool(sheet.serial or sheet.no_serial_reason), _l("请填序列号，或选择没有的原因。")),
        "duplicates": (sheet.duplicates_reviewed, _l("请查看相似的工单。")),
        "fault_class": (bool(sheet.fault_class), _l("请选择故障类别。")),
        "priority": (sheet.priority is not None, _l("请选择优先级。")),
        "warranty": (sheet.warranty is not None, _l("请选择保修依据。")),
        "mode": (sheet.mode is not None, _l("请选择服务方式。")),
    }
    missing = {name: [message] for name, (there, message) in wanted.items() if not there}
    if missing:
        raise Invalid(_l("分诊还缺几项，补全后才能转派工。"), code="triage_incomplete", fields=missing)


def alternative_given(_row: Any, _actor: Actor, facts: Facts) -> None:
    if not facts.text.strip():
        raise _needs("text", _l("请告诉用户可以怎么办。"), "alternative_required")


def urgent_needs_lead(_row: Any, _actor: Actor, facts: Facts) -> None:
    if facts.priority == Priority.P1 and not facts.leads:
        raise Forbidden(_l("P1 工单只有组长可以不受理。"), code="lead_required")


def target_fits(row: Any, _actor: Actor, facts: Facts) -> None:
    target = facts.target
    if target is None or target.id == row.id:
        raise _needs("target", _l("请指明并入哪一张工单。"), "merge_target_required")
    if target.ended:
        raise _needs("target", _l("那张工单已经结束，不能并入。"), "merge_target_ended")
    if row.id in target.into:
        raise _needs("target", _l("那张工单正要并入这一张。"), "merge_cycle")
    if target.safety_hold:
        raise TransitionRefused(_l("那张工单暂缓结束，不能并入。"), code="on_hold")
    if target.hospital_id != row.hospital_id and not facts.leads:
        raise Forbidden(_l("不同医院的工单只有组长可以合并。"), code="lead_required")


def eligible_now_and_then(row: Any, _actor: Actor, facts: Facts) -> None:
    """Row 10 and 12: proven by the floor above, for this very version of the ticket."""
    if facts.proof is None or facts.proof.ticket_id != row.id:
        raise TransitionRefused(_l("没有核对过这位人员能否承接。"), code="not_eligible")
    if facts.proof.ticket_version != row.version:
        raise Conflict()


def own_offer(_row: Any, _actor: Actor, facts: Facts) -> None:
    if facts.assigned_to is None or facts.assigned_to not in facts.assignee_ids:
        raise Forbidden(_l("这张工单没有派给您。"), code="not_yours")


own_visit = own_offer


def window_agreed(_row: Any, _actor: Actor, facts: Facts) -> None:
    if facts.window is None and not facts.call_first:
        raise _needs("window", _l("请写上门时间，或选择先打电话约。"), "window_required")
    if facts.window is None:
        return
    begins, ends = facts.window
    if begins >= ends or ends < facts.now:
        raise _needs("window", _l("上门时间须在以后，且先有开始再有结束。"), "window_invalid")


def new_window_told(row: Any, actor: Actor, facts: Facts) -> None:
    reason_given(row, actor, facts)
    if facts.window is None:
        raise _needs("window", _l("请写新的上门时间。"), "window_required")
    window_agreed(row, actor, facts)
    if not facts.told_by:
        raise _needs("told_by", _l("请写明谁已告知用户。"), "told_by_required")


def few_changes(_row: Any, _actor: Actor, facts: Facts) -> None:
    if facts.changes >= facts.changes_allowed and not facts.leads:
        raise Forbidden(_l("改期次数已用完，须由组长处理。"), code="lead_required")


def serial_seen(_row: Any, _actor: Actor, facts: Facts) -> None:
    if facts.serial_scanned or facts.serial_reason:
        return
    raise _needs("serial", _l("请扫描序列号，或写明为什么不能。"), "serial_required")


def serial_equal(_row: Any, _actor: Actor, facts: Facts) -> None:
    if not facts.serial_scanned:
        raise _needs("serial", _l("请扫描序列号。"), "serial_required")
    if facts.serial_expected and facts.serial_scanned != facts.serial_expected:
        raise _needs("serial", _l("序列号与工单上的不一致。"), "serial_mismatch")


def seal_checked(_row: Any, _actor: Actor, facts: Facts) -> None:
    """Another seal than at collection may be a slip of the pen or an opened parcel: it is received with a reason."""
    if facts.seal_expected and facts.seal_found != facts.seal_expected and not facts.seal_reason:
        message = _l("封条编号与取件时的不一致。请核对；确实不符时写明情况再收件。")
        raise _needs("seal", message, "seal_mismatch")


def decontaminated(_row: Any, _actor: Actor, facts: Facts) -> None:
    if not (facts.decontaminated or facts.biohazard_approved):
        message = _l("没有消毒声明不能取件；可由组长批准按生物危害包装。")
        raise _needs("decontamination", message, "decontamination_required")


def receipt_signed(_row: Any, _actor: Actor, facts: Facts) -> None:
    if not facts.receipt_signed:
        raise _needs("receipt", _l("请让科室签收。"), "receipt_required")


def may_repair(_row: Any, _actor: Actor, facts: Facts) -> None:
    if not facts.may_repair:
        raise Forbidden(_l("这家经销商的合同只允许检查和取件。"), code="repair_not_allowed")


def tests_passed(_row: Any, _actor: Actor, facts: Facts) -> None:
    """Every mandatory test done and passed, with a gauge in calibration on the day."""
    failed = [line.name for line in facts.tests if line.mandatory and line.passed is not True]
    stale = [
        line.name for line in facts.tests if line.gauge_valid_until is not None and line.gauge_valid_until < facts.now
    ]
    if failed:
        raise _needs("tests", _l("必做的检验没有全部合格：%(names)s", names="、".join(failed)), "tests_not_passed")
    if stale:
        raise _needs("tests", _l("量具已过校准期：%(names)s", names="、".join(stale)), "gauge_expired")


def work_recorded(_row: Any, _actor: Actor, facts: Facts) -> None:
    if not facts.work.fault.strip() or not facts.work.action.strip():
        raise _needs("work", _l("请写明查到的故障和所做的处理。"), "work_required")
    if not facts.work.in_depot and not facts.work.signed_by_hospital:
        raise _needs("signature", _l("请让科室签字。"), "signature_required")


def missing_named(row: Any, actor: Actor, facts: Facts) -> None:
    reason_given(row, actor, facts)
    if not facts.missing.strip():
        raise _needs("missing", _l("请写明还需要什么技能或备件。"), "missing_required")


def parts_listed(_row: Any, _actor: Actor, facts: Facts) -> None:
    if facts.parts < 1:
        raise _needs("parts", _l("请先列出所缺的备件。"), "parts_required")


def was_on_site(_row: Any, _actor: Actor, facts: Facts) -> None:
    if not facts.field_job:
        raise TransitionRefused(_l("设备在返厂维修，不能转回上门。"), code="not_a_visit")


def was_in_depot(_row: Any, _actor: Actor, facts: Facts) -> None:
    if facts.field_job:
        raise TransitionRefused(_l("这张工单没有返厂。"), code="not_in_depot")


def quote_justified(_row: Any, _actor: Actor, facts: Facts) -> None:
    if not (facts.outside_warranty or facts.misuse_evidence):
        raise TransitionRefused(_l("保修期内且没有误用证据，不能报价。"), code="quote_not_justified")
    if facts.quote_version is None:
        raise _needs("quote", _l("请先填写报价。"), "quote_required")


def same_quote(_row: Any, _actor: Actor, facts: Facts) -> None:
    if facts.quote_version is None:
        raise TransitionRefused(_l("报价已过期。"), code="quote_expired")
    if facts.quote_seen != facts.quote_version:
        raise Conflict(_l("报价已更新，请看新的一版。"), code="quote_changed")


def another_than_repairer(_row: Any, actor: Actor, facts: Facts) -> None:
    if actor.id in facts.repairers:
        raise Forbidden(_l("修过这台设备的人不能放行。"), code="not_your_own_work")


def another_than_tester(_row: Any, actor: Actor, facts: Facts) -> None:
    """The other half of it: whoever once tested this device does not work on it afterwards (decisions.md 19)."""
    if actor.id in facts.testers:
        raise Forbidden(_l("您做过这台设备的复检，不能再参与维修。"), code="not_your_own_test")


def failed_test_named(_row: Any, _actor: Actor, facts: Facts) -> None:
    if not any(line.passed is False for line in facts.tests):
        raise _needs("tests", _l("请标明哪一项不合格。"), "failed_test_required")


def nothing_in_custody(_row: Any, _actor: Actor, facts: Facts) -> None:
    if facts.custody_open:
        raise TransitionRefused(_l("设备还在我们手里，须先归还。"), code="custody_open")


def _loaner_back(_row: Any, _actor: Actor, facts: Facts) -> None:
    if facts.loaner_out:
        raise TransitionRefused(_l("备用机还没有归还。"), code="loaner_out")


def _parts_accounted(_row: Any, _actor: Actor, facts: Facts) -> None:
    if facts.parts_open:
        raise TransitionRefused(_l("还有备件没有结清。"), code="parts_open")


def _safety_decided(_row: Any, _actor: Actor, facts: Facts) -> None:
    if facts.safety_undecided:
        raise TransitionRefused(_l("还有一项内部核查没有结论。"), code="check_open")


may_close: tuple[Guard, ...] = (no_safety_hold, _safety_decided, nothing_in_custody, _loaner_back, _parts_accounted)


def same_fault_in_time(_row: Any, _actor: Actor, facts: Facts) -> None:
    """Row 30; later than that it is a new ticket, `repeat_of` the old one."""
    if facts.closed_at is None or facts.now > facts.closed_at + facts.reopen_within:
        raise TransitionRefused(_l("关闭已超过期限，请新建工单并注明是同一故障。"), code="reopen_too_late")
