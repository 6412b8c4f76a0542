"""`/jobs`: the day of whoever goes, phone first. One card per job, one next step at the thumb, all by plain forms.

The page of a job in hand shows a person's data, so it is marked ``evidence``: what was shown is written down in the
same transaction, before the first byte (`service.ledger`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.errors import DomainError
from app.core.policy import Actor, Permission, current_actor, permit
from app.dispatch.forms import WEEKDAYS
from app.dispatch.models import DispatchState
from app.dispatch.queries import card as cards
from app.dispatch.queries import jobs as queries
from app.dispatch.queries.deletions import tasks
from app.dispatch.queries.job_files import photos
from app.dispatch.queries.jobs import Job
from app.dispatch.service import ledger
from app.dispatch.service.tell import window_words
from app.dispatch.stages import Stage
from app.dispatch.views.job_acts import acts_for
from app.dispatch.views.job_forms import JobForm
from app.dispatch.views.visiting import jobs_bp as bp
from app.dispatch.words import STATE_CHIPS
from app.hospitals import provinces
from app.hospitals.models import Hospital
from app.tickets.triage import FAULT_CLASSES, MODE_LABELS
from app.tickets.words import CHIPS, PRIORITY_CHIPS
from app.tickets.workflow import Status as S
from app.ui.frame import language

VISIT = Permission.VISITS_DO
MAP = "https://uri.amap.com/"
BEYOND = (S.COLLECTING, S.IN_DEPOT, S.WAIT_QUOTE, S.RELEASE_TEST, S.RETURNING, S.RESOLVED, S.CLOSED)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the way through a job."""

    words: Any
    state: str  # done | now | next
    at: datetime | None = None


@bp.get("")
@permit(VISIT)
def index() -> ResponseReturnValue:
    return draw_list(current_actor())


def draw_list(actor: Actor, refusal: DomainError | None = None) -> Any:
    """Offers first, then today; a refusal of something that is no longer mine is told above."""
    html = render_template(
        "dispatch/jobs.html", board=queries.board(actor), tasks=tasks(actor), refusal=refusal, **_words()
    )  # fmt: skip
    return html, refusal.status if refusal is not None else 200


@bp.get("/<number>")
@permit(VISIT, evidence=True)
def page(number: str) -> ResponseReturnValue:
    actor = current_actor()
    job = queries.find(actor, number)
    card = cards.open_card(job)
    if card is not None:
        ledger.disclose(actor, job, card.shown(job), cards.basis_of(job))
    form = JobForm(formdata=None)
    form.begin()
    return render_template(
        "dispatch/job.html", job=job, row=job.row, card=card, acts=acts_for(actor, job), steps=_steps(job), form=form,
        map_url=map_url(job.hospital), photos=photos(job), **_words(),
    )  # fmt: skip


def map_url(place: Hospital) -> str:
    """The phone's map, by the hospital's coordinates or, without them, by its name."""
    if place.lat is not None and place.lon is not None:
        at = {"position": f"{place.lon},{place.lat}", "name": place.name, "coordinate": "wgs84", "callnative": "1"}
        return f"{MAP}marker?{urlencode(at)}"
    return f"{MAP}search?{urlencode({'keyword': place.name, 'city': place.city, 'callnative': '1'})}"


def _words() -> Mapping[str, Any]:
    return {
        "faults": FAULT_CLASSES, "modes": MODE_LABELS, "chips": CHIPS, "priorities": PRIORITY_CHIPS,
        "offer_chip": STATE_CHIPS[DispatchState.OFFERED], "window": window_words, "now": clock.now(), "Stage": Stage,
        "today": clock.today(), "weekdays": WEEKDAYS,
        "province_of": lambda code: provinces.title(code, language()),
    }  # fmt: skip


def _steps(job: Job) -> Sequence[Step]:
    """Accepted, there, done, signed for: what is behind and what comes next."""
    if job.stage is Stage.OFFER:
        return []
    status, visit = job.status, job.visit
    arrived = visit.arrived_at if visit is not None else None
    there = status == S.ON_SITE or arrived is not None
    over = status in BEYOND
    collects = job.found.mode == "collect"
    last = _l("取件，交返厂") if collects else _l("检修、必做测试、科室签字")
    marks = [True, there or over, over]
    words = [_l("接单"), _l("到达，扫序列号"), last]
    times = [job.found.accepted_at, arrived, visit.ended_at if visit is not None and over else None]
    now = marks.index(False) if False in marks else -1
    return [
        Step(word, "done" if done else "now" if n == now else "next", at)
        for n, (word, done, at) in enumerate(zip(words, marks, times, strict=True))
    ]
