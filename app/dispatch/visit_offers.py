"""What jobs and the disclosure ledger give to the rooms below: navigation, 今日, palette, a link of the ticket."""

from __future__ import annotations

from collections.abc import Sequence

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import counters
from app.core.policy import Actor, Permission
from app.dispatch.queries import deletions, jobs
from app.tickets.panels import TicketAction, ticket_actions
from app.tickets.workflow import Status
from app.ui.duties import Duty, DutySource, duty_sources
from app.ui.navigation import NavItem, navigation
from app.ui.palette import PER_SOURCE, PaletteEntry, PaletteSource, palette_sources

VISIT, DISCLOSURES = Permission.VISITS_DO, Permission.DISCLOSURES_READ
WORDS_MIN = 4  # characters worth looking up


def install() -> None:
    navigation.add(
        "jobs",
        NavItem("jobs", "work", _l("我的任务"), "route", "jobs.index", VISIT, 45, counter=jobs.unanswered,
                also=("jobs.page", "jobs.ask")),
    )  # fmt: skip
    navigation.add(
        "disclosures",
        NavItem("disclosures", "oversight", _l("提供记录"), "eye", "disclosures.index", DISCLOSURES, 15,
                also=("disclosures.ticket", "disclosures.deletions")),
    )  # fmt: skip
    duty_sources.add("jobs", DutySource("jobs", _l("上门任务"), "route", VISIT, _duties, "jobs.index", _waiting_text))
    palette_sources.add("jobs", PaletteSource(_l("我的任务"), _find, order=15))
    ticket_actions.add(
        "resume",
        TicketAction("resume", _l("备件已到，约下次上门"), "visits.ask", Permission.TICKETS_DISPATCH,
                     (Status.WAIT_PARTS,), order=5, icon="dispatch",
                     suits=lambda _actor, ticket: ticket.field_job),
    )  # fmt: skip
    ticket_actions.add(
        "disclosures",
        TicketAction("disclosures", _l("提供记录"), "disclosures.ticket", DISCLOSURES, order=130,
                     suits=lambda _actor, ticket: ticket.assignee_kind == "dealer"),
    )  # fmt: skip


def _waiting_text(actor: Actor) -> str:
    counters.want("jobs:unanswered", jobs.unanswered(actor))
    return counters.text(counters.value("jobs:unanswered"))


def _duties(actor: Actor, limit: int) -> Sequence[Duty]:
    """Offers by the end of the time to answer, deletions to confirm, then today's visits and what needs a call."""
    board = jobs.board(actor)
    answer = [
        Duty(one.since, _job_words(one), one.number, one.accept_by, _job_url(one), verb=_("答复"))
        for one in board.offers
    ]
    visit = [
        Duty(one.since, _job_words(one), one.number, one.window_until, _job_url(one), verb=_("打开"))
        for one in (*board.today, *board.unagreed)
    ]
    return [*answer, *_deletions(actor), *visit][:limit]


def _deletions(actor: Actor) -> list[Duty]:
    """What a dealer has yet to confirm as deleted; of our own people nothing is asked."""
    asked = deletions.tasks(actor)
    url = url_for("jobs.index", _anchor="deletions")
    return [
        Duty(
            one.ended_at,
            _("确认已删除：%(model)s", model=one.model or "—"),
            one.number,
            one.due_at,
            url,
            verb=_("确认"),
        )
        for one in (asked.jobs if asked is not None else ())
    ]


def _job_words(one: jobs.Line) -> str:
    return " · ".join(filter(None, (one.hospital, one.model)))


def _job_url(one: jobs.Line) -> str:
    return url_for("jobs.page", number=one.number)


def _find(actor: Actor, words: str) -> list[PaletteEntry]:
    """One's own jobs by their number or its last figures."""
    if not actor.may(VISIT) or len(words) < WORDS_MIN:
        return []
    return [
        PaletteEntry(one.number, _job_url(one), icon="route", hint=_job_words(one))
        for one in jobs.board(actor).lines
        if one.number.startswith(words.upper()) or one.number.endswith(words)
    ][:PER_SOURCE]
