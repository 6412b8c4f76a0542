"""Satisfaction: ratings that nobody can bend, audits that find what is wrong, and what is done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import lazy_gettext as _l

from app.core import numbers
from app.core.numbers import NumberSpec

if TYPE_CHECKING:
    from app.core.web import Portal


def install(app: Portal) -> None:
    """Pages, jobs, business numbers, and what this room gives to the rooms below."""
    declare_numbers()
    from app.satisfaction import commands, offers
    from app.satisfaction.service import jobs
    from app.satisfaction.views import bp, public

    app.register_blueprint(public.bp)
    app.register_blueprint(bp)
    commands.install(app)
    offers.install()
    jobs.install()


def declare_numbers() -> None:
    """The business numbers of ratings (decisions.md 32)."""
    numbers.register(
        NumberSpec("rating_invitation_days", "satisfaction", 14, 3, 60, "days", _l("评价邀请在工单关闭后多久内有效。")),
        NumberSpec("audit_sample_percent", "satisfaction", 10, 0, 100, "count", _l("每一百条评价抽多少条审核。")),
        NumberSpec("audit_second_percent", "satisfaction", 20, 0, 100, "count", _l("每一百次审核抽多少次盲复审。")),
        NumberSpec("follow_up_days", "satisfaction", 1, 1, 10, "working_days", _l("低分或投诉须在几个工作日内回访。")),
    )
