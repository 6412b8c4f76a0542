"""Department access through the mini program: asked for, used, gone at the next call; what is not yours is 404."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.customers.models import Customer, CustomerToken
from app.grants import service
from app.grants.models import Grant, GrantUse
from app.tickets.models import Ticket
from tests.api.phone import Phone
from tests.features.grants import world

OTHER = "+8613800000002"


@pytest.fixture
def at(work):
    with work():
        return world.place()


@pytest.fixture
def who(work, at, phone):
    """Signed in, with an approved registration as a head nurse seen on the badge."""
    phone.ready()
    with work():
        row = db.session.scalars(sa.select(Customer)).one()
        world.approve(row, at, "内镜中心", since=clock.now() - timedelta(days=60))
    return phone


def me(phone: Phone) -> Customer:
    return db.session.scalars(sa.select(Customer).where(Customer.phone.matches("+8613800000001"))).one()


def grant(work, at, phone, *wards, **kw) -> str:
    with work():
        actor = world.Actor("customer", id=me(phone).id)
        return world.granted(at, actor, *wards, **kw).number


def numbers(answer) -> list[str]:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [item["number"] for item in answer.json["items"]]


def test_a_person_asks_and_sees_the_request(who, at, work):
    body = {"departments": [str(at.wards["消化内科"])], "reason": "我统一负责报修"}
    answer = who.post("/grants", body)
    assert answer.status_code == 201
    assert (answer.json["status"], answer.json["lookback_months"]) == ("requested", None)
    assert [d["name"] for d in answer.json["departments"]] == ["消化内科"]
    assert who.get("/grants").json["items"][0]["reason"] == "我统一负责报修"
    again = who.post("/grants", body)
    assert (again.status_code, again.json["code"]) == (409, "request_open")
    with work():
        row = db.session.scalars(sa.select(Grant)).one()
        service.approve(world.granter(), row.id, row.version, world.terms(at, "消化内科"))
    assert who.get("/grants").json["items"][0]["status"] == "active"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"departments": []}, 422, "invalid"),
        ({"departments": ["x"]}, 422, "invalid"),
        ({"departments": ["00000000-0000-7000-8000-000000000000"]}, 422, "department_unknown"),
        ({"reason": " "}, 422, "invalid"),
        ({"reason": "长" * 501}, 422, "invalid"),
        ({"hospital_id": "1"}, 422, "invalid"),
    ],
)
def test_bad_requests_are_refused_by_field(who, at, change, status, code):
    body = {"departments": [str(at.wards["消化内科"])], "reason": "统一报修", **change}
    answer = who.post("/grants", body)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert who.get("/grants").json["items"] == []


def test_a_department_of_another_hospital_and_a_person_without_registration(who, at, work, app, contract):
    with work():
        far = world.place("西川示范医院", "51")
    answer = who.post("/grants", {"departments": [str(far.wards["内镜中心"])], "reason": "统一报修"})
    assert (answer.status_code, answer.json["code"]) == (422, "department_of_another_hospital")
    stranger = Phone(app, contract).ready(OTHER)
    answer = stranger.post("/grants", {"departments": [str(at.wards["消化内科"])], "reason": "统一报修"})
    assert (answer.status_code, answer.json["code"]) == (422, "registration_not_approved")


def test_c09_department_a_not_b_through_every_call_and_gone_on_the_next_one(who, at, work):
    with work():
        person = world.Actor("customer", id=me(who).id)
        own = world.ticket(at, "内镜中心", by=person, fault="图像偏红").number
        a, b = world.ticket(at, "消化内科", fault="插入部漏水").number, world.ticket(at, "手术室").number
    assert who.get("/tickets?scope=department").json["code"] == "no_department_scope"
    assert who.get("/tickets/count?scope=department").status_code == 403
    assert who.get("/tickets/export?scope=department").status_code == 403
    assert who.get(f"/tickets/{a}").status_code == 404
    grant(work, at, who, "消化内科")
    assert numbers(who.get("/tickets?scope=department")) == [a]
    assert sorted(numbers(who.get("/tickets"))) == sorted([own, a])
    assert numbers(who.get("/tickets?scope=mine")) == [own]
    assert numbers(who.get("/tickets?q=漏水")) == [a]
    assert numbers(who.get("/tickets?q=偏红&scope=mine")) == [own]
    assert who.get("/tickets/count").json["count"] == 2
    assert sorted(numbers(who.get("/tickets/export"))) == sorted([own, a])
    assert who.get(f"/tickets/{b}").status_code == 404
    with work():
        row = db.session.scalars(sa.select(Grant)).one()
        service.revoke(world.granter(), row.id, row.version, "已调岗")
    assert who.get(f"/tickets/{a}").status_code == 404
    assert numbers(who.get("/tickets")) == [own]
    assert who.get("/tickets?scope=department").status_code == 403
    assert who.get("/grants").json["items"][0]["status"] == "revoked"


def test_of_others_tickets_device_fault_status_and_timeline_open_and_no_contact(who, at, work):
    with work():
        colleague = world.person(at, "消化内科", phone="13777770001")
        number = world.ticket(at, "消化内科", by=colleague).number
    grant(work, at, who, "消化内科")
    answer = who.get(f"/tickets/{number}")
    assert answer.status_code == 200
    assert answer.json["fault"] == "插入部漏水"
    assert (answer.json["device_model"], answer.json["mine"]) == ("CV-290", False)
    assert [step["status"] for step in answer.json["timeline"]] == ["submitted", "closed"]
    assert set(answer.json) == {
        "number", "status", "opened_at", "closed_at", "hospital", "department", "device_department", "device_model",
        "serial_number", "fault", "mine", "timeline", "engineer", "quote", "merged_into",
    }  # fmt: skip
    assert answer.json["quote"] is None
    text = answer.get_data(as_text=True)
    assert "13777770001" not in text and "冯虚构" not in text


def test_pages_follow_one_another_without_gap_or_repeat(who, at, work):
    with work():
        person = world.Actor("customer", id=me(who).id)
        for n in range(7):
            world.ticket(at, "内镜中心", by=person if n % 2 else None, ago=timedelta(days=n + 1))
    grant(work, at, who, "内镜中心")
    whole = numbers(who.get("/tickets"))
    assert len(whole) == 7
    seen, cursor = [], ""
    while True:
        answer = who.get(f"/tickets?limit=3{cursor}")
        seen += numbers(answer)
        if answer.json["next_cursor"] is None:
            break
        cursor = f"&cursor={answer.json['next_cursor']}"
    assert seen == whole


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?scope=hospital", "invalid"), ("?limit=0", "invalid"), ("?limit=101", "invalid"), ("?limit=x", "invalid"),
        ("?cursor=abc", "cursor_invalid"), ("?q=漏", "query_too_short"), ("?q=%20%20", "query_too_short"),
        ("?q=!!", "query_too_short"), ("?customer=1", "invalid"), ("?scope=mine&scope=mine", "invalid"),
    ],
)  # fmt: skip
def test_odd_queries_are_refused(who, query, code):
    answer = who.get("/tickets" + query)
    assert (answer.status_code, answer.json["code"]) == (422, code)


def test_what_was_read_leaves_evidence_with_the_grant_that_opened_it(who, at, work):
    with work():
        person = world.Actor("customer", id=me(who).id)
        world.ticket(at, "内镜中心", by=person)
        theirs = [world.ticket(at, "消化内科", ago=timedelta(days=d)).number for d in (3, 4)]
    grant(work, at, who, "消化内科")
    who.get("/tickets"), who.get(f"/tickets/{theirs[0]}"), who.get("/tickets/export?scope=department")
    who.get("/tickets?scope=mine"), who.get("/tickets/count")
    with work():
        rows = db.session.execute(sa.select(GrantUse.kind, GrantUse.rows).order_by(GrantUse.at)).all()
        assert [tuple(row) for row in rows] == [("listed", 2), ("opened", 1), ("exported", 2)]


def test_an_ended_token_reads_nothing(who, at, work):
    with work():
        db.session.execute(sa.update(CustomerToken).values(ended_at=clock.now()))
    for path in ("/tickets", "/tickets/count", "/tickets/export", "/tickets/TKT-20261123-0001", "/grants"):
        assert who.get(path).status_code == 401


def test_ids_of_others_in_every_address(who, at, work, app, contract):
    """Another person's ticket and grant are not there, whatever the id."""
    with work():
        other = world.person(at, "手术室")
        number = world.ticket(at, "手术室", by=other).number
        world.granted(at, other, "妇科")
        ids = [str(row) for row in db.session.scalars(sa.select(Ticket.id))]
    assert who.get("/grants").json["items"] == []
    for odd in (number, ids[0], number.lower(), "TKT-", "..", "%00", "'"):
        assert who.get(f"/tickets/{odd}").status_code == 404, odd
    assert who.get("/tickets?q=TKT-").json["items"] == []


def test_the_lists_cost_a_fixed_number_of_statements(who, at, work, app):
    from sqlalchemy import event

    with work():
        for n in range(30):
            world.ticket(at, "消化内科", ago=timedelta(days=n + 1))
    grant(work, at, who, "消化内科")
    seen: list[str] = []
    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", lambda _c, _u, text, *_a: seen.append(text))
    assert len(numbers(who.get("/tickets?limit=30"))) == 30
    reads = [text for text in seen if text.lstrip().startswith(("SELECT", "WITH"))]
    # token, business numbers, the rows, the grant that opened them; keys of the texts come from the key store
    assert len(reads) <= 4, reads
