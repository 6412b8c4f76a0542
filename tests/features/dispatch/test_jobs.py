"""`/jobs` as engineers and dealers use it: answer, arrive, finish, and what comes between; each act once."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import pytest
import sqlalchemy as sa
from PIL import Image

from app.core import clock
from app.core.db import db, new_id
from app.core.policy import Actor
from app.core.unit_of_work import unit_of_work
from app.dispatch import service
from app.dispatch.models import Dispatch, DispatchState, Engineer, JobReceipt, Visit
from app.dispatch.service import Order
from app.dispatch.service.follow import revive_due
from app.tickets import service as tickets
from app.tickets.models import CustodyLeg, PartLine, RepairRecord, SheetRow, TicketEvent, TicketFile
from app.tickets.service import field
from tests.factories import staff
from tests.features.dispatch.people import MONDAY, dealer, dealer_user, engineer, ground, ticket_of
from tests.features.dispatch.test_offers import MORNING, counted

PASSED = {f"{key}-passed": "yes" for key in ("leak", "image", "angulation", "channels", "function", "outside")}
LEFT = {"explained-passed": "yes", "cleared-passed": "yes"}
TYPED = {"signer": "王主任", "unsigned": "gloves"}
DONE = {"fault": "插入部破损", "action": "更换弯曲橡皮", **PASSED, **LEFT, **TYPED}


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "white").save(buffer, "PNG")
    return buffer.getvalue()


def photo() -> dict[str, object]:
    return {"photos": (io.BytesIO(png()), "a.png")}


def token() -> str:
    return new_id().hex


@dataclass
class Job:
    """A ticket offered to an engineer, or to a dealer's user; the clock stands at Monday nine."""

    app: object
    ground: object
    who: Actor
    number: str
    ticket_id: object
    dispatch_id: object

    @cached_property
    def client(self):
        return staff.client_of(self.app, self.who.id)

    @property
    def url(self) -> str:
        return f"/jobs/{self.number}"

    def send(self, act: str, form_token: str | None = None, **data: object):
        return self.client.post(f"{self.url}/{act}", data={"token": form_token or token(), **data})

    def text(self) -> str:
        return self.client.get(self.url).get_data(as_text=True)

    @property
    def status(self) -> str:
        with unit_of_work(write=False):
            return ticket_of(self.ticket_id).status

    def visits(self) -> list[Visit]:
        with unit_of_work(write=False):
            found = db.session.scalars(sa.select(Visit).where(Visit.dispatch_id == self.dispatch_id).order_by(Visit.n))
            return [db.session.merge(one, load=False) for one in found]

    def dispatch(self) -> Dispatch:
        with unit_of_work(write=False):
            return db.session.get_one(Dispatch, self.dispatch_id)

    def on_site(self) -> Job:
        assert self.send("accept").status_code == 303
        assert self.send("arrive", reason="plate_unreadable").status_code == 303
        return self


def offered(app, made, who: Actor, assignee_id, **triage: object) -> Job:
    row = made.ticket(**triage)
    offer = service.offer(
        made.dispatcher, row.number, Order(row.version, assignee_id, MORNING, override_reason="same_trip")
    )
    return Job(app, made, who, row.number, row.id, offer.id)


@pytest.fixture
def job(at_work) -> Job:
    with unit_of_work():
        made, him = ground(), engineer()
        found = offered(at_work, made, him, him.id)
    return found


@pytest.fixture
def dealers_job(at_work) -> Job:
    with unit_of_work():
        made, firm = ground(), dealer(may_repair=True, may_collect=True)
        found = offered(at_work, made, dealer_user(firm), firm.id)
    return found


def rows(model, **where: object) -> int:
    with unit_of_work(write=False):
        query = sa.select(sa.func.count()).select_from(model).filter_by(**where)
        return db.session.scalar(query)


def test_an_engineer_takes_a_job_from_the_offer_to_resolved_and_the_visit_has_its_outcome(job):
    listed = job.client.get("/jobs").get_data(as_text=True)
    assert "待您答复" in listed and job.number in listed
    assert "按此时间接单" in job.text()
    assert job.send("accept").location.endswith(job.url)
    text = job.text()
    assert "拨打" in text and "tel:+86" in text and "021-5550" in text and "扫序列号，确认到达" in text
    assert job.send("arrive", reason="plate_unreadable").status_code == 303
    assert job.send("photos", **photo()).status_code == 303
    answer = job.send("finish", **DONE)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    assert job.status == "resolved"
    [visit] = job.visits()
    assert (visit.outcome, visit.arrived_at, visit.ended_at) == ("fixed", MONDAY, MONDAY)
    assert job.dispatch().state == DispatchState.DONE
    with unit_of_work(write=False):
        him = db.session.get_one(Engineer, job.who.id)
        assert (him.visits_done, him.visits_fixed) == (1, 1)
        record = db.session.scalars(sa.select(RepairRecord)).one()
        assert (record.fault, record.repairer_name) == ("插入部破损", "工程甲")
    assert rows(SheetRow, ticket_id=job.ticket_id) == len(PASSED) + len(LEFT)


def test_the_phone_sending_arrived_three_times_is_one_event_and_says_when_it_was_saved(job):
    job.send("accept")
    same = token()
    assert job.send("arrive", same, reason="in_use").status_code == 303
    with clock.frozen(MONDAY + timedelta(minutes=7)):
        assert job.send("arrive", same, reason="in_use").status_code == 303
        assert "11-23 09:00 已保存过“到达已记录”，这次没有重复" in job.text()
        job.send("arrive", reason="in_use")  # the page was loaded anew in between: another form, the same act
        assert "11-23 09:00 已保存过“到达已记录”" in job.text()
    assert rows(TicketEvent, ticket_id=job.ticket_id, action="arrive_on_site") == 1
    assert [one.arrived_at for one in job.visits()] == [MONDAY]
    assert rows(JobReceipt, action="arrive") == 1


def test_an_act_sent_twice_is_done_once_and_a_token_is_good_for_one_act(job):
    same = token()
    for _time in range(2):
        assert job.send("accept", same).status_code == 303
    assert len(job.visits()) == 1
    assert rows(TicketEvent, ticket_id=job.ticket_id, action="accept_offer") == 1
    used = job.send("arrive", same, reason="in_use")
    assert used.status_code == 303 and "已保存过“已接单”" in job.text() and job.status == "scheduled"
    shot = token()
    for _time in range(3):
        assert job.send("photos", shot, **photo()).status_code == 303
    assert rows(TicketFile, ticket_id=job.ticket_id) == 1
    nonsense = job.send("photos", "DROP TABLE", **photo())
    assert nonsense.status_code == 303 and rows(TicketFile, ticket_id=job.ticket_id) == 2


def test_decline_asks_for_a_reason_and_the_ticket_is_gone_from_the_list(job):
    assert "请选择原因" in job.send("decline").get_data(as_text=True)
    assert job.send("decline", reason="because").status_code == 422
    same = token()
    for _time in range(2):
        answer = job.send("decline", same, reason="too_far")
        assert answer.status_code == 303 and answer.location.endswith("/jobs")
    assert job.status == "to_dispatch"
    assert job.client.get(job.url).status_code == 404
    assert job.number not in job.client.get("/jobs").get_data(as_text=True).split("jb-stack")[1].split("toast")[0]


def test_accept_after_the_time_to_answer_is_refused_and_told_on_the_list(job):
    with clock.frozen(MONDAY + timedelta(hours=6)):
        assert job.client.get(job.url).status_code == 404
        answer = job.send("accept")
        text = answer.get_data(as_text=True)
        assert answer.status_code == 409 and "接单时间已过，已退回调度" in text and "我的任务" in text
        assert job.send("decline", reason="too_far").status_code == 409
        assert job.status == "to_dispatch" or job.dispatch().state in (DispatchState.EXPIRED, DispatchState.OFFERED)


def test_arriving_at_another_device_asks_for_a_reason(job):
    with unit_of_work():
        ticket_of(job.ticket_id).serial_number = "7654321"
    job.send("accept")
    assert job.send("arrive").status_code == 422
    wrong = job.send("arrive", serial="1111111")
    assert wrong.status_code == 422 and "与工单上的序列号不一致" in wrong.get_data(as_text=True)
    assert "1111111" in wrong.get_data(as_text=True)
    assert job.send("arrive", serial="1" * 41).status_code == 422
    assert job.send("arrive", reason="no_such_reason").status_code == 422
    assert job.status == "scheduled"
    assert job.send("arrive", serial=" 76-54321 ".replace("-", "")).status_code == 303
    assert job.status == "on_site"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"leak-passed": "no"}, "必做的检验没有全部合格"),
        ({"image-passed": ""}, "必做的检验没有全部合格"),
        ({"explained-passed": ""}, "必做的检验没有全部合格"),
        ({"leak-gauge": "Q-1", "leak-until": "2026-11-22"}, "量具已过校准期"),
        ({"leak-gauge": "Q" * 41}, "内容太长"),
        ({"fault": " "}, "请写明查到的故障"),
        ({"fault": "字" * 1001}, "最多 1000 个字"),
        ({"signer": ""}, "请填写签收人"),
        ({"signer": "", "unsigned": ""}, "请让科室签字"),
        ({"unsigned": "lazy"}, "请选择不能手写的原因"),
        ({"signer": "王" * 41}, "最多 40 个字"),
        ({"signature": "data:image/png;base64,####"}, "请重新签"),
        ({"signature": "javascript:alert(1)"}, "请重新签"),
        ({"part_number": "P-1", "part_name": ""}, "编号和名称都要填"),
        ({"part_number": "P-1", "part_name": "按钮", "part_quantity": "many"}, "数量为 1 到 999"),
    ],
)
def test_finishing_says_what_is_missing_and_keeps_what_was_typed(job, change, said):
    job.on_site()
    job.send("photos", **photo())
    answer = job.send("finish", **DONE | change)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and said in text, text
    assert "更换弯曲橡皮" in text and job.status == "on_site"
    assert rows(RepairRecord) == 0 and rows(PartLine) == 0


def test_finishing_without_a_photo_of_this_visit_is_refused(job):
    answer = job.on_site().send("finish", **DONE)
    assert answer.status_code == 422 and "请先拍下处理后的样子" in answer.get_data(as_text=True)


def test_a_signature_is_an_encrypted_file_and_a_typed_name_lies_sealed_in_the_note(job):
    job.on_site()
    job.send("photos", **photo())
    drawn = "data:image/png;base64," + base64.b64encode(png()).decode()
    assert job.send("finish", **DONE | {"signature": drawn, "signer": "", "unsigned": ""}).status_code == 303
    assert rows(TicketFile, ticket_id=job.ticket_id, kind="signature") == 1
    with unit_of_work():
        tickets.record_objection(job.ground.desk.triager, job.ticket_id, "还是漏")
    assert revive_once() == 1
    assert job.send("arrive", reason="in_use").status_code == 303
    job.send("photos", **photo())
    assert job.send("finish", **DONE).status_code == 303
    with unit_of_work(write=False):
        event = db.session.scalars(
            sa.select(TicketEvent).where(TicketEvent.ticket_id == job.ticket_id).order_by(TicketEvent.version.desc())
        ).first()
        assert event.note == "签收人：王主任（戴手套，不便手写）"
        assert "王主任".encode() not in event.note_sealed


def revive_once() -> int:
    with unit_of_work():
        return revive_due()


def test_an_objection_gives_the_job_back_to_whoever_did_it_with_another_visit(job):
    job.on_site()
    job.send("photos", **photo())
    job.send("finish", **DONE)
    with unit_of_work():
        tickets.record_objection(job.ground.desk.triager, job.ticket_id, "还是漏")
    assert revive_once() == 1 and revive_once() == 0
    assert job.dispatch().state == DispatchState.ACCEPTED
    assert [(one.outcome, one.window_from) for one in job.visits()] == [("fixed", MONDAY.replace(day=24)), ("", None)]
    assert "先打电话约时间" in job.text()
    answer = job.send("move", first="1", day="2026-11-25", half="am")
    assert answer.status_code == 303, answer.get_data(as_text=True)
    with unit_of_work(write=False):
        assert ticket_of(job.ticket_id).reschedules == 0  # the first appointment is no change of it


def test_a_visit_is_moved_with_reason_and_who_told_the_department(job):
    job.send("accept")
    for data in ({}, {"day": "2026-11-25", "half": "am"}, {"day": "soon", "half": "am", "reason": "delayed"},
                 {"day": "2026-11-20", "half": "am", "reason": "delayed", "told_by": "assignee"}):  # fmt: skip
        assert job.send("move", **data).status_code == 422, data
    wanted = {"day": "2026-11-25", "half": "pm", "reason": "site_closed", "told_by": "assignee"}
    assert job.send("move", **wanted).status_code == 303
    assert "11-25 13:30–18:00" in job.text()


def test_not_to_be_repaired_today_names_what_is_needed_and_ends_the_visit(job):
    job.on_site()
    for data in ({}, {"then": "other", "reason": "needs_skill"}, {"then": "other", "missing": "光源"},
                 {"then": "again", "reason": "needs_skill", "missing": "光源"},
                 {"then": "x", "reason": "needs_skill", "missing": "光源"},
                 {"then": "other", "reason": "needs_skill", "missing": "字" * 201}):  # fmt: skip
        assert job.send("stuck", **data).status_code == 422, data
    again = {"then": "again", "reason": "needs_tool", "missing": "压力表", "day": "2026-11-25", "half": "am"}
    assert job.send("stuck", **again).status_code == 303
    assert [one.outcome for one in job.visits()] == ["incomplete", ""]
    assert job.status == "scheduled"
    job.send("arrive", reason="in_use")
    other = job.send("stuck", then="other", reason="needs_skill", missing="光源证书")
    assert other.status_code == 303 and other.location.endswith("/jobs")
    assert job.status == "to_dispatch" and job.client.get(job.url).status_code == 404
    assert [one.outcome for one in job.visits()] == ["incomplete", "incomplete"]
    with unit_of_work(write=False):
        him = db.session.get_one(Engineer, job.who.id)
        assert (him.visits_done, him.visits_fixed) == (2, 0)


def test_parts_end_the_visit_and_are_accounted_for_when_the_next_one_is_finished(job):
    job.on_site()
    assert job.send("parts").status_code == 422
    lines = {"part_number": "P-9", "part_name": "按钮", "part_quantity": "2", "part_eta": "2026-11-24"}
    assert job.send("parts", **lines | {"part_eta": "2026-11-01"}).status_code == 422
    same = token()
    for _time in range(2):
        assert job.send("parts", same, **lines).status_code == 303
    assert job.status == "wait_parts" and rows(PartLine, ticket_id=job.ticket_id) == 1
    with unit_of_work():
        field.resume_visit(job.ground.dispatcher, job.ticket_id, None, call_first=True)
    assert job.send("arrive", reason="in_use").status_code == 303
    assert [one.outcome for one in job.visits()] == ["parts", ""]
    job.send("photos", **photo())
    refused = job.send("finish", **DONE)
    assert refused.status_code == 422 and "请写明备件的去向：按钮" in refused.get_data(as_text=True)
    with unit_of_work(write=False):
        line_id = db.session.scalar(sa.select(PartLine.id))
    more = {f"part-{line_id}": "used", "part_number": "S-1", "part_name": "密封圈", "part_quantity": "3"}
    assert job.send("finish", **DONE | more).status_code == 303
    with unit_of_work(write=False):
        states = db.session.execute(sa.select(PartLine.name, PartLine.state, PartLine.quantity)).all()
    assert sorted(tuple(one) for one in states) == [("密封圈", "used", 3), ("按钮", "used", 2)]


def test_collecting_needs_serial_declaration_seal_and_signature(at_work):
    with unit_of_work():
        made, him = ground(), engineer()
        job = offered(at_work, made, him, him.id, service_mode="collect")
    with unit_of_work():
        ticket_of(job.ticket_id).serial_number = "7654321"
    job.send("accept")
    whole = {"serial": "7654321", "decontaminated": "y", "seal": "F-1", "accessories": "送水阀", **TYPED}
    assert "取件返厂" in job.text()
    for without in ({"serial": "1"}, {"decontaminated": ""}, {"seal": ""}, {"signer": "", "unsigned": ""},
                    {"accessories": "字" * 201}):  # fmt: skip
        answer = job.send("collect", **{key: value for key, value in (whole | without).items() if value})
        assert answer.status_code == 422, without
    assert rows(CustodyLeg) == 0
    same = token()
    for _time in range(2):
        assert job.send("collect", same, **whole).status_code == 303
    assert job.status == "collecting" and rows(CustodyLeg) == 1
    assert [one.outcome for one in job.visits()] == ["collected"]
    with unit_of_work(write=False):
        assert db.session.get_one(Engineer, job.who.id).visits_done == 0  # nothing was to be repaired there


def test_the_list_costs_the_same_whatever_the_number_of_jobs(job):
    def cost() -> int:
        with counted() as statements:
            assert job.client.get("/jobs").status_code == 200
        return len(statements)

    cost()
    first = cost()
    with unit_of_work():
        for hour in range(4):
            row = job.ground.ticket()
            with clock.frozen(MONDAY + timedelta(minutes=hour)):
                late = Order(row.version, engineer(f"工程{hour}").id, MORNING, override_reason="same_trip")
                made = service.offer(job.ground.dispatcher, row.number, late)
            made.assignee_id = row.assignee_id = job.who.id
    assert cost() == first
    assert job.client.get("/jobs").get_data(as_text=True).count("jb-card--offer") == 5


def test_today_leads_to_the_job_and_the_palette_finds_it(job):
    text = job.client.get("/").get_data(as_text=True)
    assert job.url in text and "上门任务" in text
    found = job.client.post("/ui/palette", data={"q": job.number[-4:]})
    assert found.status_code == 200 and job.url in found.get_data(as_text=True)
