"""Acts on many tickets: previewed, judged row by row, and never "all done" when not."""

from __future__ import annotations

import re
from datetime import date

import pytest
import sqlalchemy as sa

from app.core.db import db, new_id
from app.core.unit_of_work import unit_of_work
from app.dispatch import service
from app.dispatch.models import Dispatch, Visit
from app.dispatch.service import Order
from app.dispatch.service import people as records
from app.tickets.models import Ticket
from tests.factories import staff
from tests.features.dispatch.people import engineer, ticket_of
from tests.features.dispatch.test_board import text_of
from tests.features.dispatch.test_offers import MORNING

ROWS = re.compile(r'name="row" value="([^"]+)"')


def copies(row: Ticket, count: int) -> None:
    """The same ticket so many times more, under numbers of their own."""
    values = {column.key: getattr(row, column.key) for column in sa.inspect(Ticket).columns}
    made = [{**values, "id": new_id(), "number": f"TKT-20261123-{5000 + n}"} for n in range(count)]
    db.session.execute(sa.insert(Ticket), made)


@pytest.mark.slow
def test_bulk_200_selected_over_several_pages_3_stale_197_done_3_listed_with_cause(room):
    """Feature 14: never "all done" when not."""
    with unit_of_work():
        row = room.ground.ticket()
        copies(row, 199)
        him = engineer(capacity=300)
    page = room.client(room.ground.dispatcher)
    listed = text_of(page.get("/dispatch/list?tab=pool"))
    assert "改选全部符合条件的" in listed and listed.count("data-row") < 200
    everything = {"all_matching": "1", "query": "tab=pool"}
    asked = text_of(page.post("/dispatch/bulk-offer", data=everything))
    assert "派给谁" in asked and len(ROWS.findall(asked)) == 200
    preview = text_of(page.post("/dispatch/bulk-offer", data={"row": ROWS.findall(asked), "to": "best"}))
    carried = ROWS.findall(preview)
    assert len(carried) == 200 and "将办理 200 条" in preview and him.name in preview
    with unit_of_work(write=False):
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Dispatch)) == 0  # a preview does nothing
    with unit_of_work():
        stale = db.session.scalars(sa.select(Ticket).order_by(Ticket.number.desc()).limit(3)).all()
        for one in stale:
            one.version += 1
        numbers = [one.number for one in stale]
    result = text_of(page.post("/dispatch/bulk-run/offer", data={"row": carried, "to": "best"}))
    assert "已办理 197 条" in result and "没有办理 3 条" in result
    refused = result[result.index("没有办理") : result.index("已办理 197 条", result.index("没有办理"))]
    assert all(number in refused for number in numbers) and "预览之后有人改动了这一条" in refused
    with unit_of_work(write=False):
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Dispatch)) == 197


def test_bulk_to_one_person_takes_each_in_his_next_free_half_day_and_asks_why_where_another_is_better(room):
    with unit_of_work():
        rows = [room.ground.ticket() for _n in range(3)]
        best, other = engineer("近工"), engineer("远工", lat=32.5)
        ids = [row.id for row in rows]
    page = room.client(room.ground.dispatcher)
    chosen = {"id": [i.hex for i in ids], "query": "tab=pool"}
    refused = text_of(page.post("/dispatch/bulk-offer", data={**chosen, "to": other.id.hex}))
    assert "不会办理 3 条" in refused
    preview = text_of(page.post("/dispatch/bulk-offer", data={**chosen, "to": other.id.hex, "reason": "same_trip"}))
    assert "将办理 3 条" in preview and 'name="reason" value="same_trip"' in preview
    data = {"row": ROWS.findall(preview), "to": other.id.hex, "reason": "same_trip"}
    assert "已办理 3 条" in text_of(page.post("/dispatch/bulk-run/offer", data=data))
    with unit_of_work(write=False):
        made = db.session.scalars(sa.select(Dispatch)).all()
        assert {one.assignee_id for one in made} == {other.id} and best.id != other.id
        assert len({one.window_from for one in made}) == 3  # one visit a half day fits
    for to in ("nobody", best.id.hex[:-1] + "0"):
        assert page.post("/dispatch/bulk-offer", data={**chosen, "to": to}).status_code == 422
    assert page.post("/dispatch/bulk-run/offer", data=chosen).status_code == 422
    assert page.post("/dispatch/bulk-offer", data={"query": ""}).status_code == 422


def test_bulk_recall_asks_for_a_reason_and_tells_what_could_not_be_taken_back(room):
    with unit_of_work():
        him = engineer(capacity=5)
        rows = [room.ground.ticket() for _n in range(3)]
        for row in rows[:2]:
            service.offer(room.ground.dispatcher, row.number, Order(row.version, him.id, MORNING))
        ids = [row.id.hex for row in rows]
    page = room.client(room.ground.dispatcher)
    assert 'name="reason" required' in text_of(page.post("/dispatch/bulk-recall", data={"id": ids}))
    preview = text_of(page.post("/dispatch/bulk-recall", data={"id": ids, "reason": "plan_changed"}))
    assert "将办理 2 条" in preview and "不会办理 1 条" in preview
    data = {"row": ROWS.findall(preview), "reason": "plan_changed"}
    assert "已办理 2 条" in text_of(page.post("/dispatch/bulk-run/recall", data=data))
    with unit_of_work(write=False):
        assert set(db.session.scalars(sa.select(Dispatch.state))) == {"recalled"}


def test_an_absent_colleagues_visits_go_to_others_row_by_row(room):
    with unit_of_work():
        gone, other = engineer("缺勤工", capacity=5), engineer("替工", lat=31.25, capacity=1)
        rows = [room.ground.ticket() for _n in range(3)]
        for n, row in enumerate(rows):
            span = MORNING if n < 2 else None
            if span is None:
                continue
            made = service.offer(room.ground.dispatcher, row.number, Order(row.version, gone.id, span))
            service.accept(gone, made.id)
        ids = [row.id for row in rows]
    page = room.client(room.ground.dispatcher)
    nothing = text_of(page.post("/dispatch/bulk-reassign", data={"id": [ids[0].hex]}))
    assert "缺勤工 那时没有缺勤，没有改派" in nothing
    with unit_of_work():
        records.add_absence(room.ground.lead, gone.id, date(2026, 11, 24), date(2026, 11, 24), "leave")
    listed = text_of(page.get("/dispatch/list?tab=absent"))
    assert listed.count("data-row") == 2
    preview = text_of(page.post("/dispatch/bulk-reassign", data={"id": [i.hex for i in ids]}))
    assert "将办理 2 条" in preview and "这张工单现在没有人承接" in preview
    result = text_of(page.post("/dispatch/bulk-run/reassign", data={"row": ROWS.findall(preview)}))
    assert "已办理 2 条" in result and "替工" in result
    with unit_of_work(write=False):
        found = [ticket_of(i) for i in ids[:2]]
        assert {row.assignee_id for row in found} == {other.id} and {row.status for row in found} == {"offered"}
        assert sorted(row.call_first for row in found) == [False, True]  # one keeps the agreed half day, one is called
        assert set(db.session.scalars(sa.select(Visit.outcome))) == {"called_off"}


def test_rows_of_another_region_are_not_there(room):
    with unit_of_work():
        row = room.ground.ticket()
        engineer()
        row_id = row.id.hex
    away = staff.signed_in(room.app, ("dispatcher", ["11"], False))
    preview = text_of(away.post("/dispatch/bulk-offer", data={"id": [row_id], "to": "best"}))
    assert "将办理" not in preview and row.number not in preview
    text_of(away.post("/dispatch/bulk-run/offer", data={"row": [f"{row_id}:3"], "to": "best"}))
    with unit_of_work(write=False):
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Dispatch)) == 0
