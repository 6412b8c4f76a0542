"""Hints on the case: the crop a field was found in, and two photos side by side (decisions.md 21)."""

from __future__ import annotations

import io
import uuid

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from PIL import Image

from app.core import audit
from app.core.errors import Gone, Invalid
from app.core.files import vault
from app.core.policy import Permission, current_actor, permit
from app.core.web import fragment_requested
from app.registrations.hints import queries, service
from app.registrations.hints.matching import Box
from app.registrations.queries import case as cases
from app.registrations.viewing import Why
from app.registrations.views import bp
from app.registrations.views.hinting import VERDICT_WORDS, pair_facts
from app.registrations.views.images import NAME
from app.ui import pictures, toasts

DECIDE = Permission.REGISTRATIONS_DECIDE
CROP_QUALITY = 90


@bp.get("/<number>/images/<uuid:image_id>/crop/<any(name, hospital, department, title, position):field>")
@permit(Permission.REGISTRATIONS_READ, evidence=True)
def crop(number: str, image_id: uuid.UUID, field: str) -> ResponseReturnValue:
    """The piece of the photo in which a field was found, upright, drawn anew each time; guards as for the photo."""
    pictures.refuse_foreign_fetch()
    actor = current_actor()
    row, stored, why = cases.image_file(actor, number, image_id, thumb=False)
    box, turn = queries.crop_box(image_id, field)
    clear = vault.open_sealed(stored)
    audit.record("badge.opened", actor, "registration", row.id, reason_code=why.value, result="crop")
    return pictures.marked(actor, lambda: _cut(clear, box, turn), NAME)


@bp.get("/<number>/comparisons")
@permit(DECIDE)
def comparisons(number: str) -> ResponseReturnValue:
    """All pairs of the case that say enough, for whoever has the task; the case shows the first ones."""
    actor = current_actor()
    found = cases.case(actor, number)
    queries.refuse_without_task(actor, found.row)
    return render_template("registrations/comparisons.html", **pair_facts(actor, found))


@bp.get("/<number>/comparisons/<uuid:match_id>")
@permit(DECIDE)
def comparison(number: str, match_id: uuid.UUID) -> ResponseReturnValue:
    """Both photos side by side; in a dialog over the case, or as a page of its own."""
    row = cases.row_by_number(current_actor(), number, DECIDE)
    pair = queries.comparison(current_actor(), row, match_id)
    page = "comparison_body" if fragment_requested() else "comparison"
    return render_template(f"registrations/{page}.html", **_context(number, pair))


@bp.get("/<number>/comparisons/<uuid:match_id>/image")
@permit(DECIDE, evidence=True)
def comparison_image(number: str, match_id: uuid.UUID) -> ResponseReturnValue:
    """The other photo, for a comparison opened from the reviewer's case. 410 once it is erased."""
    pictures.refuse_foreign_fetch()
    actor = current_actor()
    pair = queries.comparison(actor, cases.row_by_number(actor, number, DECIDE), match_id)
    if pair.gone:
        raise Gone()
    clear = vault.open_sealed(pair.stored)
    audit.record("badge.opened", actor, "registration", pair.other.id, reason_code=Why.COMPARISON.value)
    return pictures.marked(actor, lambda: clear, NAME)


@bp.post("/<number>/comparisons/<uuid:match_id>")
@permit(DECIDE)
def judge(number: str, match_id: uuid.UUID) -> ResponseReturnValue:
    """What the reviewer saw; decides nothing about either case."""
    actor = current_actor()
    row = cases.row_by_number(actor, number, DECIDE)
    pair = queries.comparison(actor, row, match_id)
    verdict = request.form.get("verdict", "")
    if verdict not in VERDICT_WORDS:
        raise Invalid(_("请在三项中选一项。"), code="verdict_unknown")
    service.judge(actor, pair.match, row, verdict)
    if not fragment_requested():
        toasts.show("done", _("已记下：%(word)s。", word=VERDICT_WORDS[verdict][0]))
        return redirect(url_for(".case", number=number), 303)
    fresh = queries.comparison(actor, row, match_id)
    context = {**_context(number, fresh), **pair_facts(actor, cases.case(actor, number)), "answered": True}
    return render_template("registrations/comparison_body.html", **context)


def _context(number: str, pair: queries.Alike) -> dict[str, object]:
    return {
        "number": number,
        "pair": pair,
        "verdict_words": VERDICT_WORDS,
        "in_dialog": fragment_requested(),
    }


def _cut(clear: bytes, box: Box, turn: int) -> bytes:
    with Image.open(io.BytesIO(clear), formats=["JPEG"]) as source:
        wide, high = source.size
        cut = (int(box.left * wide), int(box.top * high), int(box.right * wide) + 1, int(box.bottom * high) + 1)
        piece = source.convert("RGB").crop(cut).rotate(-90 * turn, expand=True)
    out = io.BytesIO()
    piece.save(out, "JPEG", quality=CROP_QUALITY)
    return out.getvalue()
