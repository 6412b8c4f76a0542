"""Which columns a list shows, and in which order."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.policy import current_actor, signed_in
from app.core.worklist import choice, sought
from app.core.worklist import query as search
from app.lists import queries, service
from app.lists.views import bp, layout, state_query
from app.ui import toasts


@bp.post("/lists/<key>/seek")
@signed_in()
def seek(key: str) -> ResponseReturnValue:
    """The filter row of a list that finds people: what was typed is sealed before it enters an address."""
    actor = current_actor()
    of = queries.worklist(actor, key)
    known = {"tab", "sort", *(f.key for f in of.filters)}
    typed = {name: value.strip()[: search.MAX_VALUE] for name, value in request.form.items() if name in known}
    args = sought.sealed(of, actor, {name: value for name, value in typed.items() if value})
    return redirect(queries.address(of, urlencode(args or choice.WHOLE_LIST)), 303)


@bp.get("/lists/<key>/columns")
@signed_in()
def columns(key: str) -> ResponseReturnValue:
    actor = current_actor()
    of = queries.worklist(actor, key)
    return render_template(
        "lists/columns.html",
        layout=layout(),
        of=of,
        columns=choice.arranged(of, actor),
        query=state_query(),
        back_url=queries.address(of, state_query()),
    )


@bp.post("/lists/<key>/columns")
@signed_in()
def save_columns(key: str) -> ResponseReturnValue:
    """Save; a press on an arrow saves too and stays on the page (scripts move the row without asking)."""
    actor = current_actor()
    of = queries.worklist(actor, key)
    if request.form.get("reset"):
        service.forget_columns(actor, of)
        toasts.show("done", _("列已恢复为默认。"))
        return redirect(queries.address(of, state_query()), 303)
    order = request.form.getlist("order")
    for name, by in (("up", -1), ("down", 1)):
        if moved := request.form.get(name):
            order = shifted(order, moved, by)
    service.arrange_columns(actor, of, order, request.form.getlist("show"))
    if request.form.get("up") or request.form.get("down"):
        return redirect(url_for(".columns", key=key, query=state_query()), 303)
    toasts.show("done", _("列已保存。"))
    return redirect(queries.address(of, state_query()), 303)


def shifted(order: list[str], key: str, by: int) -> list[str]:
    """``order`` with one key a place further; at either end it stays."""
    if key not in order:
        return order
    at = order.index(key)
    to = min(max(at + by, 0), len(order) - 1)
    rest = [other for other in order if other != key]
    return [*rest[:to], key, *rest[to:]]
