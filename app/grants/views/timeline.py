"""The history of a grant in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from app.grants.models import GrantEvent
from app.grants.queries.case import Case
from app.grants.standing import CAUSES
from app.grants.words import ACTIONS, TONES


@dataclass(frozen=True, slots=True)
class Item:
    """One line of `ui.timeline`."""

    at: datetime
    title: str
    who: str
    text: str
    tone: str = "idle"


def timeline(case: Case) -> list[Item]:
    """Newest first."""
    return [_item(event) for event in case.events]


def _item(event: GrantEvent) -> Item:
    title = str(ACTIONS.get(event.action, event.action))
    if event.cause in CAUSES and event.action in ("pause_grant", "pause_scheduled"):
        title = _("%(what)s：%(why)s", what=title, why=CAUSES[event.cause])
    who = event.by_name or (_("本人") if event.by_kind == "customer" else _("系统"))
    return Item(event.at, title, who, event.note or "", TONES.get(event.action, "idle"))
