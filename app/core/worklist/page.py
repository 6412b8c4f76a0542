"""One page of a worklist: statement, keys, cells, links. The template only places what stands here."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

import sqlalchemy as sa
from flask import url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup, escape
from werkzeug.datastructures import MultiDict

from app.core import clock, counters, keys, plans
from app.core.db import db
from app.core.policy import Actor
from app.core.worklist import choice, keyset, query, sought
from app.core.worklist.cells import Ink, fill
from app.core.worklist.declaration import BulkAction, Column, Tab, Worklist

PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")


@dataclass(slots=True)
class WorklistPage:
    """What `ui/worklist.html` draws."""

    key: str
    title: Any
    tabs: list[dict[str, Any]]
    filters: list[dict[str, Any]]
    columns: list[dict[str, Any]]
    rows_html: Markup
    row_count: int
    count_words: Callable[[], str]  # read while the page is drawn, so that all its counters are one statement
    prev_url: str | None
    next_url: str | None
    empty_kind: str | None  # nothing | filtered
    base_url: str
    reset_url: str
    may_export: bool
    bulk_actions: list[BulkAction]
    seeks: bool = False  # has filters that find a person: the form is posted
    state: dict[str, str] = field(default_factory=dict)  # view and sort, for the filter form to carry
    query: str = ""  # the whole state, for bulk acts, exports and the dialog of views
    row_ids: list[uuid.UUID] = field(default_factory=list)

    @property
    def count_text(self) -> str:
        return self.count_words()


def page(worklist: Worklist, actor: Actor, args: MultiDict[str, str]) -> WorklistPage:
    """The page that the query string asks for. Raises Forbidden without the worklist's permission."""
    actor.require(worklist.permission)
    now = clock.now()
    args = sought.opened(worklist, actor, choice.started(worklist, actor, args))
    request = query.parse(worklist, args)
    if request.tab is not None:
        _want_counts(worklist, actor)
    select, backwards = _statement(worklist, request, actor)
    found = list(db.session.connection().execute(select))  # plain rows: the session would make them anew
    more = len(found) > worklist.page_size
    rows = found[: worklist.page_size]
    if backwards:
        rows.reverse()
    drawn = draw(worklist, rows, actor, now)
    kept = sought.sealed(worklist, actor, {k: v for k, v in args.items() if k not in ("after", "before")})
    has_prev = bool(rows) and ((backwards and more) or (not backwards and bool(request.after)))
    has_next = bool(rows) and ((not backwards and more) or backwards)
    position = lambda row: keyset.encode(row[1], row[0])
    return WorklistPage(
        key=worklist.key,
        title=worklist.title,
        tabs=_tabs(worklist, request, kept),
        filters=_filters(worklist, request, actor),
        columns=_heads(worklist, request, kept, actor),
        rows_html=drawn,
        row_count=len(rows),
        count_words=lambda: _count_text(worklist, request, len(rows), complete=not (has_prev or has_next)),
        prev_url=_url(worklist, {**kept, "before": position(rows[0])}) if has_prev else None,
        next_url=_url(worklist, {**kept, "after": position(rows[-1])}) if has_next else None,
        empty_kind=None if rows else ("filtered" if request.values else "nothing"),
        base_url=_url(worklist, {}),
        reset_url=_url(worklist, {"tab": request.tab.key} if request.tab else choice.WHOLE_LIST),
        may_export=worklist.export_permission is not None and actor.may(worklist.export_permission),
        bulk_actions=[b for b in worklist.bulk if actor.may(b.permission)],
        seeks=bool(sought.personal(worklist)),
        state={name: kept[name] for name in ("tab", "sort") if kept.get(name)},
        query=urlencode(kept),
        row_ids=[row[0] for row in rows],
    )


def draw(worklist: Worklist, rows: Sequence[Any], actor: Actor, now: Any) -> Markup:
    """The rows as HTML. One key-store statement for all of them, one escape call for all cells."""
    if not rows:
        return Markup("")
    readers = readers_for(worklist, rows, actor)
    row_url = _row_url(worklist, worklist.row_endpoint)
    drawer_url = _row_url(worklist, worklist.drawer_endpoint) if worklist.drawer_endpoint else None
    shown = [
        (i, c, Ink(now, str(c.label), row_url), _open_cell(c, lead=c is worklist.lead_column))
        for i, c in choice.shown(worklist, actor)
    ]
    ticks = any(actor.may(action.permission) for action in worklist.bulk)
    key_index = next(i for i, c in enumerate(worklist.columns) if c.key == worklist.row_argument)
    html: list[str] = []
    slots: list[str] = []
    for row in rows:
        name = str(row[2 + key_index])
        html.append('<tr role="row" data-row data-id="%s" data-href="%s"')
        slots += (row[0].hex, row_url(name))
        if drawer_url is not None:
            html.append(' data-drawer="%s"')
            slots.append(drawer_url(name))
        html.append(">")
        if ticks:
            html.append('<td role="cell" class="tick"><input class="box" type="checkbox" name="id" value="%s" ')
            html.append('form="bulk" aria-label="%s"></td>')
            slots += (row[0].hex, name)
        for i, column, ink, opening in shown:
            fragment, values = column.cell(readers[i](row), row, ink)
            html += (opening, fragment, "</td>")
            slots += values
        html.append("</tr>")
    return Markup(fill("".join(html), slots))


def readers_for(worklist: Worklist, rows: Sequence[Any], actor: Actor) -> list[Any]:
    """Per column a function row -> shown value; sealed ones share one look-up of the page's subject keys."""
    sealed = [c for c in worklist.columns if c.sealed is not None]
    subject_keys: dict[uuid.UUID, bytes] = {}
    if sealed and worklist.subject is not None:
        subject_keys = keys.keystore.load({row[-1] for row in rows if row[-1] is not None})
    return [_reader(i, c, subject_keys, worklist.subject is not None, actor) for i, c in enumerate(worklist.columns)]


def _reader(i: int, column: Column, subject_keys: dict[uuid.UUID, bytes], by_subject: bool, actor: Actor) -> Any:
    show = column.show
    if column.sealed is None:
        if show is None:
            return lambda row: row[2 + i]
        return lambda row: show(row[2 + i], actor)
    unseal = column.sealed()

    def read(row: Any) -> Any:
        blob = row[2 + i]
        key = subject_keys.get(row[-1]) if by_subject else None
        value = unseal(row[0], blob, key) if blob is not None and (key is not None or not by_subject) else None
        return show(value, actor) if show is not None else value

    return read


def _open_cell(column: Column, *, lead: bool) -> str:
    label = str(escape(str(column.label))).replace("%", "%%")
    klass = f"c-{column.key} {column.klass}{' rowlink' if lead else ''}"
    lang = ' lang="zh-CN"' if column.chinese and str(get_locale() or "zh").split("_")[0] != "zh" else ""
    return f'<td role="cell" class="{klass}" data-label="{label}"{lang}>'


def _row_url(worklist: Worklist, endpoint: str) -> Any:
    values: dict[str, Any] = {worklist.row_argument: "ROWKEY", **worklist.view_args}
    head, tail = url_for(endpoint, **values).split("ROWKEY")
    # most numbers are plain: quoting is asked for only where it would change something
    return lambda name: f"{head}{name if PLAIN.fullmatch(name) else quote(name, safe='')}{tail}"


def _url(worklist: Worklist, args: dict[str, str]) -> str:
    base = url_for(worklist.endpoint, **worklist.view_args)
    return f"{base}?{urlencode(args)}" if args else base


def _statement(worklist: Worklist, request: query.Request, actor: Actor) -> tuple[sa.Select[Any], bool]:
    """The page's select; the first page of an unfiltered tab is built once per actor."""
    make = lambda: query.statement(worklist, request, actor, plans.now(), limit=worklist.page_size + 1)
    if request.values or request.after or request.before:
        return make()
    tab = request.tab.key if request.tab else None
    key = (worklist, tab, request.sort_text)
    return plans.kept(key, actor, lambda: make()[0]), False


def _want_counts(worklist: Worklist, actor: Actor) -> None:
    for tab in worklist.tabs:
        if tab.counted:
            key = _counter(worklist, tab)
            counters.want(key, plans.kept(key, actor, partial(_count, worklist, tab, actor)))


def _counter(worklist: Worklist, tab: Tab) -> str:
    """The tab's name among counters and kept statements, where others are named by their feature alone."""
    return f"tab:{worklist.key}:{tab.key}"


def _count(worklist: Worklist, tab: Tab, actor: Actor) -> sa.ScalarSelect[int]:
    order = (worklist.sort_column(worklist.default_sort.lstrip("-")), worklist.table.id)
    ranges = tab.ranges(actor, plans.now())
    return counters.capped(*worklist.scope(actor), table=worklist.table, ranges=ranges, order=order)


def _tabs(worklist: Worklist, request: query.Request, kept: dict[str, str]) -> list[dict[str, Any]]:
    shared = {key: value for key, value in kept.items() if key not in ("tab", "sort")}
    return [
        {
            "key": tab.key,
            "label": tab.label,
            "url": _url(worklist, {**shared, "tab": tab.key}),
            "current": request.tab is tab,
            "tone": tab.tone,
            "counter": _counter(worklist, tab) if tab.counted else None,
        }
        for tab in worklist.tabs
    ]


def _filters(worklist: Worklist, request: query.Request, actor: Actor) -> list[dict[str, Any]]:
    return [
        {
            "name": f.key,
            "label": f.label,
            "kind": f.kind,
            "value": request.values.get(f.key, ""),
            "choices": f.choices(actor) if f.choices else (),
            "wide": f.wide,
            "more": f.more,
        }
        for f in worklist.filters
    ]


def _heads(worklist: Worklist, request: query.Request, kept: dict[str, str], actor: Actor) -> list[dict[str, Any]]:
    heads = []
    for _i, column in choice.shown(worklist, actor):
        is_sorted = column.key == request.sort
        flipped = f"-{column.key}" if is_sorted and not request.descending else column.key
        heads.append(
            {
                "key": column.key,
                "label": column.label,
                "klass": column.klass,
                "sort_url": _url(worklist, {**kept, "sort": flipped}) if column.sort is not None else None,
                "sorted": ("desc" if request.descending else "asc") if is_sorted else None,
            }
        )
    return heads


def _count_text(worklist: Worklist, request: query.Request, shown: int, *, complete: bool) -> str:
    """Only what is known without counting: all rows on one page, or a tab's own capped count."""
    if complete:
        return _("共 %(n)s 条", n=shown)
    if request.tab is not None and request.tab.counted and not request.values:
        total = counters.value(_counter(worklist, request.tab))
        return _("本页 %(n)s 条，共 %(total)s 条", n=shown, total=counters.text(total))
    return _("本页 %(n)s 条", n=shown)
