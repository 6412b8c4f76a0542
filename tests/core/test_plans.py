"""Kept statements: built once per actor, run with the present moment, never kept with a past one."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from app.core import clock, counters, plans
from app.core.db import db, new_id
from app.core.policy import Actor, Permission
from app.core.worklist import SavedView

ONE = Actor("staff", id=new_id(), rights={Permission.STYLE_READ: None})
BOUND = Actor("staff", id=ONE.id, rights={Permission.STYLE_READ: frozenset({"11"})})


def test_a_statement_is_built_once_per_actor_and_rights():
    built = []

    def build() -> sa.Select:
        built.append(1)
        return sa.select(SavedView.id)

    key = new_id()
    first = plans.kept(key, ONE, build)
    assert plans.kept(key, ONE, build) is first and plans.is_kept(first)
    assert plans.kept(key, BOUND, build) is not first
    assert len(built) == 2


def test_a_moment_fixed_while_building_is_not_kept():
    build = lambda: sa.select(SavedView.id).where(SavedView.created_at < clock.now())
    key = new_id()
    assert plans.kept(key, ONE, build) is not plans.kept(key, ONE, build)


def test_now_is_read_when_the_statement_runs(app, work, monkeypatch):
    with work():
        db.session.add(SavedView(staff_id=new_id(), worklist="w", name="a", query="", created_at=clock.now()))
    with app.app_context():
        late = plans.kept(
            new_id(),
            ONE,
            lambda: sa.select(SavedView.name).where(SavedView.created_at < plans.now() - timedelta(days=1)),
        )
        assert db.session.scalars(late).all() == []
        at = clock.now() + timedelta(days=2)
        monkeypatch.setattr(clock, "now", lambda: at)
        assert db.session.scalars(late).all() == ["a"]


def test_equal_counts_of_a_page_are_counted_once(app):
    with app.test_request_context("/"):
        for name in ("tab", "nav"):
            count = lambda: counters.capped(
                SavedView.worklist == "w", SavedView.created_at < plans.now(), table=SavedView
            )
            counters.want(name, plans.kept(("same", name), ONE, count))
        counters.want(
            "other", plans.kept("other", ONE, lambda: counters.capped(SavedView.worklist == "v", table=SavedView))
        )
        sent = []
        listen = lambda _c, _cursor, sql, *_rest: sent.append(sql)
        sa.event.listen(db.engine, "before_cursor_execute", listen)
        try:
            assert counters.value("tab") == counters.value("nav") == counters.value("other") == 0
        finally:
            sa.event.remove(db.engine, "before_cursor_execute", listen)
        assert [sql.count("count(*)") for sql in sent if "saved_view" in sql] == [2]


def test_ranges_are_counted_together_up_to_the_cap(app, work, monkeypatch):
    with work():
        for i in range(6):
            db.session.add(
                SavedView(staff_id=new_id(), worklist="ab"[i % 2], name=f"{i}", query="", created_at=clock.now())
            )
    ranges = [[SavedView.worklist == "a"], [SavedView.worklist == "b"]]
    with app.test_request_context("/"):
        counters.want("both", counters.capped(table=SavedView, ranges=ranges))
        assert counters.value("both") == 6
        monkeypatch.setattr(counters, "CAP", 3)
        counters.want("capped", counters.capped(table=SavedView, ranges=ranges))
        assert counters.value("capped") == 4
