"""Product lines: what a dealer is authorised for and an engineer is trained on, and which line a model belongs to.

A model's line is read from the letters it begins with. A model that no line claims has none: nobody guesses, the
screen says that the line is unknown and asks for the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l


class ProductLine(StrEnum):
    """As stored; they must not be renamed."""

    GASTRO = "gastro"
    RESPIRATORY = "respiratory"
    UROLOGY = "urology"
    SURGICAL = "surgical"
    SYSTEMS = "systems"
    REPROCESSING = "reprocessing"


LINE_LABELS: Mapping[str, Any] = {
    ProductLine.GASTRO.value: _l("消化内镜"),
    ProductLine.RESPIRATORY.value: _l("呼吸内镜"),
    ProductLine.UROLOGY.value: _l("泌尿内镜"),
    ProductLine.SURGICAL.value: _l("外科腔镜"),
    ProductLine.SYSTEMS.value: _l("主机与光源"),
    ProductLine.REPROCESSING.value: _l("洗消设备"),
}
_BEGINNINGS: Mapping[str, ProductLine] = {
    "GIF": ProductLine.GASTRO, "CF": ProductLine.GASTRO, "PCF": ProductLine.GASTRO, "SIF": ProductLine.GASTRO,
    "TJF": ProductLine.GASTRO, "JF": ProductLine.GASTRO, "GF": ProductLine.GASTRO,
    "BF": ProductLine.RESPIRATORY, "LTF": ProductLine.SURGICAL, "CHF": ProductLine.SURGICAL,
    "WA": ProductLine.SURGICAL, "OTV": ProductLine.SURGICAL,
    "URF": ProductLine.UROLOGY, "CYF": ProductLine.UROLOGY,
    "CV": ProductLine.SYSTEMS, "CLV": ProductLine.SYSTEMS, "EVIS": ProductLine.SYSTEMS, "UHI": ProductLine.SYSTEMS,
    "OER": ProductLine.REPROCESSING, "ETD": ProductLine.REPROCESSING,
}  # fmt: skip


def line_of(model: str | None) -> ProductLine | None:
    """The line of a model name; None where the name says nothing."""
    letters = ""
    for char in (model or "").strip().upper():
        if not char.isascii() or not char.isalpha():
            break
        letters += char
    return _BEGINNINGS.get(letters)
