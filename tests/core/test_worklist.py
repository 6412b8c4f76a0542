"""The worklist engine on a table of its own: paging, allow-lists, escaping, counts, export."""

from __future__ import annotations

import sys
from datetime import timedelta

import pytest
import sqlalchemy as sa
from python_calamine import CalamineWorkbook
from werkzeug.datastructures import MultiDict

from app.core import clock, counters
from app.core.db import db, new_id
from app.core.policy import Actor, Permission
from app.core.worklist import Column, Filter, SavedView, Tab, Worklist, choice, export, instant, link, page
from app.core.worklist.export import neutral
from app.core.worklist.query import parse

READER = Actor("staff", id=new_id(), rights={Permission.STYLE_READ: None, Permission.AUDIT_EXPORT: None})

LIST = Worklist(
    key="sample-views",
    title="Views",
    endpoint="ui.help_style",
    permission=Permission.STYLE_READ,
    table=SavedView,
    columns=[
        Column("name", "Name", SavedView.name, link(), sort=SavedView.name),
        Column("worklist", "List", SavedView.worklist),
        Column("created", "Created", SavedView.created_at, instant(), sort=SavedView.created_at),
    ],
    default_sort="name",
    row_endpoint="static",
    row_argument="filename",
    tabs=[
        Tab("all", "All", lambda _a, _n: [[]]),
        Tab("two", "Two", lambda _a, _n: [[SavedView.worklist == "a"], [SavedView.worklist == "b"]]),
    ],
    filters=[Filter("q", "Name", lambda value, _actor: SavedView.name == value)],
    export_permission=Permission.AUDIT_EXPORT,
    page_size=10,
)


@pytest.fixture
def rows(app, work):
    with work():
        start = clock.now()
        for i in range(35):
            db.session.add(
                SavedView(
                    staff_id=new_id(),
                    worklist="abc"[i % 3],
                    name=f"v{i:03}",
                    query="",
                    created_at=start + timedelta(seconds=i // 5),
                )
            )
    object.__setattr__(LIST, "row_argument", "name")
    object.__setattr__(LIST, "row_endpoint", "ui.help_style")
    with app.test_request_context("/"):
        yield app


def walk(**args: str) -> list[list[str]]:
    """Names page by page, following next_url to the end."""
    seen, query = [], dict(args)
    while True:
        shown = page(LIST, READER, MultiDict(query))
        seen.append([line.split("</a>")[0].rsplit(">", 1)[1] for line in str(shown.rows_html).split("<tr")[1:]])
        if shown.next_url is None:
            return seen
        query["after"] = shown.next_url.split("after=")[1].split("&")[0]


@pytest.mark.usefixtures("rows")
class TestPaging:
    @pytest.fixture(autouse=True)
    def _fake_row_url(self, monkeypatch):
        monkeypatch.setattr(sys.modules["app.core.worklist.page"], "_row_url", lambda *_a: lambda name: f"/row/{name}")

    def test_every_row_stands_on_exactly_one_page(self):
        pages = walk()
        assert [len(p) for p in pages] == [10, 10, 10, 5]
        assert sum(pages, []) == [f"v{i:03}" for i in range(35)]

    def test_ties_in_the_sort_key_neither_repeat_nor_skip(self):
        assert sorted(sum(walk(sort="-created"), [])) == [f"v{i:03}" for i in range(35)]

    def test_a_step_back_shows_the_page_before(self):
        first = page(LIST, READER, MultiDict())
        second = page(LIST, READER, MultiDict(dict(after=first.next_url.split("after=")[1])))
        back = page(LIST, READER, MultiDict(dict(before=second.prev_url.split("before=")[1])))
        assert back.row_ids == first.row_ids
        assert first.prev_url is None

    def test_ranges_are_merged_in_order(self):
        names = sum(walk(tab="two"), [])
        assert names == [f"v{i:03}" for i in range(35) if i % 3 != 2]

    def test_unknown_sort_tab_and_broken_cursor_mean_the_first_page(self):
        plain = page(LIST, READER, MultiDict())
        for bad in ({"sort": "query; DROP TABLE"}, {"tab": "nope"}, {"after": "!!!"}, {"after": "W10"}):
            assert page(LIST, READER, MultiDict(bad)).row_ids == plain.row_ids

    def test_filters_narrow_and_say_when_nothing_is_left(self):
        assert page(LIST, READER, MultiDict(dict(q="v003"))).row_count == 1
        empty = page(LIST, READER, MultiDict(dict(q="none")))
        assert (empty.row_count, empty.empty_kind) == (0, "filtered")

    def test_counts_are_capped_and_come_in_one_statement(self):
        page(LIST, READER, MultiDict())
        assert counters.value("tab:sample-views:two") == 24
        assert counters.text(counters.CAP + 1) == "1,000+"

    def test_a_page_of_a_tab_takes_two_statements(self, rows):
        taken = []
        sa.event.listen(db.engine, "before_cursor_execute", lambda *a: taken.append(a[2]))
        assert page(LIST, READER, MultiDict()).count_text  # the counts are read while the page is drawn
        assert len([s for s in taken if s.startswith("SELECT")]) == 2
        assert not any(
            "OFFSET" in s and "OFFSET 0" not in s
            for s in taken
            if "saved_view.name" in s and "?" not in s.split("OFFSET")[-1][:3]
        )

    def test_data_is_escaped_once_and_formulas_are_neutral(self, app):
        db.session.add(
            SavedView(
                staff_id=new_id(), worklist="z", name="<b>%s&\x1f", query="", created_at=clock.now() + timedelta(days=1)
            )
        )
        db.session.flush()
        html = str(page(LIST, READER, MultiDict(dict(sort="-created"))).rows_html)
        assert "&lt;b&gt;%s&amp;" in html and "<b>" not in html
        db.session.rollback()
        assert [neutral(v) for v in ("=1+1", "+1", "-1", "@x", "\tx", "x", 5)] == [
            "'=1+1",
            "'+1",
            "'-1",
            "'@x",
            "'\tx",
            "x",
            5,
        ]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_file_holds_all_rows_of_the_filter_from_one_streamed_statement(app, rows, kind, monkeypatch):
    monkeypatch.setattr(export, "STEP", 7)
    taken = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *a: taken.append(a[2]))
    placed = export.columns(LIST, READER, "all")
    body = export.rows(LIST, READER, MultiDict(dict(tab="two", after="x")), placed, limit=20)
    out = export.write(kind, placed, body)
    found = CalamineWorkbook.from_filelike(out).get_sheet_by_index(0).to_python() if kind == "xlsx" else None
    lines = [",".join(map(str, line)) for line in found] if found else out.read().decode("utf-8-sig").splitlines()
    assert (len(lines), lines[0]) == (21, "Name,List,Created")
    assert len([s for s in taken if s.startswith("SELECT")]) == 1


def chooser(**kept: object) -> Actor:
    return Actor("staff", id=new_id(), rights=READER.rights, preferences={"lists": {"sample-views": kept}})


@pytest.mark.usefixtures("rows")
class TestChoice:
    @pytest.fixture(autouse=True)
    def _fake_row_url(self, monkeypatch):
        monkeypatch.setattr(sys.modules["app.core.worklist.page"], "_row_url", lambda *_a: lambda name: f"/row/{name}")

    def test_columns_stand_in_the_chosen_order_and_the_rows_link_stays(self):
        actor = chooser(order=["created", "gone", "name"], hidden=["name", "worklist"])
        shown = page(LIST, actor, MultiDict())
        assert [head["key"] for head in shown.columns] == ["created", "name"]
        assert str(shown.rows_html).count("<td") == 20
        assert [column.key for _i, column in export.columns(LIST, actor, "shown")] == ["created", "name"]
        assert [column.key for _i, column in export.columns(LIST, actor, "all")] == ["name", "worklist", "created"]

    def test_a_column_declared_later_is_shown_at_the_end(self):
        actor = chooser(order=["created"], hidden=["worklist"])
        assert [column.key for _i, column in choice.shown(LIST, actor)] == ["created", "name"]

    def test_the_bare_address_opens_the_chosen_start_and_any_other_does_not(self):
        actor = chooser(start="tab=two&q=v003")
        assert (page(LIST, actor, MultiDict()).row_count, page(LIST, actor, MultiDict(dict(view="all"))).row_count) == (
            1,
            10,
        )

    def test_a_broken_choice_is_no_choice(self):
        actor = Actor("staff", id=new_id(), rights=READER.rights, preferences={"lists": ["x"]})
        assert len(page(LIST, actor, MultiDict()).columns) == 3


def test_only_what_is_declared_is_read_from_the_url():
    request = parse(LIST, MultiDict({"q": " x ", "role": "admin", "sort": "-name"}))
    assert (request.values, request.sort, request.descending) == ({"q": "x"}, "name", True)
