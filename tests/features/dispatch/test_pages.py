"""Pages of dispatch as people use them: candidates, pool, engineers, dealers, contracts."""

from __future__ import annotations

import io
import uuid
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.core.unit_of_work import unit_of_work
from app.dealers.models import Dealer, DealerContract
from app.dispatch import service
from app.dispatch.models import Absence, Dispatch, Engineer, EngineerShift, EngineerSkill, PoolEntry
from app.dispatch.service import Order
from app.dispatch.service import people as records
from app.dispatch.service.pool import refresh_due, sweep
from tests.factories import staff
from tests.features.dispatch.people import (
    MONDAY,
    contract,
    dealer,
    dealer_user,
    engineer,
    planner,
    ticket_of,
)
from tests.features.dispatch.test_offers import MORNING, counted
from tests.inspector import Inspector

WHEN = {"day": "2026-11-24", "half": "am"}


@pytest.fixture
def admin(room) -> Inspector:
    return staff.signed_in(room.app, "admin")


def test_assign_from_the_candidate_panel_in_one_press_with_the_reasons_on_the_table(room):
    with unit_of_work():
        row, him = room.ground.ticket(), engineer()
        dealer(until=date(2026, 11, 23))
        number, version = row.number, row.version
    page = room.client(room.ground.dispatcher)
    text = page.get(f"/dispatch/{number}/candidates", query_string=WHEN).get_data(as_text=True)
    assert "派给" in text and "工程甲" in text and "合同 2026-11-23 到期，上门 2026-11-24" in text
    answer = page.post(f"/dispatch/{number}/offer", data={"version": version, "assignee_id": him.id, **WHEN})
    assert answer.status_code == 303 and answer.location.endswith("/dispatch")
    text = page.get(f"/dispatch/{number}/candidates").get_data(as_text=True)
    assert "现在由谁承接" in text and "工程甲" in text
    assert "待接单" in page.get(f"/tickets/{number}").get_data(as_text=True)


def test_the_loser_of_a_race_sees_who_when_and_keeps_what_was_typed(room):
    with unit_of_work():
        row, him, far = room.ground.ticket(), engineer(), engineer("工程乙", lat=33.0)
        number, version = row.number, row.version
        service.offer(room.ground.dispatcher, number, Order(version, him.id, MORNING))
    page = room.client(room.ground.colleague)
    typed = {"version": version, "assignee_id": far.id, "override_reason": "knows_device", **WHEN}
    answer = page.post(f"/dispatch/{number}/offer", data=typed)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "调度甲" in text and "11-23 09:00" in text
    assert "2026-11-24 上午" in text and "熟悉这台设备" in text


def test_a_forged_post_for_somebody_absent_is_refused_with_the_reason(room):
    with unit_of_work():
        row, him = room.ground.ticket(), engineer()
        records.add_absence(room.ground.lead, him.id, date(2026, 11, 24), date(2026, 11, 25), "leave")
        number, version = row.number, row.version
    page = room.client(room.ground.dispatcher)
    text = page.get(f"/dispatch/{number}/candidates", query_string=WHEN).get_data(as_text=True)
    assert "这个时间无人可派" in text and "缺勤到 2026-11-25" in text and "改到 11-26 上午" in text
    answer = page.post(f"/dispatch/{number}/offer", data={"version": version, "assignee_id": him.id, **WHEN})
    assert answer.status_code == 409 and "缺勤到 2026-11-25" in answer.get_data(as_text=True)
    nonsense = {"version": "x", "assignee_id": "nobody", "day": "soon", "half": "noon", "mode": "teleport"}
    assert page.post(f"/dispatch/{number}/offer", data=nonsense).status_code == 422
    stranger = {"version": version, "assignee_id": uuid.uuid4(), **WHEN}
    assert page.post(f"/dispatch/{number}/offer", data=stranger).status_code == 422
    with unit_of_work(write=False):
        assert db.session.scalars(sa.select(Dispatch)).all() == []


def test_the_candidate_page_costs_three_statements_whatever_the_number_of_people(room):
    with unit_of_work():
        number = room.ground.ticket().number
        engineer()
    page = room.client(room.ground.dispatcher)

    def cost() -> int:
        with counted() as sent:
            assert page.get(f"/dispatch/{number}/candidates", query_string=WHEN).status_code == 200
        tables = ("FROM ticket JOIN hospital", "FROM engineer JOIN staff_account", "FROM engineer_absence")
        assert sum(any(table in one for table in tables) for one in sent) == 3
        return len(sent)

    cost()
    few = cost()
    with unit_of_work():
        for n in range(12):
            engineer(f"工程{n}", provinces=["31"] if n % 2 else ["11"])
            dealer(f"经销{n}")
    assert cost() == few


def test_recall_withdraw_and_ask_again(room):
    with unit_of_work():
        row, him = room.ground.ticket(), engineer()
        made = service.offer(room.ground.dispatcher, row.number, Order(row.version, him.id, MORNING))
        number, ticket_id = row.number, row.id
    page = room.client(room.ground.dispatcher)

    def version() -> int:
        with unit_of_work(write=False):
            return ticket_of(ticket_id).version

    assert page.post(f"/dispatch/{number}/recall", data={"version": version(), "reason": ""}).status_code == 422
    assert page.post(f"/dispatch/{number}/recall", data={"version": 1, "reason": "by_mistake"}).status_code == 409
    assert (
        page.post(f"/dispatch/{number}/recall", data={"version": version(), "reason": "by_mistake"}).status_code == 303
    )
    with unit_of_work():
        made = service.offer(room.ground.dispatcher, number, Order(version_of(ticket_id), him.id, MORNING))
        service.decline(him, made.id, "too_far")
    text = page.get(f"/dispatch/{number}/candidates", query_string=WHEN).get_data(as_text=True)
    assert "已拒绝过这张工单" in text and "允许再次询问" in text
    assert page.post(f"/dispatch/{number}/lift", data={"assignee_id": him.id}).status_code == 303
    assert page.post(f"/dispatch/{number}/lift", data={"assignee_id": him.id}).status_code == 404
    with unit_of_work():
        made = service.offer(room.ground.dispatcher, number, Order(version_of(ticket_id), him.id, MORNING))
        service.accept(him, made.id)
    assert page.post(f"/dispatch/{number}/withdraw", data={"version": version(), "reason": "absent"}).status_code == 303


def version_of(ticket_id) -> int:
    return ticket_of(ticket_id).version


def test_must_leave_by_queue_sorts_the_pool_by_latest_dispatch_time_of_the_best_eligible_not_by_due_date(room):
    """Section 4 item 1: due − service − travel − wait for the best one's first free half day."""
    with unit_of_work():
        first, second = room.ground.ticket(), room.ground.ticket(fault_class="image")
        him = engineer(lat=31.2, lon=121.4)
        engineer("远工程", skill="processor", lat=29.2, lon=121.4)  # some 220 km away: 4.7 h
        second.due_at = first.due_at + timedelta(hours=1)  # due later, must leave earlier
        numbers = {first.id: first.number, second.id: second.number}
    with unit_of_work():
        assert refresh_due() == 2 and refresh_due() == 0
        near, far = (db.session.get_one(PoolEntry, ticket_id) for ticket_id in numbers)
        assert near.best_name == him.name and near.way_known
        wait = near.starts_at - MONDAY
        assert near.leave_by == ticket_of(near.ticket_id).due_at - timedelta(hours=2.25) - wait
        assert far.leave_by < near.leave_by
    text = room.client(room.ground.dispatcher).get("/dispatch/list").get_data(as_text=True)
    assert text.index(numbers[far.ticket_id]) < text.index(numbers[near.ticket_id])
    with unit_of_work():
        row = ticket_of(near.ticket_id)
        service.offer(room.ground.dispatcher, row.number, Order(row.version, him.id, MORNING))
    with unit_of_work():
        assert sweep() == 1


def test_the_pool_follows_the_dispatchers_region(room):
    with unit_of_work():
        number = room.ground.ticket().number
        engineer()
    away = staff.signed_in(room.app, ("dispatcher", ["11"], False))
    assert number not in away.get("/dispatch").get_data(as_text=True)
    assert away.get(f"/dispatch/{number}/candidates").status_code == 404
    assert away.post(f"/dispatch/{number}/offer", data={"version": 1}).status_code in (404, 422)
    assert staff.signed_in(room.app, "engineer").get("/dispatch").status_code == 403


def test_engineers_records(room):
    with unit_of_work():
        him = staff.account("engineer", name="新工程")
        nobody = staff.account("triager")
        him_id, nobody_id = him.id, nobody.id
    lead = room.client(room.ground.lead)
    assert lead.get(f"/engineers/new/{nobody_id}").status_code == 404
    assert "建立派工资料" in lead.get("/engineers").get_data(as_text=True)
    data = {"base_name": "上海服务点", "provinces": ["31"], "product_lines": ["gastro"], "capacity": "2", "lat": "31"}
    answer = lead.post(f"/engineers/new/{him_id}", data=data)
    assert answer.status_code == 422 and "上海服务点" in answer.get_data(as_text=True)
    assert lead.post(f"/engineers/new/{him_id}", data={**data, "lon": "121"}).status_code == 303
    page = f"/engineers/{him_id}"
    suggested = lead.get(f"{page}/edit?add_province=32&capacity=3").get_data(as_text=True)
    assert 'value="3"' in suggested and suggested.count("checked") == 3
    change = {**data, "lon": "121", "version": "9", "active": "y"}
    stale = lead.post(f"{page}/edit", data=change)
    assert stale.status_code == 409 and "刚刚有人改过" in stale.get_data(as_text=True)
    assert lead.post(f"{page}/edit", data={**change, "version": "1", "base_name": "新"}).status_code == 303
    skill = {"skill": "scope", "certificate": "C-9", "valid_from": "2026-11-01", "valid_until": "2026-10-01"}
    assert lead.post(f"{page}/skills/new", data=skill).status_code == 422
    assert lead.post(f"{page}/skills/new", data={**skill, "valid_until": "2026-12-01"}).status_code == 303
    assert lead.post(f"{page}/shifts", data={"halves": ["0-am", "9-xx"]}).status_code == 422
    assert lead.post(f"{page}/shifts", data={"halves": ["0-am", "6-pm"]}).status_code == 303
    assert lead.post(f"{page}/shifts", data={"halves": ["0-am"]}).status_code == 303
    away = {"first": "2026-11-23", "last": "2026-11-24", "reason": "training"}
    assert lead.post(f"{page}/absences", data={**away, "reason": "ill"}).status_code == 422
    assert lead.post(f"{page}/absences", data=away).status_code == 303
    assert lead.post(f"{page}/absences", data=away).status_code == 422  # the same twice
    text = lead.get(page).get_data(as_text=True)
    assert "今天缺勤" in text and "即将到期" in text and "C-9" in text
    with unit_of_work():
        (absence,) = db.session.scalars(sa.select(Absence))
        (held,) = db.session.scalars(sa.select(EngineerSkill))
        assert [(s.weekday, s.half) for s in db.session.scalars(sa.select(EngineerShift))] == [(0, "am")]
        ids = absence.id, held.id
    assert lead.post(f"{page}/absences/{ids[0]}/end").status_code == 303
    assert lead.post(f"{page}/skills/{ids[1]}/end").status_code == 303
    with unit_of_work():
        assert db.session.scalars(sa.select(Absence.ends_at)).one() == MONDAY
        assert db.session.scalars(sa.select(EngineerSkill.valid_until)).one() == date(2026, 11, 22)
    reader = room.client(room.ground.dispatcher)
    assert reader.get(page).status_code == 200 and reader.get(f"{page}/edit").status_code == 403
    assert reader.post(f"{page}/absences", data=away).status_code == 403


def test_a_lead_of_one_region_keeps_his_own_engineers_only(room):
    with unit_of_work():
        him = engineer()
        away = staff.account(("dispatcher", ["11"], True))
        him_id, away_id = him.id, away.id
    lead = staff.client_of(room.app, away_id)
    assert lead.get(f"/engineers/{him_id}").status_code == 404
    assert lead.post(f"/engineers/{him_id}/shifts", data={"halves": ["0-am"]}).status_code == 404
    with unit_of_work():
        assert db.session.get_one(Engineer, him_id).version == 1


ELEMENTS = {
    "purpose": "上门维修", "term": "一年", "method": "门户查看", "data_kinds": "姓名、电话", "measures": "加密",
    "duties": "见附件", "supervision": "每季检查", "at_the_end": "delete", "assessment_id": "PIA-1",
}  # fmt: skip
DRAFT = {"number": "HT-1", "valid_from": "2026-11-01", "valid_until": "2027-10-31", "may_collect": "y"}


def pdf(data: bytes = b"%PDF-1.7\nsample") -> dict[str, object]:
    return {"file": (io.BytesIO(data), "../../contract.pdf")}


def test_a_contract_opens_nothing_until_its_eight_elements_assessment_and_file_are_there(room, admin):
    place = {"name": "新经销", "role": "entrusted", "provinces": ["31"], "product_lines": ["gastro"], "capacity": "2"}
    assert admin.post("/dealers/new", data={**place, "capacity": "0"}).status_code == 422
    url = admin.post("/dealers/new", data=place).location
    assert admin.post("/dealers/new", data=place).status_code == 422  # the name is taken
    bad = admin.post(f"{url}/contracts/new", data={**DRAFT, "valid_until": "2026-10-01"})
    assert bad.status_code == 422 and "最后一天不能早于第一天" in bad.get_data(as_text=True)
    assert admin.post(f"{url}/contracts/new", data={**DRAFT, **pdf(b"MZ")}).status_code == 422
    page = admin.post(f"{url}/contracts/new", data=DRAFT).location
    refused = admin.post(f"{page}/confirm")
    assert refused.status_code == 422 and "影响评估编号" in refused.get_data(as_text=True)
    assert admin.get(f"{page}/file").status_code == 404
    for name in ELEMENTS:  # each one of them is asked for
        data = {key: value for key, value in ELEMENTS.items() if key != name}
        with unit_of_work():
            version = db.session.scalars(sa.select(DealerContract.version)).one()
        assert admin.post(f"{page}/edit", data={**DRAFT, **data, "version": version, **pdf()}).status_code == 303
        assert admin.post(f"{page}/confirm").status_code == 422, name
    assert admin.post(f"{page}/edit", data={**DRAFT, **ELEMENTS, "version": 1}).status_code == 422  # stale
    with unit_of_work():
        version = db.session.scalars(sa.select(DealerContract.version)).one()
    assert admin.post(f"{page}/edit", data={**DRAFT, **ELEMENTS, "version": version}).status_code == 303
    assert admin.post(f"{page}/confirm").status_code == 303
    assert admin.get(f"{page}/edit").status_code == 409
    file = admin.get(f"{page}/file")
    assert file.data.startswith(b"%PDF") and file.headers["Cache-Control"] == "no-store"
    assert "attachment" in file.headers["Content-Disposition"] and ".." not in file.headers["Content-Disposition"]
    assert "有效" in admin.get(url).get_data(as_text=True)
    reader = staff.signed_in(room.app, "dispatcher")
    assert reader.get(page).status_code == 200 and reader.post(f"{page}/confirm").status_code == 403
    assert staff.signed_in(room.app, "triager").get(page).status_code == 403


def test_revoking_a_contract_asks_first_and_lists_what_it_touched(room, admin):
    with unit_of_work():
        row, firm = room.ground.ticket(), dealer()
        service.offer(room.ground.dispatcher, row.number, Order(row.version, firm.id, MORNING))
        held = db.session.scalars(sa.select(DealerContract)).one()
        number, url = row.number, f"/dealers/contracts/{held.id}"
    assert number in admin.get(f"{url}/end").get_data(as_text=True)
    assert admin.post(f"{url}/end", data={"kind": "revoked", "reason": ""}).status_code == 422
    done = admin.post(f"{url}/end", data={"kind": "revoked", "reason": "leak"})
    assert done.status_code == 200 and number in done.get_data(as_text=True)
    assert admin.post(f"{url}/end", data={"kind": "revoked", "reason": "leak"}).status_code == 409
    text = admin.get(url).get_data(as_text=True)
    assert "已解除" in text and "还没有收到经销商返还或删除" in text
    assert admin.post(f"{url}/deleted").status_code == 303
    assert "还没有收到" not in admin.get(url).get_data(as_text=True)


def test_the_lists_cost_a_fixed_number_of_statements(room, admin):
    def cost(path: str) -> int:
        with counted() as sent:
            assert admin.get(path).status_code == 200
        return len(sent)

    with unit_of_work():
        engineer()
        dealer()
    admin.get("/dealers"), admin.get("/engineers")
    few = cost("/dealers"), cost("/engineers")
    with unit_of_work():
        for n in range(10):
            engineer(f"工程{n}")
            contract(dealer(f"经销{n}"), date(2027, 1, 1))
    assert (cost("/dealers"), cost("/engineers")) == few
    assert "合同有效" in admin.get("/dealers").get_data(as_text=True)
    assert admin.get("/engineers?province=31&skill=scope&name=工程").status_code == 200
    assert admin.get("/dealers?province=31&name=经销&tab=bare").status_code == 200


def test_an_ended_dealer_is_given_nothing_new(room, admin):
    with unit_of_work():
        row, firm = room.ground.ticket(), dealer()
        dealer_user(firm)
        planner("无关")
        number, firm_id = row.number, firm.id
    assert admin.post(f"/dealers/{firm_id}/active", data={"active": "0"}).status_code == 303
    text = room.client(room.ground.dispatcher).get(f"/dispatch/{number}/candidates").get_data(as_text=True)
    assert "这个时间无人可派" in text and "已停用" in text
    with unit_of_work():
        assert db.session.get_one(Dealer, firm_id).version == 2
