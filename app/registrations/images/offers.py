"""The palette's entry to photo history for those who see no cases: auditor and privacy officer type a number."""

from __future__ import annotations

import re

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.policy import Actor, Permission
from app.registrations.queries.case import by_number_start
from app.ui.palette import PER_SOURCE, PaletteEntry, PaletteSource, palette_sources

NUMBER = re.compile(r"REG-[0-9-]{4,}")


def _find(actor: Actor, words: str) -> list[PaletteEntry]:
    head = words.upper()
    if not actor.may(Permission.REGISTRATIONS_VIEWS) or not NUMBER.fullmatch(head):
        return []
    found = by_number_start(actor, head, Permission.REGISTRATIONS_VIEWS, PER_SOURCE)
    return [PaletteEntry(n, url_for("badges.views", number=n), hint=_("照片去向"), icon="eye") for n in found]


def install() -> None:
    palette_sources.add("badges", PaletteSource(_l("照片去向"), _find, order=20))
