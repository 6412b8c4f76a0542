"""Confidential: to everybody but the safety role its pages are not there, and nothing else shows that there is a case."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from app.core import clock, policy
from app.core.db import db
from app.core.outbox import Message
from app.core.policy import Permission
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.staff.roles import ROLES, Role
from app.tickets import service
from tests.factories import staff
from tests.features.safety.desk import WORDS, case, decided, harmed, judged, look, safety_office, url
from tests.features.tickets.pages import Office, Ref
from tests.features.tickets.people import MONDAY
from tests.walk.walk import plain_addresses

OTHERS = [role for role in Role if Permission.SAFETY_WORK not in ROLES[role].permissions | ROLES[role].lead]
ACTS = ("take", "judge", "extend", "decide", "handover", "hold", "lift", "close", "reopen")


@pytest.fixture
def o(app: Portal) -> Iterator[Office]:
    with clock.frozen(MONDAY):
        yield safety_office(app)


def harmed_and_told(o: Office) -> Ref:
    ref = harmed(o)
    assert o.post(f"{ref.url}/harm", {"harm": "yes", "text": WORDS}).status_code == 303
    judged(o, ref, "death")
    return ref


@pytest.mark.parametrize("role", OTHERS)
def test_every_route_of_the_safety_pages_is_not_there_for_this_role(o: Office, role: Role) -> None:
    ref = harmed_and_told(o)
    number = url(o, ref).rsplit("/", 1)[-1]
    client = staff.client_of(o.app, staff.member(o.app, (role.value, None, role.value not in ("auditor", "admin"))).id)
    asked = 0
    for rule in o.app.url_map.iter_rules():
        if not rule.rule.startswith("/safety"):
            continue
        for act in ACTS if "act" in rule.arguments else ("",):
            path = rule.rule.replace("<number>", number)
            path = path if not act else f"/safety/{number}/{act}"
            for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                there = client.open(path, method=method)
                nowhere = client.open("/nowhere", method="GET")
                assert (there.status_code, there.mimetype) == (404, nowhere.mimetype), (method, path)
                page = there.get_data(as_text=True).replace(path, "")  # the links of language hold the address asked
                assert number not in page and "手部灼伤" not in page
                asked += 1
    assert asked >= 5 + len(ACTS) - 1


def test_every_rule_of_the_safety_pages_is_marked_hidden(app: Portal) -> None:
    marks = [policy.mark_of(app, r.endpoint) for r in app.url_map.iter_rules() if r.rule.startswith("/safety")]
    assert len(marks) >= 5
    assert all(mark is not None and mark.hidden and mark.permission is Permission.SAFETY_WORK for mark in marks)


def test_an_officer_of_another_province_sees_nothing_either(o: Office) -> None:
    ref = harmed_and_told(o)
    page = o.get("/safety?tab=all", "guangdong")
    assert "SAF-" not in page
    assert o.client("guangdong").get(url(o, ref)).status_code == 404
    assert o.post(f"{url(o, ref)}/extend", {"version": "1", "text": "x"}, "guangdong").status_code == 404


@pytest.mark.parametrize("role", OTHERS)
def test_no_page_list_count_export_or_search_of_this_role_shows_a_trace(o: Office, role: Role) -> None:
    ref = harmed_and_told(o)
    found = case(o, ref)
    assert found is not None
    lead = role not in (Role.AUDITOR, Role.ADMIN)
    client = staff.client_of(o.app, staff.member(o.app, (role.value, None, lead)).id)
    paths = [
        *(path for path in plain_addresses(o.app) if not path.startswith("/safety")),
        "/tickets?tab=all",
        f"/tickets?q={ref.number}",
        "/audit?event=ticket",
    ]
    paths += [f"{ref.url}{end}" for end in ("", "/drawer", "/clocks", "/files", "/triage", "/print", "/harm")]
    read = 0
    for path in paths:
        answer = client.get(path)
        read += answer.status_code == 200
        page = answer.get_data().decode(errors="replace")  # a template of an import is a workbook
        for trace in ("SAF-", "手部灼伤", found.number, 'href="/safety'):
            assert trace not in page, (path, trace)
        if path.startswith(ref.url) and path != f"{ref.url}/harm":
            assert "不良事件" not in page, path
    assert read >= 3
    assert "SAF-" not in client.post("/ui/palette", data={"q": "SAF-2026"}).get_data(as_text=True)
    if ROLES[role].lead & {Permission.TICKETS_EXPORT}:
        file = client.post("/lists/tickets/export", data={"query": "tab=all", "format": "csv", "columns": "all"})
        assert file.status_code == 200 and ref.number in file.get_data(as_text=True)
        assert "SAF-" not in file.get_data(as_text=True)


def test_messages_and_their_page_name_neither_case_nor_ticket(o: Office) -> None:
    ref = harmed_and_told(o)
    o.people["admin"] = staff.member(o.app, "admin")
    with o.app.app_context(), unit_of_work(write=False):
        ids = db.session.scalars(sa.select(Message.id).where(Message.template.startswith("restricted"))).all()
    assert ids
    for path in ("/notifications", *(f"/notifications/{one}" for one in ids)):
        page = o.get(path, "admin")
        for trace in ("SAF-", ref.number, "不良事件", "安全"):
            assert trace not in page.split("<main")[1], (path, trace)


def test_the_auditor_sees_that_somebody_acted_and_not_on_which_ticket(o: Office) -> None:
    ref = harmed_and_told(o)
    look(o, ref)
    o.people["auditor"] = staff.member(o.app, "auditor")
    page = o.get("/audit?event=safety_case", "auditor")
    assert "safety_case.opened" in page and "safety_case.viewed" in page
    for trace in ("SAF-", ref.number, str(ref.id)):
        assert trace not in page


@pytest.mark.parametrize("who", ["triager", "lead"])
def test_a_held_ticket_says_no_more_than_that_it_may_not_end(o: Office, who: str) -> None:
    ref = harmed(o)
    other = o.report("另一处故障")
    page = o.get(ref.url, who)
    assert "暂缓结束" in page and "不良事件" not in page
    tries = {"merge": {"target": other.number, "reason": "same_fault", "version": o.read(ref).version}}
    if who == "lead":
        tries["cancel"] = {"reason": "customer_wish"}
    for name, data in tries.items():
        answer = o.post(f"{ref.url}/act/{name}", data, who)
        words = answer.get_data(as_text=True)
        assert answer.status_code == 409, name
        assert "这张工单暂缓结束，解除之前不能这样处理。" in words and "不良事件" not in words
    answer = o.post(f"{other.url}/act/merge", {**tries["merge"], "target": ref.number, "version": 1}, who)
    assert answer.status_code == 409 and "那张工单暂缓结束" in answer.get_data(as_text=True)


def test_lifted_the_ticket_may_end_again(o: Office) -> None:
    ref = harmed(o)
    judged(o, ref, "other")
    decided(o, ref, "no")
    o.clients.clear()
    row = case(o, ref)
    assert row is not None
    assert o.post(f"/safety/{row.number}/lift", {"version": row.version}, "officer").status_code == 303
    assert o.post(f"{ref.url}/act/cancel", {"reason": "customer_wish"}, "lead").status_code == 303


def test_photos_of_an_ended_ticket_open_for_the_safety_role_while_its_case_is_open(o: Office) -> None:
    from app.tickets.viewing import why_open

    ref = harmed(o)
    judged(o, ref, "other")
    decided(o, ref, "no")
    with o.work():
        row = service.locked(ref.id)
        assert why_open(o.people["officer"], row, clock.now()) == "restricted"
        assert why_open(o.people["guangdong"], row, clock.now()) is None
        assert why_open(o.people["reader"], row, clock.now()) is None
    o.clients.clear()
    row = case(o, ref)
    assert row is not None
    data = {"version": row.version, "outcome": "not_reportable", "text": "与器械无关"}
    assert o.post(f"/safety/{row.number}/close", data, "officer").status_code == 303
    with o.work():
        assert why_open(o.people["officer"], service.locked(ref.id), clock.now()) is None
