"""The claimed fields, and what can be said about each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l

FIELDS = ("name", "hospital", "department", "title", "position")
HOW_NOTE_MAX = 60


class Verdict(StrEnum):
    """What was verified about a claimed field. Later rights may ask for `SEEN`."""

    SEEN = "seen"  # on the badge
    SEEN_OTHERWISE = "seen_otherwise"  # on another document or by asking the hospital: `How`
    CLAIMED_ONLY = "claimed_only"


class How(StrEnum):
    """How a field was seen that the badge does not show."""

    OTHER_DOCUMENT = "other_document"
    PHONE_CALL = "phone_call"
    DIRECTORY = "directory"
    COLLEAGUE = "colleague"
    EARLIER_ROUND = "earlier_round"


HOW_LABELS: dict[str, Any] = {
    How.OTHER_DOCUMENT: _l("另一份证件或证明"),
    How.PHONE_CALL: _l("致电医院核实"),
    How.DIRECTORY: _l("医院公开名录"),
    How.COLLEAGUE: _l("同事书面确认"),
    How.EARLIER_ROUND: _l("前一轮的证件"),
}


@dataclass(frozen=True, slots=True)
class Way:
    """How a field was seen otherwise: one of `How`, and a few words."""

    how: str
    note: str = ""
