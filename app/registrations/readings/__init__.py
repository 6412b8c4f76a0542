"""Blind second readings: a sample of decisions read again by somebody who cannot see the first one.

Drawn by a stored seed after a decision took effect; due before the photo is erased, a late one counts as missed
(decisions.md 22). A reading never changes the decision. What keeps it blind is in `blind`: whoever holds an open
reading has its registration outside his scope, on every page (docs/adr: blind second readings).
"""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.core import numbers
from app.core.numbers import NumberSpec


def declare_numbers() -> None:
    """The business numbers of the sample."""
    numbers.register(
        NumberSpec("reading_percent", "review", 5, 0, 100, "count", _l("每一百件决定抽多少件盲复读。")),
        NumberSpec("reading_first", "review", 20, 0, 200, "count", _l("新审核员的前多少件决定全部盲复读。")),
        NumberSpec("reading_due_days", "review", 3, 1, 10, "working_days", _l("盲复读须在抽中后几个工作日内完成。")),
    )
