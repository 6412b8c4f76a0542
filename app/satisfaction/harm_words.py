"""Words that name harm: the list in force, and finding them in a comment.

A fixed, reviewed list and no clusters (reference/review.md 6): it must be possible to say why a comment was or was not
flagged. A negation ("没有出血") is flagged too: that it names no harm is for a person to say.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core.db import db
from app.satisfaction.models import HarmWordList

GROUPS: Mapping[str, Any] = {
    "infection": _l("感染"),
    "burn": _l("烫伤、灼伤"),
    "bleeding": _l("出血、穿孔"),
    "breakage": _l("断裂、脱落"),
    "shock": _l("触电、漏电"),
    "injury": _l("受伤、死亡"),
    "fire": _l("起火、冒烟"),
}
FIRST: Mapping[str, Sequence[str]] = {  # version 1, in force until somebody publishes another
    "infection": ("感染", "化脓", "败血", "发热", "交叉污染", "infection", "sepsis"),
    "burn": ("烫伤", "灼伤", "烧伤", "burn"),
    "bleeding": ("出血", "流血", "大出血", "穿孔", "bleed", "perforat"),
    "breakage": ("断裂", "折断", "断在", "脱落", "掉落体内", "残留体内", "碎片", "broke off", "fragment"),
    "shock": ("触电", "漏电", "电击", "electric shock"),
    "injury": ("受伤", "伤到", "损伤病人", "病人受损", "昏迷", "抢救", "死亡", "去世", "injur", "death"),
    "fire": ("起火", "着火", "冒烟", "爆炸", "fire", "smoke"),
}
WORD_MIN, WORD_MAX = 2, 20
WORDS_MAX = 60  # of one group


@dataclass(frozen=True, slots=True)
class WordList:
    """A list with its version."""

    version: int
    words: Mapping[str, Sequence[str]]

    def groups_in(self, text: str) -> list[str]:
        """The groups of which ``text`` holds a word, in the order of the list."""
        plain = normal(text)
        return [group for group, words in self.words.items() if any(normal(word) in plain for word in words)]


def normal(text: str) -> str:
    """Width and case folded, blanks removed: 出 血 and ＢＵＲＮ are found too."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def current() -> WordList:
    """The newest approved version."""
    newest = sa.select(HarmWordList.version, HarmWordList.words).where(HarmWordList.approved_at.is_not(None))
    row = db.session.execute(newest.order_by(HarmWordList.version.desc()).limit(1)).first()
    return WordList(row.version, row.words) if row is not None else WordList(1, FIRST)
