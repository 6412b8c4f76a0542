"""Parts of the case page's form that are kept (`app/ui/kept.py`): a few choices per field, the catalogue of reasons.

What was typed may be anything; only what stands in our own lists becomes part of a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from markupsafe import Markup

from app.registrations import reasons as catalogue
from app.registrations.checks import HOW_LABELS
from app.registrations.forms import FIELD_LABELS, SHORT_VERDICTS, VERDICTS, Sheet
from app.registrations.views.hinting import HINT_WORDS, VERDICT_WORDS
from app.ui.frame import language
from app.ui.kept import kept


@cache
def words_in(_language: str) -> dict[str, Any]:
    """Labels of fields and verdicts in the reader's language, put into words once for all pages."""

    def said(labels: Mapping[str, Any]) -> dict[str, str]:
        return {key: str(label) for key, label in labels.items()}

    verdicts = said(dict(VERDICTS))
    return {
        "labels": said(FIELD_LABELS),
        "verdicts": list(verdicts.items()),
        "short_verdicts": said(SHORT_VERDICTS),
        "hows": said(HOW_LABELS),
        "hint_words": {level: (str(word), tone, icon) for level, (word, tone, icon) in HINT_WORDS.items()},
        "verdict_words": {key: (str(word), tone) for key, (word, tone) in VERDICT_WORDS.items()},
    }


def pick(sheet: Sheet, field: str) -> Markup:
    """The verdict on one field, and how it was verified."""
    words, said, way = words_in(language()), sheet.checks.get(field), sheet.ways.get(field)
    said = said if said in words["short_verdicts"] else ""
    how = way.how if way is not None and way.how in words["hows"] else ""
    note = way.note if way is not None else ""
    return kept().fill(
        "registrations/pick.html",
        (field, said, how),
        lambda: {"field": field, "said": said, "how": how, **words},
        {"note": note or ""},
    )


def reason_boxes(reasons: tuple[Any, ...], sheet: Sheet) -> Markup:
    """The catalogue as boxes by section, those chosen ticked."""
    chosen = frozenset(sheet.reasons).intersection(reason.code for reason in reasons) if sheet.reasons else frozenset()
    return kept().fill(
        "registrations/reason_boxes.html",
        (reasons, chosen),
        lambda: {"reasons": reasons, "chosen": chosen, "staff_words": catalogue.staff_words},
    )
