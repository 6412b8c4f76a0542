"""One transaction per unit of work, owned by the frame."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db, new_id
from app.core.unit_of_work import WriteOnRead, after_commit, after_rollback, evidence, unit_of_work
from app.core.worklist import SavedView


def view(name: str) -> SavedView:
    return SavedView(staff_id=new_id(), worklist="w", name=name, query="", created_at=clock.now())


def names() -> list[str]:
    return list(db.session.scalars(sa.select(SavedView.name).order_by(SavedView.name)))


def test_commits_when_the_block_ends_well(app):
    with app.app_context():
        with unit_of_work():
            db.session.add(view("kept"))
        assert names() == ["kept"]


def test_any_exception_rolls_back_and_runs_the_undo(app):
    undone = []
    with app.app_context():
        with pytest.raises(KeyError), unit_of_work():
            db.session.add(view("lost"))
            after_rollback(lambda: undone.append(1))
            raise KeyError
        assert names() == []
    assert undone == [1]


def test_what_follows_the_commit_sees_it(app):
    seen = []
    with app.app_context(), unit_of_work():
        db.session.add(view("a"))
        after_commit(lambda: seen.append(names()))
    assert seen == [["a"]]


def test_units_do_not_nest(app):
    with app.app_context(), unit_of_work(), pytest.raises(RuntimeError, match="nest"), unit_of_work():
        pass


def test_a_read_may_not_write(app):
    with app.app_context(), pytest.raises(WriteOnRead), unit_of_work(write=False):
        db.session.add(view("x"))


def test_a_get_with_evidence_writes_only_evidence(app):
    with app.app_context(), pytest.raises(WriteOnRead), unit_of_work(evidence_only=True):
        db.session.add(view("x"))


def test_evidence_survives_the_refusal_that_follows(app):
    with app.app_context():
        with pytest.raises(KeyError), unit_of_work():
            with evidence() as session:
                session.add(view("evidence"))
            db.session.add(view("lost"))
            raise KeyError
        assert names() == ["evidence"]


def test_evidence_is_refused_inside_a_running_write(app):
    with app.app_context(), unit_of_work():
        db.session.add(view("a"))
        db.session.flush()
        with pytest.raises(RuntimeError, match="evidence"), evidence():
            pass


def test_a_read_that_writes_beside_the_session_leaves_nothing(app):
    """A statement of its own does not pass the session's check: SQLite takes it back, PostgreSQL refuses it."""
    with app.app_context():
        with unit_of_work():
            db.session.add(view("before"))
        postgres = db.engine.dialect.name == "postgresql"
        refused = pytest.raises(sa.exc.InternalError, match="read-only") if postgres else nullcontext()
        with refused, unit_of_work(write=False):
            db.session.execute(sa.update(SavedView).values(name="after"))
        assert names() == ["before"]


def test_plans_outlive_the_end_of_a_read(app):
    """The driver prepares what returns; a rollback at the end of each read would make it forget."""
    with app.app_context():
        if db.engine.dialect.name != "postgresql":
            return  # SQLite's driver keeps statements whatever ends the transaction
        for _read in range(9):
            with unit_of_work(write=False):
                names()
        with unit_of_work(write=False):
            kept = db.session.execute(sa.text("SELECT generic_plans + custom_plans FROM pg_prepared_statements"))
            assert max(kept.scalars(), default=0) >= 3
