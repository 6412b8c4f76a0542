"""For leads: agreement of auditors, the draws with their seeds, the list of harm words."""

from __future__ import annotations

import re

from flask import make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import DomainError, Invalid
from app.core.policy import Permission, current_actor, permit
from app.core.statistics.interval import wilson
from app.core.unit_of_work import savepoint
from app.satisfaction import harm_words
from app.satisfaction.forms import WordsForm
from app.satisfaction.harm_words import GROUPS
from app.satisfaction.queries import oversight
from app.satisfaction.service import lists
from app.satisfaction.views import bp
from app.satisfaction.words import OUTCOMES
from app.ui import toasts
from app.ui.charts import SMALL_N

MANAGE = Permission.SATISFACTION_MANAGE
APART = re.compile(r"[\s,，、;；]+")


@bp.get("/agreement")
@permit(MANAGE)
def agreement() -> ResponseReturnValue:
    found = oversight.matrix(current_actor())
    same = sum(found.counts[i][i] for i in range(len(found.counts)))
    n = found.agreement.n if found.agreement else 0
    return render_template(
        "satisfaction/agreement.html", found=found, outcomes=OUTCOMES, n=n, same=same, least=SMALL_N,
        share=wilson(same, n),
    )  # fmt: skip


@bp.get("/draws")
@permit(MANAGE)
def draws() -> ResponseReturnValue:
    return render_template("satisfaction/draws.html", draws=oversight.draws(current_actor()))


@bp.get("/harm-words")
@permit(MANAGE)
def words() -> ResponseReturnValue:
    current = harm_words.current()
    form = WordsForm(formdata=None, **{group: "、".join(found) for group, found in current.words.items()})
    return render_template("satisfaction/words.html", **_words(form))


@bp.post("/harm-words")
@permit(MANAGE)
def propose_words() -> ResponseReturnValue:
    form = WordsForm()
    typed = {group: [w for w in APART.split(form[group].data or "") if w] for group in GROUPS}
    try:
        with savepoint():
            lists.propose(current_actor(), typed, form.note.data or "")
    except DomainError as refusal:
        if isinstance(refusal, Invalid):
            form.take(refusal)
        return make_response(
            render_template("satisfaction/words.html", refusal=refusal, **_words(form)), refusal.status
        )
    toasts.show("done", _("已提出新词表，须由另一人批准后生效。"))
    return redirect(url_for(".words"), 303)


@bp.post("/harm-words/<int:version>/approve")
@permit(MANAGE)
def approve_words(version: int) -> ResponseReturnValue:
    lists.approve(current_actor(), version)
    toasts.show("done", _("第 %(version)s 版词表已生效。", version=version))
    return redirect(url_for(".words"), 303)


@bp.post("/harm-words/<int:version>/drop")
@permit(MANAGE)
def drop_words(version: int) -> ResponseReturnValue:
    lists.drop(current_actor(), version)
    toasts.show("done", _("已收回第 %(version)s 版词表。", version=version))
    return redirect(url_for(".words"), 303)


def _words(form: WordsForm) -> dict[str, object]:
    waiting = lists.waiting()
    own = waiting is not None and waiting.proposed_by == current_actor().id
    return {"form": form, "groups": GROUPS, "current": harm_words.current(), "waiting": waiting, "own": own}
