"""What the case page needs of the hints: words and faces per level, and what a reviewer can say about two photos."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.policy import Actor
from app.registrations.hints import queries
from app.registrations.hints.matching import Level
from app.registrations.hints.service import Verdict
from app.registrations.queries.case import Case

HINT_WORDS: dict[str, tuple[Any, str, str]] = {
    Level.SAME: (_l("一致"), "done", "tick"),
    Level.NEAR: (_l("相近"), "soon", "warn"),
    Level.MISSING: (_l("未找到"), "idle", "search"),
    Level.NO_FIELD: (_l("证件无此栏"), "idle", "minus"),
    Level.UNREAD: (_l("未识别"), "none", "scan"),
}
PAIRS_SHOWN = 3  # on the case; the others are a page of their own
VERDICT_WORDS: dict[str, tuple[Any, str]] = {
    Verdict.SAME_PHOTO: (_l("同一张照片"), "late"),
    Verdict.SAME_CARD: (_l("同一张证件，重新拍的"), "late"),
    Verdict.DIFFERENT: (_l("不是同一张证件"), "done"),
}


def hint_facts(actor: Actor, found: Case) -> dict[str, Any]:
    """The hints of the present round, for whoever has the task; empty for anybody else."""
    row, sent, there = found.row, found.submission.id, found.beside
    return {
        "hints": queries.field_hints(actor, row, sent) if there.readings else queries.unread_hints(actor, row),
        "pairs": queries.alike(actor, row, sent) if there.alike else [],
        "pairs_shown": PAIRS_SHOWN,
    }


def pair_facts(actor: Actor, found: Case) -> dict[str, Any]:
    """Facts of `hint_reuse.html` and `hint_pair.html` outside the case page."""
    return {
        "row": found.row,
        "pairs": queries.alike(actor, found.row, found.submission.id),
        "pairs_shown": PAIRS_SHOWN,
        "verdict_words": VERDICT_WORDS,
    }
