"""Bulk acts: a result per row, nothing done by a preview, stale rows refused, one refusal undoes nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import render_template
from werkzeug.datastructures import MultiDict

from app.core import audit, clock, unit_of_work
from app.core.audit.chain import PENDING
from app.core.db import db, new_id
from app.core.errors import Forbidden, Invalid, StepUpRequired
from app.core.policy import Actor, Permission
from app.core.worklist import BulkAction, Column, Filter, SavedView, Worklist, bulk, link
from tests.inspector import problems

LIST_URL = "/help/style"
READER = Actor("staff", id=new_id(), rights={Permission.STYLE_READ: None})
ACTION = BulkAction("rename", "Rename", "ui.help_style", Permission.STYLE_READ)
LIST = Worklist(
    key="sample-views",
    title="Views",
    endpoint="ui.help_style",
    permission=Permission.STYLE_READ,
    table=SavedView,
    columns=[Column("name", "Name", SavedView.name, link(), sort=SavedView.name)],
    default_sort="name",
    row_endpoint="ui.help_style",
    row_argument="name",
    filters=[Filter("list", "List", lambda value, _actor: SavedView.worklist == value)],
    scope=lambda _actor: [SavedView.worklist != "hidden"],
    bulk=(ACTION,),
    version=SavedView.query,
    page_size=10,
)
EVENT = ("view.renamed", READER, "saved_view")


@pytest.fixture
def ids(app, work):
    with work():
        for i in range(12):
            where = "hidden" if i == 11 else "ab"[i % 2]
            db.session.add(
                SavedView(
                    staff_id=new_id(), worklist=where, name=f"v{i:02}", query="1",
                    created_at=clock.now() + timedelta(seconds=i),
                )
            )  # fmt: skip
    with work(write=False):
        found = {name: i.hex for i, name in db.session.execute(sa.select(SavedView.id, SavedView.name))}
    with app.test_request_context("/"):
        yield found


def rename(row_id):
    """Refuses v03; renames the rest and says so in the audit log."""
    row = db.session.get(SavedView, row_id)
    old = row.name
    row.name, row.query = f"x{old}", "2"
    audit.record(*EVENT, row.id)
    unit_of_work.after_commit(lambda: done_after_commit.append(old))
    if old == "v03":
        raise Forbidden("v03 stays")
    return "renamed"


done_after_commit: list[str] = []


def names():
    return list(db.session.scalars(sa.select(SavedView.name).order_by(SavedView.created_at)))


def tickets(report):
    return MultiDict([("row", outcome.row.ticket) for outcome in report.done])


def test_a_preview_refuses_with_reasons_and_does_nothing(ids, work):
    before = done_after_commit[:]
    with work():
        chosen = bulk.picked(LIST, READER, MultiDict([("id", ids[n]) for n in ("v02", "v03", "v11")]))
        report = bulk.rehearse(LIST, chosen, rename)
        assert not unit_of_work.current().pending.get(PENDING)
    assert [(o.row.name, o.ok, str(o.refused or o.words)) for o in report.outcomes] == [
        ("v02", True, "renamed"),
        ("v03", False, "v03 stays"),
        (None, False, str(report.outcomes[2].refused)),  # out of scope: as if it were not there
    ]
    with work(write=False):
        assert names() == [f"v{i:02}" for i in range(12)]
    assert done_after_commit == before


def test_each_row_stands_alone_and_leaves_its_own_trace(ids, work):
    with work():
        chosen = bulk.picked(LIST, READER, MultiDict([("id", ids[n]) for n in ("v02", "v03", "v04")]))
        report = bulk.carry_out(LIST, chosen, rename)
        assert [event["object_id"] for event in unit_of_work.current().pending[PENDING]] == [
            str(chosen.rows[0].id), str(chosen.rows[2].id),
        ]  # fmt: skip
    assert [o.ok for o in report.outcomes] == [True, False, True]
    with work(write=False):
        assert names()[2:5] == ["xv02", "v03", "xv04"]
    assert done_after_commit[-2:] == ["v02", "v04"]


def test_a_row_changed_after_the_preview_is_refused_and_twice_is_once(ids, work):
    with work():
        chosen = bulk.picked(LIST, READER, MultiDict([("id", ids["v00"]), ("id", ids["v01"])]))
        form = tickets(bulk.rehearse(LIST, chosen, rename))
    with work():
        db.session.execute(sa.update(SavedView).where(SavedView.name == "v01").values(query="9"))
    with work():
        report = bulk.carry_out(LIST, bulk.picked(LIST, READER, form), rename)
    assert [o.ok for o in report.outcomes] == [True, False]
    with work():
        again = bulk.carry_out(LIST, bulk.picked(LIST, READER, form), rename)
    assert not again.done


def test_all_matching_takes_the_filter_not_the_page_and_is_capped(ids, work, monkeypatch):
    form = MultiDict({"all_matching": "1", "query": "list=b&sort=-name&after=zzz"})
    with work(write=False):
        assert [row.name for row in bulk.picked(LIST, READER, form).rows] == ["v09", "v07", "v05", "v03", "v01"]
    monkeypatch.setattr(bulk, "LIMIT", 2)
    with work(write=False):
        chosen = bulk.picked(LIST, READER, form)
        assert ([row.name for row in chosen.rows], chosen.capped) == (["v09", "v07"], True)


@pytest.mark.parametrize(
    "fields", [{}, {"id": "nonsense"}, {"row": "x:1"}, {"all_matching": "1", "query": "list=nobody"}]
)
def test_nothing_or_nonsense_chosen_is_a_clear_error(ids, work, fields):
    with work(write=False), pytest.raises(Invalid):
        bulk.picked(LIST, READER, MultiDict(fields))


def test_too_many_single_rows_are_refused(ids, work):
    with work(write=False), pytest.raises(Invalid, match="bulk_too_many"):
        bulk.picked(LIST, READER, MultiDict([("row", f"{new_id().hex}:1") for _ in range(bulk.LIMIT + 1)]))


def test_a_missing_password_ends_the_whole_act(ids, work):
    def act(_row_id):
        raise StepUpRequired

    with pytest.raises(StepUpRequired), work():
        bulk.carry_out(LIST, bulk.picked(LIST, READER, MultiDict({"id": ids["v00"]})), act)


def test_a_list_with_bulk_actions_needs_a_version():
    with pytest.raises(ValueError, match="version"):
        Worklist(
            "x", "x", "e", Permission.STYLE_READ, SavedView, LIST.columns, "name", "e", "name", bulk=(ACTION,)
        )  # fmt: skip


def test_preview_and_result_pages_say_who_and_why(ids, work):
    with work():
        chosen = bulk.picked(LIST, READER, MultiDict([("id", ids["v02"]), ("id", ids["v03"]), ("query", "list=a")]))
        report = bulk.rehearse(LIST, chosen, rename)
        facts = {"report": report, "title": "Rename", "action_url": "/there", "action_word": "Rename 1"}
        pages = [render_template(f"ui/bulk_{name}.html", **facts) for name in ("preview", "result")]
    for html in pages:
        assert problems(html) == []
        assert "v03 stays" in html and f"{LIST_URL}?list=a" in html
    assert chosen.rows[0].ticket in pages[0] and chosen.rows[1].ticket not in pages[0]
