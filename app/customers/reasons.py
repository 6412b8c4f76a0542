"""Why staff open, end or stop something of a person: closed lists, so that the audit log can be counted by them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l

NOTE_MAX_CHARS = 200
OTHER = "other"  # in every list; needs a note


class RevealReason(StrEnum):
    CALL_BACK = "call_back"
    REPAIR_CONTACT = "repair_contact"
    VERIFY_IDENTITY = "verify_identity"
    RIGHTS_REQUEST = "rights_request"
    SAFETY_CASE = "safety_case"
    OTHER = OTHER


class EndReason(StrEnum):
    PERSON_ASKED = "person_asked"
    DEVICE_LOST = "device_lost"
    SUSPICIOUS = "suspicious"
    LEFT_HOSPITAL = "left_hospital"
    OTHER = OTHER


class FreezeReason(StrEnum):
    SUSPICIOUS = "suspicious"
    PERSON_ASKED = "person_asked"
    IDENTITY_DOUBT = "identity_doubt"
    OTHER = OTHER


class ReleaseReason(StrEnum):
    IDENTITY_CONFIRMED = "identity_confirmed"
    FROZEN_BY_MISTAKE = "frozen_by_mistake"
    OTHER = OTHER


WORDS: Mapping[StrEnum, Any] = {
    RevealReason.CALL_BACK: _l("回电联系本人"),
    RevealReason.REPAIR_CONTACT: _l("联系维修事宜"),
    RevealReason.VERIFY_IDENTITY: _l("核对来电人身份"),
    RevealReason.RIGHTS_REQUEST: _l("处理个人权利请求"),
    RevealReason.SAFETY_CASE: _l("处理不良事件"),
    EndReason.PERSON_ASKED: _l("本人要求"),
    EndReason.DEVICE_LOST: _l("手机丢失或换机"),
    EndReason.SUSPICIOUS: _l("登录可疑"),
    EndReason.LEFT_HOSPITAL: _l("已离职"),
    FreezeReason.IDENTITY_DOUBT: _l("身份存疑"),
    ReleaseReason.IDENTITY_CONFIRMED: _l("已核实本人身份"),
    ReleaseReason.FROZEN_BY_MISTAKE: _l("误冻结"),
    RevealReason.OTHER: _l("其他（须填说明）"),
}


def choices(kind: type[StrEnum]) -> list[tuple[str, Any]]:
    """(code, words) of a list, for a select. Equal codes of two lists have equal words."""
    return [(reason.value, WORDS[reason]) for reason in kind]


# reasons that the portal itself gives
OWN: Mapping[str, Any] = {"name_wrong": _l("姓名两次不符")}


def word(code: str | None) -> str:
    """A stored code in words; empty when it is of another list."""
    found = next((words for reason, words in WORDS.items() if reason.value == code), OWN.get(code or ""))
    return "" if found is None else str(found)
