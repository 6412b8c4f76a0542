"""What the feature gives to the rooms below, what the applicant reads and takes along, and the plans behind the queue."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.columns import DataClass
from app.core.db import db
from app.core.errors import Forbidden, Invalid
from app.customers.export import everything
from app.customers.models import Customer
from app.registrations import reasons, service
from app.registrations.models import ReviewReason
from app.registrations.queries.current import current_for, export_for
from app.registrations.queries.queue import QUEUE, waiting
from app.staff.service import handover
from app.ui.duties import duty_sources
from app.ui.navigation import navigation
from app.ui.palette import palette_sources
from tests.features.registrations.story import MONDAY, RETRY, reviewer, take


def count(actor) -> int:
    return db.session.execute(sa.select(waiting(actor))).scalar_one()


def test_the_counter_shows_what_can_be_decided_now(work, story):
    me, other = reviewer(), reviewer("审核乙")
    with work():
        row = story.case()
        story.case()
        assert (count(me), count(reviewer(provinces=frozenset({"44"})))) == (2, 0)
        take(me, row)
        assert (count(me), count(other)) == (2, 1)
    assert navigation.get("registrations").counter is not None


def test_the_palette_finds_a_number_in_scope(portal, step, story):
    with step():
        number = story.case().number
    find = palette_sources.get("registrations").find
    with portal.test_request_context(), clock.frozen(MONDAY):
        assert [entry.label for entry in find(reviewer(), number.lower())] == [number]
        assert [entry.label for entry in find(reviewer(), "0001")] == [number]
        assert find(reviewer(provinces=frozenset({"44"})), number) == []
        assert find(reviewer(), "re") == []


def test_today_lists_the_oldest_due_first(portal, step, story):
    with step(MONDAY + timedelta(hours=1)):
        second = story.case().number
    with step():
        first = story.case().number
    with portal.test_request_context(), clock.frozen(MONDAY + timedelta(hours=2)):
        source = duty_sources.get("registrations")
        assert [duty.number for duty in source.duties(reviewer(), 8)] == [first, second]
        assert source.waiting(reviewer()) == "2"


def test_hand_over_lists_and_lets_go(work, story):
    me = reviewer()
    source = handover.get("registrations")
    with work():
        take(me, story.case())
        assert source.count(me.id) == 1
        assert source.release(reviewer("管理员"), me.id, None) == 1
        assert source.count(me.id) == 0


def test_the_export_has_rounds_and_public_texts_only(work, story):
    me = reviewer()
    with work():
        row = story.case()
        entered = service.Entered(reasons=RETRY.reasons, public_text=RETRY.public_text, private_note="内部的话")
        service.ask_again(me, row.id, take(me, row), entered)
        applicant = story.people[0]
        assert "请避开灯光" not in str(export_for(applicant)), "nothing before it takes effect"
    with work(MONDAY + timedelta(minutes=2)):
        found = export_for(applicant)
        assert [(r["number"], r["status"], len(r["rounds"])) for r in found] == [(row.number, "needs_resubmission", 1)]
        assert "请避开灯光" in str(found)
        assert "内部的话" not in str(found)
        whole = everything(db.session.get(Customer, applicant.id))
        assert whole[DataClass.WORK]["registrations"] == found
    with work(), pytest.raises(Forbidden):
        export_for(me)


def test_nobody_has_a_current_registration_before_the_first(work, story):
    with work():
        assert current_for(story.applicant()) is None
        with pytest.raises(Forbidden):
            current_for(reviewer())


def test_the_catalogue_is_seeded_once_and_fits_the_channel(work, story):
    with work():
        assert reasons.seed() == 0
        rows = reasons.current()
        assert [row.code for row in rows] == [entry[0] for entry in reasons.CATALOGUE]
        assert max(len(row.public_short) for row in rows) <= 20
        with pytest.raises(Invalid):
            reasons.check_texts("长文字", "字" * 21)
        with pytest.raises(Invalid):
            reasons.pick(["no_such_code"])


def test_the_newest_version_of_a_reason_counts(work, story):
    with work():
        old = reasons.pick(["photo_glare"])[0]
        values = {
            c.key: getattr(old, c.key) for c in sa.inspect(ReviewReason).columns if c.key not in ("id", "version")
        }
        db.session.add(ReviewReason(**{**values, "version": 2, "public_short": "反光请重拍"}))
        db.session.flush()
        assert reasons.pick(["photo_glare"])[0].public_short == "反光请重拍"
        assert len(reasons.current()) == len(reasons.CATALOGUE)


def plan_of(statement):
    """How SQLite runs it, with the values as they are sent."""
    sent = []
    note = lambda _c, _cur, text, values, *_r: sent.append((text, values))
    sa.event.listen(db.engine, "before_cursor_execute", note)
    db.session.execute(statement).all()
    sa.event.remove(db.engine, "before_cursor_execute", note)
    text, values = sent[-1]
    plan = db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)
    return " ".join(str(step[3]) for step in plan)


@pytest.mark.pure  # SQLite's plans only: PostgreSQL plans by statistics, and a small table is always scanned
def test_the_queue_reads_an_index_in_order(work, story):
    """No sort and no scan, however many rows: the cause behind the time of the page (decisions.md 15)."""
    from werkzeug.datastructures import MultiDict

    from app.core.worklist import query

    me = reviewer()
    with work():
        for tab in ("second", "appeal", "hold", "retake"):
            asked = query.parse(QUEUE, MultiDict({"tab": tab}))
            statement, _backwards = query.statement(QUEUE, asked, me, clock.now(), limit=51)
            steps = plan_of(statement)
            assert "USING INDEX ix_registration_queue" in steps, steps
            assert "TEMP B-TREE" not in steps, steps


@pytest.mark.pure
def test_holds_that_are_over_are_found_by_their_index(work, story):
    """Not by walking all that is on hold: rows of the first tab, and the count of it."""
    from werkzeug.datastructures import MultiDict

    from app.core.worklist import query

    me = reviewer()
    with work():
        asked = query.parse(QUEUE, MultiDict({"tab": "todo"}))
        rows, _backwards = query.statement(QUEUE, asked, me, clock.now(), limit=51)
        for statement in (rows, sa.select(waiting(me))):
            steps = plan_of(statement)
            assert "ix_registration_wakes (status=? AND wakes_at<?)" in steps, steps
