"""/registrations/<number>/views and /proof: who opened the photos, what keeps them, and the proof of their end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import clock, numbers
from app.core.errors import DomainError, Forbidden
from app.core.policy import Permission, current_actor, permit
from app.registrations import reasons as catalogue
from app.registrations.checks import HOW_LABELS, Verdict
from app.registrations.forms import FIELD_LABELS
from app.registrations.images import proof as proofs
from app.registrations.images import queries, service
from app.registrations.images.forms import HoldForm
from app.registrations.images.workflow import HoldStatus
from app.registrations.queries.case import is_own, row_by_number
from app.registrations.queries.queue import CHIPS
from app.registrations.viewing import Why
from app.registrations.views.timeline import WORDS
from app.ui import toasts

bp = Blueprint("badges", __name__, url_prefix="/registrations", template_folder="../templates")
VIEWS, PROOF, HOLD = (
    Permission.REGISTRATIONS_VIEWS,
    Permission.REGISTRATIONS_PROOF,
    Permission.REGISTRATIONS_LEGAL_HOLD,
)
WHY_WORDS: dict[str, Any] = {
    Why.REVIEW: _l("审核"),
    Why.SECOND: _l("第二人审核"),
    Why.READING: _l("复读抽查"),
    Why.APPEAL: _l("申诉"),
    Why.COMPARISON: _l("照片比对"),
    Why.RIGHTS_REQUEST: _l("个人权利请求"),
    "": _l("本人导出"),
}
VERDICT_WORDS = {
    Verdict.SEEN: _l("证件上已见"),
    Verdict.SEEN_OTHERWISE: _l("另有证明"),
    Verdict.CLAIMED_ONLY: _l("仅申报"),
}
HOLD_WORDS = {
    HoldStatus.PROPOSED: ("wait", _l("待批准")),
    HoldStatus.ACTIVE: ("soon", _l("保留中")),
    HoldStatus.REFUSED: ("idle", _l("未批准")),
    HoldStatus.ENDED: ("idle", _l("已结束")),
}


@bp.get("/<number>/views")
@permit(VIEWS)
def views(number: str) -> ResponseReturnValue:
    return _views(number)


@bp.get("/<number>/proof")
@permit(PROOF)
def proof(number: str) -> ResponseReturnValue:
    """What was checked and destroyed, for the screen and for paper."""
    found = proofs.proof(current_actor(), number)
    return render_template(
        "registrations/proof.html",
        proof=found,
        chip=CHIPS[found.row.effective_status(clock.now())],
        labels=FIELD_LABELS,
        verdicts=VERDICT_WORDS,
        words=WORDS,
        ways=HOW_LABELS,
        reasons=catalogue.labels(catalogue.current()),
        may_see_views=current_actor().may(VIEWS),
        may_see_case=current_actor().may(Permission.REGISTRATIONS_READ),
    )


@bp.get("/<number>/proof.json")
@permit(PROOF)
def proof_file(number: str) -> ResponseReturnValue:
    """The signed statement as a file, for `flask audit check-statement` or any Ed25519 tool."""
    found = proofs.proof(current_actor(), number)
    name = f'attachment; filename="proof-{found.row.number}.json"'
    return Response(found.signed.to_json(), mimetype="application/json", headers={"Content-Disposition": name})


@bp.post("/<number>/legal-hold")
@permit(HOLD)
def propose_hold(number: str) -> ResponseReturnValue:
    form = HoldForm()
    try:
        if not form.validate():
            return _views(number, form, 422)
        service.propose(current_actor(), number, form.reason.data or "", form.until.data)
    except DomainError as error:
        if error.status == 404:
            raise
        form.take(error)  # type: ignore[arg-type]
        return _views(number, form, error.status, error)
    toasts.show("done", _("已提出保留，等另一位有权的同事批准。"))
    return redirect(url_for(".views", number=number), 303)


@bp.post("/<number>/legal-hold/<any(approve, refuse, end):answer>")
@permit(HOLD)
def answer_hold(number: str, answer: str) -> ResponseReturnValue:
    verbs = {"approve": service.approve, "refuse": service.refuse, "end": service.end}
    try:
        verbs[answer](current_actor(), number)
    except (Forbidden, DomainError) as error:
        if error.status == 404:
            raise
        return _views(number, None, error.status, error)
    toasts.show("done", _("已更新 %(number)s 的保留。", number=number))
    return redirect(url_for(".views", number=number), 303)


def _views(
    number: str, form: HoldForm | None = None, status: int = 200, refusal: DomainError | None = None
) -> Response:
    actor, now = current_actor(), clock.now()
    row = row_by_number(actor, number, VIEWS)
    holds = queries.holds(row)
    lives = queries.photos(row)
    live = next((h for h in holds if h.effective_status(now) in (HoldStatus.PROPOSED, HoldStatus.ACTIVE)), None)
    last = clock.today() + timedelta(days=numbers.get("legal_hold_max_days"))
    page = render_template(
        "registrations/views.html",
        row=row,
        photos=lives,
        openings=queries.openings(actor, row, request.args.get("before", "")),
        paged="before" in request.args,
        why=WHY_WORDS,
        holds=[(hold, *HOLD_WORDS[HoldStatus(hold.effective_status(now))]) for hold in holds],
        live=live,
        live_status=live.effective_status(now) if live is not None else "",
        proposed_it=live is not None and live.proposed_by == actor.id,
        form=form or HoldForm(formdata=None),
        last_day=last,
        refusal=refusal,
        may_hold=actor.may(HOLD) and not is_own(actor, row),
        any_left=any(not photo.gone for photo in lives),
        may_see_case=actor.may(Permission.REGISTRATIONS_READ),
        may_see_proof=actor.may(PROOF),
    )
    return make_response(page, status)
