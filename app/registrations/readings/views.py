"""Pages of the second readings."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import audit, clock, worklist
from app.core.errors import DomainError
from app.core.files import vault
from app.core.policy import Permission, current_actor, permit
from app.registrations import reasons as catalogue
from app.registrations.checks import FIELDS
from app.registrations.forms import FIELD_LABELS, VERDICTS
from app.registrations.readings import charts, queries, service
from app.registrations.views import bp
from app.registrations.views.images import NAME
from app.registrations.views.timeline import WORDS
from app.ui import pictures, toasts
from app.ui.period import Period, read_period

DECIDE, LEAD = Permission.REGISTRATIONS_DECIDE, Permission.REGISTRATIONS_LEAD


@bp.get("/readings")
@permit(DECIDE)
def readings() -> ResponseReturnValue:
    actor = current_actor()
    page = worklist.page(queries.READINGS, actor, request.args)
    return render_template("registrations/readings/index.html", page=page, lead=actor.may(LEAD))


@bp.get("/readings/differences")
@permit(LEAD)
def reading_differences() -> ResponseReturnValue:
    page = worklist.page(queries.DIFFERENCES, current_actor(), request.args)
    return render_template("registrations/readings/differences.html", page=page)


@bp.get("/readings/agreement")
@permit(LEAD)
def reading_agreement() -> ResponseReturnValue:
    """Raw agreement, κ and AC1 with the table, for a period."""
    actor = current_actor()
    period, refusal = read_period(request.args)
    shown = charts.agreement(queries.matrix(actor, *period.instants())) if refusal is None else None
    html = render_template(
        "registrations/readings/agreement.html", period=period, refusal=refusal, shown=shown, today=Period.latest()
    )
    return make_response(html, 422 if refusal else 200)


@bp.post("/readings/next")
@permit(DECIDE)
def next_reading() -> ResponseReturnValue:
    """Take the reading that is due first, or go on with one's own."""
    row = service.take_next(current_actor())
    if row is None:
        toasts.show("act", _("没有等您复读的件了。"))
        return redirect(url_for(".readings"))
    return redirect(url_for(".reading", number=row.number))


@bp.get("/readings/<number>")
@permit(DECIDE)
def reading(number: str) -> ResponseReturnValue:
    return draw(number)


@bp.post("/readings/<number>/judgement/<any(approve, ask_again, reject):judgement>")
@permit(DECIDE)
def judge_reading(number: str, judgement: str) -> ResponseReturnValue:
    """The verdict; a refusal draws the page again with everything that was ticked."""
    actor = current_actor()
    checks = {name: request.form.get(f"check_{name}", "") for name in FIELDS}
    codes = tuple(request.form.getlist("reasons"))
    try:
        service.judge(actor, number, judgement, checks, codes)
    except DomainError as refusal:
        return draw(number, checks, codes, refusal)
    toasts.show("done", _("已记下 %(number)s 的复读判断。原决定没有改动。", number=number))
    onward = service.take_next(actor)
    return redirect(url_for(".reading", number=onward.number) if onward else url_for(".readings"))


@bp.post("/readings/<number>/hand-back")
@permit(DECIDE)
def hand_back_reading(number: str) -> ResponseReturnValue:
    service.hand_back(current_actor(), number)
    toasts.show("act", _("已交回 %(number)s，这一件会由同事复读。", number=number))
    return redirect(url_for(".readings"))


@bp.post("/readings/<number>/renew")
@permit(DECIDE)
def renew_reading(number: str) -> ResponseReturnValue:
    """Prolong the task while somebody works on the page; JSON for the page's script."""
    until = service.renew(current_actor(), number).astimezone(clock.SHANGHAI)
    return jsonify(until=until.isoformat(timespec="seconds"), words=_("占用至 %(time)s", time=f"{until:%H:%M}"))


@bp.post("/readings/<number>/escalate")
@permit(LEAD)
def escalate_reading(number: str) -> ResponseReturnValue:
    """Taken further, and on to where the case is reopened or suspended, if it can be."""
    actor = current_actor()
    service.escalate(actor, number)
    toasts.show("done", _("已上报 %(number)s。请在这里决定是否重新处理。", number=number))
    return redirect(url_for(".standing", number=queries.page(actor, number).registration))


@bp.get("/readings/<number>/images/<uuid:image_id>")
@permit(DECIDE, evidence=True)
def reading_image(number: str, image_id: uuid.UUID) -> ResponseReturnValue:
    """The photo with the reader's name on it; the event is committed before the first byte (decisions.md 5, 21)."""
    pictures.refuse_foreign_fetch()
    actor = current_actor()
    row, stored = queries.image_file(actor, number, image_id)
    clear = vault.open_sealed(stored)
    audit.record("badge.opened", actor, "registration", row.registration_id, reason_code="second_reading")
    return pictures.marked(actor, lambda: clear, NAME)


def draw(
    number: str,
    checks: dict[str, str] | None = None,
    codes: tuple[str, ...] = (),
    refusal: DomainError | None = None,
) -> Response:
    """The page: open for its reader, both judgements for those who may see them, else what can be done next."""
    actor = current_actor()
    found, reasons = queries.page(actor, number), catalogue.current()
    context: dict[str, Any] = {
        "found": found, "row": found.row, "labels": FIELD_LABELS, "verdicts": VERDICTS, "checks": checks or {},
        "chosen": codes, "refusal": refusal, "chip": queries.CHIPS[found.row.status], "judgements": queries.JUDGEMENTS,
        "why": queries.WHY, "lead": actor.may(LEAD), "staff_words": catalogue.staff_words,
        "reasons_said": _said(found, catalogue.labels(reasons)),
        "sections": [(key, [r for r in reasons if r.section == key and r.kind != "MERGE"])
                     for key in ("photo", "match", "final")],
        "picture_url": lambda picture: url_for(".reading_image", number=number, image_id=picture.id),
        "may_escalate": _may_escalate(actor, found), "event_words": WORDS,
        "hints": {},  # a reading is given without them
    }  # fmt: skip
    html = render_template("registrations/readings/reading.html", **context)
    return make_response(html, refusal.status if refusal is not None else 200)


def _said(found: queries.ReadingPage, words: Mapping[str, str]) -> str:
    return "、".join(words.get(code, code) for code in found.row.reason_codes) if found.reveals else ""


def _may_escalate(actor: Any, found: queries.ReadingPage) -> bool:
    row = found.row
    differs = found.reveals and row.status == "read" and row.judgement != row.first_judgement
    return differs and actor.may(LEAD) and actor.id not in (row.read_by, row.first_by)
