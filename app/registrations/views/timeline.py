"""The history of a case in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.registrations.models import RegistrationEvent
from app.registrations.queries.case import Case
from app.registrations.reasons import Shown, labels
from app.ui.frame import language

WORDS: dict[str, Any] = {
    "submit_registration": _l("提交注册"),
    "resubmit_registration": _l("补拍后重新提交"),
    "replace_evidence": _l("换了照片或内容"),
    "approve_registration": _l("通过注册"),
    "ask_resubmission": _l("要求重拍"),
    "reject_registration": _l("不予通过"),
    "hold_registration": _l("搁置"),
    "ask_second": _l("请第二人看"),
    "wake_registration": _l("搁置到期"),
    "release_hold": _l("提前结束搁置"),
    "lapse_registration": _l("逾期未补，已失效"),
    "approve_second": _l("第二人同意通过"),
    "reject_second": _l("第二人不予通过"),
    "return_second": _l("第二人退回"),
    "appeal_rejection": _l("提出申诉"),
    "grant_appeal": _l("申诉成立"),
    "deny_appeal": _l("申诉维持原决定"),
    "withdraw_registration": _l("撤回注册"),
    "reopen_rejection": _l("请第二人重新审理"),
    "merge_registration": _l("并入另一件"),
    "suspend_registration": _l("暂停"),
    "reinstate_registration": _l("恢复"),
    "revoke_registration": _l("撤销注册"),
    "undo_decision": _l("撤销了上一个决定"),
    "undo_second": _l("撤销了上一个决定"),
    "undo_appeal": _l("撤销了上一个决定"),
}
BY_KIND = {"customer": _l("申请人"), "system": _l("系统")}


@dataclass(frozen=True, slots=True)
class Item:
    """One line of `ui.timeline`."""

    at: datetime
    title: str
    who: str
    text: str
    tone: str = "idle"


def timeline(case: Case, catalogue: Iterable[Shown]) -> list[Item]:
    """Newest first; reasons in our words, the note and the public text below.

    Whoever may have no part in the case reads what the applicant reads: neither our reasons nor our notes.
    """
    words = labels(catalogue) if any(event.reason_codes for event in case.events) else {}
    undone = {event.undoes_id for event in case.events}
    return [_item(event, words, event.id in undone, inner=not case.barred) for event in case.events]


@cache
def _titles(_language: str) -> dict[str, str]:
    """`WORDS` in the reader's language, put into words once for all pages."""
    return {action: str(word) for action, word in WORDS.items()}


def _item(event: RegistrationEvent, words: Any, undone: bool, *, inner: bool) -> Item:
    title = _titles(language()).get(event.action, event.action)
    if event.reason_codes and inner:
        title = _("%(what)s：%(why)s", what=title, why="、".join(words.get(c, c) for c in event.reason_codes))
    if event.round > 1 and event.action in ("resubmit_registration", "replace_evidence"):
        title = _("%(what)s，第 %(n)s 轮", what=title, n=event.round)
    if undone:
        title = _("%(what)s（已撤销）", what=title)
    texts = [text for text in (event.public_text, event.private_note if inner else None) if text]
    who = event.by_name or str(BY_KIND.get(event.by_kind, ""))
    return Item(event.at, title, who, " · ".join(texts), "wait" if event.action == "ask_second" else "idle")
