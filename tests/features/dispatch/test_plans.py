"""Plan this week: asked for, made by the worker, shown as a diff, taken over row by row, taken back until accepted."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock, jobs
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.jobs import Job, JobState
from app.core.policy import Actor, Permission
from app.core.unit_of_work import unit_of_work
from app.dispatch import service
from app.dispatch.eligibility import Span
from app.dispatch.eligibility import load as one_by_one
from app.dispatch.models import Dispatch, DispatchState, Engineer, PlanClaim, PlanInput, PlanRow, WeekPlan
from app.dispatch.planner import load, process, snapshot, split
from app.dispatch.service import Order, plan_work
from app.dispatch.service import people as records
from app.hospitals.models import Hospital
from app.tickets.models import Ticket
from tests.features.dispatch.people import MONDAY, TUESDAY_AM, dealer, engineer, ticket_of
from tests.features.dispatch.test_offers import counted

FRIDAY_AM = Span(TUESDAY_AM[0] + timedelta(days=3), TUESDAY_AM[1] + timedelta(days=3))


def solve_here(text: str, _seconds: float, tell) -> dict:
    """The child's work without a child: what it would print."""
    week = snapshot.from_json(text)
    tell(0)
    return process.as_values(week, split.plan(week))


@pytest.fixture
def here(monkeypatch):
    monkeypatch.setattr(process, "solve", solve_here)


def make(room, province: str = "") -> uuid.UUID:
    """Ask for a plan and let the worker make it."""
    with unit_of_work():
        plan_id = service.request_plan(room.ground.dispatcher, province).id
    plan_work.run({"plan": plan_id.hex})
    return plan_id


def plan(plan_id: uuid.UUID) -> WeekPlan:
    return db.session.get_one(WeekPlan, plan_id, populate_existing=True)


def rows(plan_id: uuid.UUID) -> list[PlanRow]:
    query = sa.select(PlanRow).where(PlanRow.plan_id == plan_id).order_by(PlanRow.n)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def test_a_plan_is_a_proposal_until_a_dispatcher_takes_a_row_over(room, here):
    with unit_of_work():
        number = room.ground.ticket().number
        engineer()
    page = room.client(room.ground.dispatcher)
    assert "本周排程" in page.get("/dispatch").get_data(as_text=True)
    answer = page.post("/dispatch/plans", data={"province": ""})
    assert answer.status_code == 303
    waiting = page.get(answer.location).get_data(as_text=True)
    assert "正在计算" in waiting and 'hx-trigger="every 2s"' in waiting and "取消排程" in waiting and "刷新" in waiting
    plan_id = uuid.UUID(answer.location.rsplit("/", 1)[1])
    plan_work.run({"plan": plan_id.hex})
    text = page.get(answer.location).get_data(as_text=True)
    assert number in text and "工程甲" in text and "已证明" in text and "全部采用（1 单）" in text
    with unit_of_work(write=False):
        assert db.session.scalars(sa.select(Dispatch)).all() == []
        (row,) = rows(plan_id)
        assert plan(plan_id).seed == 1 and plan(plan_id).solver.startswith("cp-sat 9.")
    done = page.post(f"{answer.location}/apply", data={"row": row.id})
    assert done.status_code == 303
    assert "待接单" in page.get(answer.location).get_data(as_text=True)
    with unit_of_work():
        offer = db.session.scalars(sa.select(Dispatch)).one()
        assert offer.state == DispatchState.OFFERED and offer.call_first
        assert offer.window_from == row.window_from
        assert offer.offered_by == room.ground.dispatcher.id
        assert rows(plan_id)[0].dispatch_id == offer.id


def test_a_row_whose_ticket_changed_is_refused_and_not_overwritten(room, here):
    """Applying a plan after half its tickets moved: the other half goes out, these stay as somebody made them."""
    with unit_of_work():
        tickets = [room.ground.ticket() for _ in range(4)]
        him, numbers = engineer(), [row.number for row in tickets]
        engineer("工程乙")
    plan_id = make(room)
    with unit_of_work():
        for number in numbers[:2]:
            version = db.session.scalars(sa.select(Ticket.version).where(Ticket.number == number)).one()
            order = Order(version, him.id, FRIDAY_AM, override_reason="knows_device")
            service.offer(room.ground.colleague, number, order)
            db.session.get_one(Engineer, him.id).capacity += 1
    with unit_of_work():
        taken = service.apply_rows(room.ground.dispatcher, plan_id)
    assert (taken.applied, taken.refused, taken.left) == (2, 2, 0)
    with unit_of_work(write=False):
        by_number = {row.ticket_number: row for row in rows(plan_id)}
        assert [by_number[number].refusal for number in numbers] == ["changed", "changed", "", ""]
        windows = {one.ticket_id: one.window_from for one in db.session.scalars(sa.select(Dispatch))}
        assert [windows[by_number[number].ticket_id] for number in numbers[:2]] == [FRIDAY_AM.since] * 2
    text = room.client(room.ground.dispatcher).get(f"/dispatch/plans/{plan_id}").get_data(as_text=True)
    assert "工单在排程之后有改动，没有覆盖" in text


def test_a_row_is_judged_anew_when_it_is_taken_over(room, here):
    with unit_of_work():
        room.ground.ticket()
        him = engineer()
    plan_id = make(room)
    with unit_of_work():
        day = (clock.now() + timedelta(hours=8)).date()
        records.add_absence(room.ground.lead, him.id, day, day + timedelta(days=20), "leave")
    with unit_of_work():
        assert service.apply_rows(room.ground.dispatcher, plan_id).refused == 1
        (row,) = rows(plan_id)
        assert row.status == "refused" and row.refusal == "not_eligible"
        assert db.session.scalars(sa.select(Dispatch)).all() == []


def test_an_offer_of_the_plan_can_be_taken_back_until_it_is_accepted(room, here):
    with unit_of_work():
        tickets = [room.ground.ticket().id for _ in range(2)]
        him = engineer()
    plan_id = make(room)
    dispatcher = room.ground.dispatcher
    with unit_of_work():
        assert service.apply_rows(dispatcher, plan_id).applied == 2
        first, second = (row.id for row in rows(plan_id))
        accepted = db.session.get_one(PlanRow, second).dispatch_id
        service.accept(him, accepted, None)
    page, address = room.client(dispatcher), f"/dispatch/plans/{plan_id}"
    assert page.post(f"{address}/rows/{first}/undo").status_code == 303
    late = page.post(f"{address}/rows/{second}/undo")
    assert late.status_code == 409 and "不能再撤回" in late.get_data(as_text=True)
    assert page.post(f"{address}/rows/{first}/undo").status_code == 409
    with unit_of_work(write=False):
        assert sorted(ticket_of(one).status for one in tickets) == ["scheduled", "to_dispatch"]
        assert [row.status for row in rows(plan_id)] == ["undone", "applied"]


def test_two_planners_at_once_one_plan_per_region_and_the_other_is_told(room):
    with unit_of_work():
        room.ground.ticket()
        first = service.request_plan(room.ground.dispatcher)
    page = room.client(room.ground.colleague)
    answer = page.post("/dispatch/plans", data={"province": "31"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "正在排程" in text and "调度甲" in text and str(first.id) in text
    with unit_of_work():
        service.cancel_plan(room.ground.dispatcher, first.id)
        assert service.request_plan(room.ground.colleague, "31").asked_name == "调度乙"


def test_the_key_of_a_province_lets_one_of_two_in_the_same_instant_in(room, monkeypatch):
    with unit_of_work():
        room.ground.ticket()
        service.request_plan(room.ground.dispatcher)
    monkeypatch.setattr("app.dispatch.service.plans._refuse_second", lambda *_args: None)
    with pytest.raises(Conflict), unit_of_work():
        service.request_plan(room.ground.colleague)


def test_a_worker_killed_while_solving_leaves_nothing_half_done_and_the_plan_is_made_again(room, monkeypatch):
    class Killed(BaseException):
        """As SIGKILL: nothing of ours runs any more."""

    def killed(*_args):
        raise Killed

    with unit_of_work():
        room.ground.ticket()
        engineer()
        plan_id = service.request_plan(room.ground.dispatcher).id
    monkeypatch.setattr(process, "solve", killed)
    with pytest.raises(Killed):
        jobs.run_one(room.app)
    with unit_of_work(write=False):
        assert plan(plan_id).status == "solving"
        assert rows(plan_id) == []
        assert db.session.scalars(sa.select(Dispatch)).all() == []
    monkeypatch.setattr(process, "solve", solve_here)
    with clock.frozen(clock.now() + plan_work.LEASE + timedelta(seconds=1)):
        while jobs.run_one(room.app):
            pass
        with unit_of_work(write=False):
            assert plan(plan_id).status == "proposed"
            assert len(rows(plan_id)) == 1
            assert db.session.scalars(sa.select(PlanInput)).one().plan_id == plan_id


def test_a_plan_nobody_finished_has_failed_by_itself_and_holds_no_region(room):
    with unit_of_work():
        room.ground.ticket()
        lost = service.request_plan(room.ground.dispatcher).id
    with clock.frozen(clock.now() + timedelta(minutes=31)):
        page = room.client(room.ground.dispatcher)
        text = page.get(f"/dispatch/plans/{lost}").get_data(as_text=True)
        assert "没有算出来" in text and "没有任何派单被改动" in text
        with unit_of_work():
            service.request_plan(room.ground.colleague)
        plan_work.run({"plan": lost.hex})
        with unit_of_work(write=False):
            assert rows(lost) == []


def test_a_plan_called_off_while_solving_writes_nothing_and_cannot_be_applied(room, monkeypatch):
    with unit_of_work():
        room.ground.ticket()
        engineer()
        plan_id = service.request_plan(room.ground.dispatcher).id

    def called_off(text, seconds, tell):
        with unit_of_work():
            service.cancel_plan(room.ground.dispatcher, plan_id)
        tell(0)
        raise AssertionError("a plan called off was solved to its end")

    monkeypatch.setattr(process, "solve", called_off)
    plan_work.run({"plan": plan_id.hex})
    with unit_of_work(write=False):
        assert plan(plan_id).status == "cancelled"
        assert rows(plan_id) == []
        assert db.session.scalars(sa.select(PlanClaim)).all() == []
    page = room.client(room.ground.dispatcher)
    answer = page.post(f"/dispatch/plans/{plan_id}/apply")
    assert answer.status_code == 409 and "不能采用" in answer.get_data(as_text=True)
    assert page.post(f"/dispatch/plans/{plan_id}/cancel").status_code == 409


def test_a_proposal_set_aside_cannot_be_applied_any_more(room, here):
    with unit_of_work():
        room.ground.ticket()
        engineer()
    plan_id = make(room)
    with unit_of_work():
        service.cancel_plan(room.ground.dispatcher, plan_id)
    with pytest.raises(Conflict), unit_of_work():
        service.apply_rows(room.ground.dispatcher, plan_id)
    with unit_of_work(write=False):
        assert db.session.scalars(sa.select(Dispatch)).all() == []


def test_a_proposal_passes_with_its_last_half_day(room, here):
    with unit_of_work():
        room.ground.ticket()
        engineer()
    plan_id = make(room)
    with clock.frozen(MONDAY + timedelta(days=8)):
        with unit_of_work(write=False):
            assert plan(plan_id).shown_status() == "past"
        with pytest.raises(Conflict), unit_of_work():
            service.apply_rows(room.ground.dispatcher, plan_id)


def test_nobody_eligible_is_said_and_missing_coordinates_are_said(room, here):
    with unit_of_work():
        row = room.ground.ticket()
        number = row.number
        engineer(provinces=["51"])
        dealer(confirmed=False)
    page = room.client(room.ground.dispatcher)
    text = page.get(f"/dispatch/plans/{make(room)}").get_data(as_text=True)
    assert "没有人可以承接" in text and number in text and "排不上（1）" in text
    with unit_of_work():
        engineer("工程乙")
        db.session.get_one(Hospital, row.hospital_id).lat = None
    text = page.get(f"/dispatch/plans/{make(room)}").get_data(as_text=True)
    assert "没有坐标" in text and "工程乙" in text and "全部采用（1 单）" in text


def test_nothing_to_plan_a_foreign_region_and_a_wrong_id_are_refused(room, here):
    page = room.client(room.ground.dispatcher)
    answer = page.post("/dispatch/plans")
    assert answer.status_code == 422 and "没有什么可排" in answer.get_data(as_text=True)
    with unit_of_work():
        room.ground.ticket()
        engineer()
    plan_id = make(room)
    assert page.get(f"/dispatch/plans/{uuid.uuid4()}").status_code == 404
    assert page.get("/dispatch/plans/nonsense").status_code == 404
    assert page.post(f"/dispatch/plans/{plan_id}/rows/{uuid.uuid4()}/undo").status_code == 404
    assert page.post(f"/dispatch/plans/{plan_id}/apply", data={"row": "nonsense"}).status_code == 303
    far = replace(room.ground.dispatcher, rights={Permission.TICKETS_DISPATCH: frozenset({"51"})})
    with unit_of_work():
        for refused in (
            lambda: service.request_plan(far, "31"), lambda: service.apply_rows(far, plan_id),
            lambda: service.cancel_plan(far, plan_id), lambda: service.undo_row(far, plan_id, uuid.uuid4()),
        ):  # fmt: skip
            with pytest.raises(NotFound):
                refused()
        with pytest.raises(Invalid):
            service.request_plan(far)


def test_rows_of_another_plan_are_left_alone(room, here):
    with unit_of_work():
        room.ground.ticket()
        engineer()
    first = make(room)
    with clock.frozen(MONDAY + timedelta(minutes=5)):
        second = make(room)
    with unit_of_work():
        foreign = [row.id for row in rows(first)]
        assert service.apply_rows(room.ground.dispatcher, second, foreign).applied == 0
        assert [row.status for row in rows(first)] == ["proposed"]
    text = room.client(room.ground.dispatcher).get(f"/dispatch/plans/{first}").get_data(as_text=True)
    assert "同一地区已有更新的排程" in text


def test_only_pairs_that_the_rule_engine_admits_go_into_the_snapshot(room):
    with unit_of_work():
        for n in range(3):
            room.ground.ticket(**({"fault_class": "image"} if n == 1 else {}))
        him, gone = engineer(), engineer("工程乙", skill="processor")
        records.add_absence(room.ground.lead, gone.id, MONDAY.date(), MONDAY.date() + timedelta(days=1), "leave")
        dealer(until=MONDAY.date() + timedelta(days=2))
        engineer("工程丙", provinces=["51"])
    with unit_of_work(write=False):
        found = load.gather(["31"], clock.now(), snapshot.Limits())
        names = [one.name for one in found.people]
        for job, wanted in zip(found.snapshot.jobs, found.wanted, strict=True):
            table = {names[pair.person]: pair.slots for pair in job.pairs}
            expected = {}
            for slot, half in enumerate(found.plans):
                admitted = one_by_one.table(one_by_one.job_of(wanted.ticket_id), half, clock.now()).admitted
                for standing in admitted:
                    expected.setdefault(standing.candidate.name, []).append(slot)
            assert table == {name: tuple(slots) for name, slots in expected.items()}
            assert table
        assert him.name in names


def test_an_open_offer_may_be_moved_and_an_accepted_visit_takes_its_room(room, here):
    with unit_of_work():
        offered, visited, waits = (room.ground.ticket() for _ in range(3))
        him = engineer()
        service.offer(room.ground.dispatcher, offered.number, Order(offered.version, him.id, Span(*TUESDAY_AM)))
        wednesday = Span(TUESDAY_AM[0] + timedelta(days=1), TUESDAY_AM[1] + timedelta(days=1))
        made = service.offer(room.ground.dispatcher, visited.number, Order(visited.version, him.id, wednesday))
        service.accept(him, made.id, None)
    with unit_of_work(write=False):
        found = load.gather(["31"], clock.now(), snapshot.Limits())
        jobs_by_number = {job.number: job for job in found.snapshot.jobs}
        assert set(jobs_by_number) == {offered.number, waits.number}
        tuesday = next(n for n, half in enumerate(found.plans) if half.span.since == TUESDAY_AM[0])
        assert jobs_by_number[offered.number].current == (0, tuesday)
        assert found.snapshot.people[0].room[tuesday] == 1
        assert found.snapshot.people[0].room[tuesday + 2] == 0
        assert found.snapshot.people[0].load == 1


def test_a_better_week_moves_an_offer_and_says_from_whom(room, here):
    with unit_of_work():
        ticket = room.ground.ticket()
        far = engineer("远处", lat=28.9, lon=121.4)
        near = engineer("近处")
        order = Order(ticket.version, far.id, Span(*TUESDAY_AM), override_reason="knows_device")
        service.offer(room.ground.dispatcher, ticket.number, order)
        room.ground.ticket()
    plan_id = make(room)
    with unit_of_work():
        moved = next(row for row in rows(plan_id) if row.ticket_number == ticket.number)
        assert (moved.held_by, moved.assignee_id) == ("远处", near.id)
        assert moved.way_before > moved.way
        assert service.apply_rows(room.ground.dispatcher, plan_id).refused == 0
        states = {one.assignee_name: one.state for one in db.session.scalars(sa.select(Dispatch)) if
                  one.ticket_id == ticket.id}  # fmt: skip
        assert states == {"远处": "recalled", "近处": "offered"}


def test_the_stored_input_and_seed_replay_to_the_same_plan_in_the_process_of_the_worker(room):
    """The real child: no database, no keys, the same answer as here."""
    with unit_of_work():
        for _n in range(3):
            room.ground.ticket()
        engineer()
        engineer("工程乙", lat=31.6)
    plan_id = make(room)
    with unit_of_work(write=False):
        text = db.session.get_one(PlanInput, plan_id).content
        again = split.plan(snapshot.from_json(text))
        made = plan(plan_id)
        assert made.status == "proposed" and not made.cut_short
        assert made.figures["after"]["cost"] == again.figures.cost == made.figures["bound"]
        ids = [one.id for one in snapshot.from_json(text).people]
        places = {job.number: place for job, place in zip(snapshot.from_json(text).jobs, again.assignment, strict=True)}
        assert all(ids[places[row.ticket_number][0]] == str(row.assignee_id) for row in rows(plan_id))


def test_a_solver_that_dies_is_said_and_changes_nothing(room, monkeypatch):
    monkeypatch.setattr(process.sys, "executable", "/bin/false")
    with unit_of_work():
        room.ground.ticket()
        engineer()
    plan_id = make(room)
    text = room.client(room.ground.dispatcher).get(f"/dispatch/plans/{plan_id}").get_data(as_text=True)
    assert "计算进程中断" in text
    with unit_of_work(write=False):
        assert plan(plan_id).error == "solver_failed"
        assert db.session.scalars(sa.select(PlanClaim)).all() == []


def test_the_job_is_taken_by_any_worker_and_done_once(room, here):
    with unit_of_work():
        room.ground.ticket()
        engineer()
        plan_id = service.request_plan(room.ground.dispatcher).id
    while jobs.run_one(room.app):
        pass
    with unit_of_work(write=False):
        assert plan(plan_id).status == "proposed"
        states = db.session.scalars(sa.select(Job.state).where(Job.kind == "dispatch.plan")).all()
        assert states == [JobState.DONE]
    plan_work.run({"plan": plan_id.hex})
    with unit_of_work(write=False):
        assert len(rows(plan_id)) == 1


def test_the_page_of_a_plan_costs_the_same_statements_with_one_row_and_with_many(room, here):
    with unit_of_work():
        room.ground.ticket()
        engineer()
    page, sent = room.client(room.ground.dispatcher), []
    for _round in range(2):
        address = f"/dispatch/plans/{make(room)}"
        page.get(address)
        with counted() as statements:
            page.get(address)
        sent.append(len(statements))
        with unit_of_work():
            for _n in range(4):
                room.ground.ticket()
    assert sent[0] == sent[1]


def test_a_plan_needs_the_right_to_dispatch(room):
    nobody = Actor("staff", id=uuid.uuid4(), name="样例")
    with pytest.raises(Forbidden), unit_of_work():
        service.request_plan(nobody)
