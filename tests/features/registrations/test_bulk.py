"""Bulk on the queue: release and remind. Who and what is refused is said before, and a result per row after."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.outbox import Message
from app.core.web import Portal
from app.registrations import service
from app.registrations.models import Registration
from tests.factories import staff
from tests.features.registrations import story as stories
from tests.features.registrations.story import MONDAY, RETRY
from tests.features.registrations.test_erasure import step

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


class Room:
    """A lead at the browser, reviewers, and cases in any number."""

    def __init__(self, app: Portal) -> None:
        self.app = app
        self.lead = staff.member(app, ("reviewer", None, True), name="组长甲")
        with step(app):
            self.story = stories.begin()

    def cases(self, count: int, at: Any = MONDAY) -> list[str]:
        with step(self.app, at):
            return [str(self.story.case().id) for _ in range(count)]

    def held(self, name: str, at: Any = MONDAY) -> tuple[Any, str]:
        reviewer = staff.member(self.app, "reviewer", name=name)
        with step(self.app, at):
            claimed = service.claim_next(reviewer)
            assert claimed is not None
            return reviewer, str(claimed[0].id)

    def post(self, path: str, at: Any = MONDAY, **data: Any) -> Any:
        with clock.frozen(at):
            client = staff.client_of(self.app, self.lead.id)
            return client.post(f"/registrations/{path}", data={"csrf_token": staff.csrf(client), **data})

    def row(self, row_id: str) -> Registration:
        return db.session.scalars(sa.select(Registration).where(Registration.id == uuid.UUID(row_id))).one()


def tickets(page: Any) -> list[str]:
    return re.findall(r'name="row" value="([^"]+)"', page.get_data(as_text=True))


@pytest.fixture
def room(app: Portal) -> Room:
    return Room(app)


def test_the_preview_says_who_is_refused_and_changes_nothing(app, room):
    free, *_rest = room.cases(2)
    _reviewer, held = room.held("沈若拟")
    free = next(i for i in (free, *_rest) if i != held)
    page = room.post("bulk-release", id=[held, free])
    text = page.get_data(as_text=True)
    assert page.status_code == 200
    assert "将办理 1 条" in text and "不会办理 1 条" in text
    assert "现在没有人占用这一件" in text and "原由 沈若拟 处理" in text
    assert len(tickets(page)) == 1
    with step(app, write=False):
        assert room.row(held).leased(MONDAY)


def test_each_row_gets_its_result_and_each_release_its_event(app, room):
    room.cases(3)
    held = [room.held(f"样例{n}")[1] for n in range(3)]
    page = room.post("bulk-release", id=held)
    done = room.post("bulk-run/release", row=tickets(page))
    assert "已办理 3 条" in done.get_data(as_text=True)
    with step(app, write=False):
        assert not any(room.row(i).leased(MONDAY) for i in held)
        events = db.session.scalars(
            sa.select(AuditEvent).where(AuditEvent.event == "registration.claim_released")
        ).all()
        assert sorted(e.object_id for e in events) == sorted(held)
        assert {e.actor_name for e in events} == {"组长甲"}


def test_a_claim_that_changed_hands_after_the_preview_is_stale(app, room):
    room.cases(1)
    _reviewer, held = room.held("样例一")
    page = room.post("bulk-release", id=held)
    with step(app):
        row = room.row(held)
        service.release_for_lead(room.lead, row.id)
    room.held("样例二", MONDAY + MINUTE)
    done = room.post("bulk-run/release", MONDAY + 2 * MINUTE, row=tickets(page)).get_data(as_text=True)
    assert "预览之后有人改动了这一条" in done and "一条也没有办理" in done
    with step(app, write=False):
        assert room.row(held).lease_name == "样例二"


def test_the_same_person_in_two_tabs_does_it_once(app, room):
    room.cases(2)
    held = [room.held(f"样例{n}")[1] for n in range(2)]
    one, two = (tickets(room.post("bulk-release", id=held)) for _ in range(2))
    assert "已办理 2 条" in room.post("bulk-run/release", row=one).get_data(as_text=True)
    assert "一条也没有办理" in room.post("bulk-run/release", row=two).get_data(as_text=True)
    with step(app, write=False):
        count = sa.select(sa.func.count()).where(AuditEvent.event == "registration.claim_released")
        assert db.session.scalar(count) == 2


def test_two_hundred_rows_over_several_pages_in_one_go(app, room):
    made = room.cases(210)
    with step(app):
        for row_id in made:
            row = room.row(row_id)
            row.status, row.decided_at, row.answer_by = "needs_resubmission", MONDAY - 5 * DAY, MONDAY + 9 * DAY
            row.wakes_at = row.answer_by
    page = room.post("bulk-remind", query="tab=retake", all_matching="1")
    assert len(tickets(page)) == 210
    done = room.post("bulk-run/remind", row=tickets(page), query="tab=retake")
    assert "已办理 210 条" in done.get_data(as_text=True)
    with step(app, write=False):
        assert db.session.scalar(sa.select(sa.func.count()).where(Message.template == "registration_reminder")) == 210


def test_a_reminder_goes_at_most_once_in_so_many_days_and_only_where_something_was_asked(app, room):
    waiting, asked = room.cases(2)
    reviewer = staff.member(app, "reviewer")
    with step(app):
        claimed = service.claim_next(reviewer)
        assert claimed is not None
        asked = str(claimed[0].id)
        service.ask_again(reviewer, claimed[0].id, stories.seen(*claimed), RETRY)
    waiting = next(i for i in (waiting, asked) if i != asked) if waiting != asked else None
    answers = []
    for after in (MINUTE / 2, DAY, 3 * DAY + MINUTE, 4 * DAY, 6 * DAY + 2 * MINUTE):
        page = room.post("bulk-remind", MONDAY + after, id=asked)
        done = room.post("bulk-run/remind", MONDAY + after, row=tickets(page) or "x:1")
        answers.append("已办理 1 条" in done.get_data(as_text=True))
    assert answers == [False, False, True, False, True]
    if waiting is not None:
        assert "没有在等申请人补拍" in room.post("bulk-remind", id=waiting).get_data(as_text=True)
    with step(app, write=False):
        told = db.session.scalars(sa.select(Message).where(Message.template == "registration_reminder")).all()
        assert len({message.dedupe_key for message in told}) == 2


def test_rights_are_asked_per_row_and_reviewers_have_none(app, room):
    room.cases(1)
    _reviewer, held = room.held("样例一")
    reviewer = staff.signed_in(app, "reviewer")
    elsewhere = staff.signed_in(app, ("reviewer", ["11"], True))
    with clock.frozen(MONDAY):
        for client, status in ((reviewer, 403), (elsewhere, 200)):
            token = staff.csrf(client)
            answer = client.post("/registrations/bulk-release", data={"csrf_token": token, "id": held})
            assert answer.status_code == status
        assert tickets(answer) == []
        page = room.post("bulk-release", id=held)
        forged = client.post("/registrations/bulk-run/release", data={"csrf_token": token, "row": tickets(page)})
    assert "一条也没有办理" in forged.get_data(as_text=True)
    with step(app, write=False):
        assert room.row(held).leased(MONDAY)


@pytest.mark.parametrize("data", [{}, {"id": "x"}, {"row": "nonsense"}, {"id": ["0" * 32] * 1_001 + ["1" * 32]}])
def test_nonsense_is_refused_with_words(app, room, data):
    answer = room.post("bulk-release", **data)
    assert answer.status_code in (200, 422)
    assert answer.status_code == 422 or tickets(answer) == []


def test_a_lead_gives_cases_to_a_named_reviewer_and_hears_which_that_person_cannot_take(app, room):
    made = room.cases(3)
    _other, held = room.held("样例一")
    receiver = staff.member(app, "reviewer", name="沈若拟")
    elsewhere = staff.member(app, ("reviewer", ["11"], False), name="外省")
    asked = room.post("bulk-assign", id=made).get_data(as_text=True)
    assert 'name="to"' in asked and "沈若拟" in asked
    refused = room.post("bulk-assign", id=made, to=str(elsewhere.id))
    assert tickets(refused) == []
    page = room.post("bulk-assign", id=made, to=str(receiver.id))
    assert "同事处理" in page.get_data(as_text=True) and len(tickets(page)) == 2
    done = room.post("bulk-assign/run", row=tickets(page), to=str(receiver.id)).get_data(as_text=True)
    assert "已办理 2 条" in done
    with step(app, write=False):
        given = {i: room.row(i).passed_to_id for i in made}
        assert [given[i] for i in made if i != held] == [receiver.id] * 2
        assert given[held] is None
    again = room.post("bulk-assign/run", row=tickets(page), to=str(elsewhere.id)).get_data(as_text=True)
    assert "一条也没有办理" in again
    assert room.post("bulk-assign/run", row=tickets(page), to="x").status_code == 422
    assert room.post("bulk-assign/run", row=tickets(page)).status_code == 422
