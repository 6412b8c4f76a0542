"""The worklist: its views, its filters, what it costs, and acts on many rows."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.web import Portal
from app.tickets import service
from app.tickets.models import Ticket, TicketContact, fault_tokens
from app.tickets.service import Seen
from app.tickets.workflow import Status
from tests.features.tickets.pages import Office, office
from tests.features.tickets.people import DAY, MONDAY

HTMX = {"HX-Request": "true"}


@pytest.fixture
def o(app: Portal) -> Iterator[Office]:
    with clock.frozen(MONDAY):
        yield office(app)


def test_a_report_stands_in_the_list_and_opens_its_page_and_drawer(o: Office) -> None:
    row = o.report(serial="1234567", device_model="GIF-H290")
    page = o.get("/tickets")
    assert row.number in page
    assert "GIF-H290 · 1234567" in page
    assert "待受理" in page
    opened = o.get(f"/tickets/{row.number}")
    assert "插入部漏水" in opened
    assert "等人接手分诊" in opened
    drawer = o.get(f"/tickets/{row.number}/drawer", headers=HTMX)
    assert "插入部漏水" in drawer


def test_each_view_holds_its_own(o: Office) -> None:
    waiting, mine, theirs = o.report("甲"), o.claimed(fault="乙"), o.claimed("colleague", fault="丙")
    with o.work():
        service.ask(o.people["colleague"], theirs.id, Seen(2), ["serial_number"], "")
    seen = {
        tab: {r.number for r in (waiting, mine, theirs) if r.number in o.get(f"/tickets?tab={tab}")}
        for tab in ("triage", "mine", "late", "waiting", "open", "closed", "all")
    }
    everything = {waiting.number, mine.number, theirs.number}
    assert seen["triage"] == {waiting.number, mine.number}
    assert seen["mine"] == {mine.number}
    assert seen["waiting"] == {theirs.number}
    assert seen["open"] == seen["all"] == everything
    assert seen["late"] == seen["closed"] == set()
    o.clients.clear()  # nobody stays signed in for so long
    with clock.frozen(MONDAY + 2 * DAY):
        late = o.get("/tickets?tab=late")
        assert waiting.number in late
        assert theirs.number not in late


def test_17_two_character_words_find_the_ticket(o: Office) -> None:
    leak, scope = o.report("插入部漏水，测漏不通过"), o.report("胃镜图像偏红")
    for word, hit, miss in (("漏水", leak, scope), ("胃镜", scope, leak), (leak.number, leak, scope)):
        page = o.get("/tickets", query_string={"q": word, "tab": "all"})
        assert hit.number in page, word
        assert miss.number not in page.split("<tbody")[1], word
    assert "没有符合条件的内容" in o.get("/tickets", query_string={"q": "水漏", "tab": "all"})


def test_17_phone_search_works_by_the_last_four_digits_of_reporter_and_contact(o: Office) -> None:
    mine = o.report("甲")
    with o.work():
        from app.customers.models import Customer

        tail = str(db.session.get_one(Customer, o.customer.id).phone)[-4:]
        other = service.record_ticket(o.story.applicant(), service.Intake(o.story.hospital_id, "乙"))
        contact = TicketContact(ticket_id=other.id, subject_id=other.subject_id, is_reporter=False)
        db.session.add(contact)
        db.session.flush()
        contact.phone = "+8613900008642"
        number = other.number
    found = o.get("/tickets", query_string={"phone": tail}).split("<tbody")[1]
    assert mine.number in found
    assert number not in found
    assert number in o.get("/tickets", query_string={"phone": "8642"})
    assert number in o.get("/tickets", query_string={"phone": "139 0000 8642"})


def test_filters_by_hospital_serial_priority_status_and_province(o: Office) -> None:
    row = o.claimed(serial="7654321")
    o.complete(row, serial_number="7654321", no_serial_reason="")
    for query in (
        {"hospital": "示范"},
        {"serial": "76543"},
        {"priority": "p3"},
        {"status": "triaging"},
        {"province": "31"},
    ):
        assert row.number in o.get("/tickets", query_string={"tab": "all", **query}), query
    for query in ({"hospital": "没有"}, {"serial": "9"}, {"priority": "p1"}, {"status": "closed"}, {"priority": "x"}):
        assert row.number not in o.get("/tickets", query_string={"tab": "all", **query}), query


def test_another_region_and_no_right_see_nothing(o: Office) -> None:
    row = o.report()
    assert row.number not in o.get("/tickets?tab=all", who="shanghai")
    for path in (row.url, f"{row.url}/drawer"):
        assert o.client("shanghai").get(path).status_code == 404
    o.get(row.url, who="reader")


def test_the_list_costs_a_fixed_number_of_statements(o: Office) -> None:
    o.report()
    o.get("/tickets")
    with o.statements() as few:
        o.get("/tickets")
    for n in range(30):
        o.report(f"漏水 {n}")
    with o.statements() as many:
        o.get("/tickets")
    assert len(many) == len(few)
    assert len(many) <= 5, many


@pytest.mark.parametrize(
    "args",
    [{}, {"tab": "open"}, {"tab": "mine"}, {"tab": "closed"}, {"tab": "all"}, {"serial": "76"}, {"phone": "8642"}],
)
def test_every_view_reads_an_index(o: Office, args: dict[str, str]) -> None:
    """No view and no filter walks the table of tickets."""
    o.report()
    with o.statements() as sent:
        o.get("/tickets", query_string=args)
    select, values = next(found for found in sent if "AS _sort" in found[0])
    with o.work():
        lite = db.engine.dialect.name == "sqlite"
        if not lite:  # on so few rows it would walk the table by choice
            db.session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        head = "EXPLAIN QUERY PLAN " if lite else "EXPLAIN "
        lines = [str(line[-1]) for line in db.session.connection().exec_driver_sql(head + select, values)]
    scans = [line for line in lines if re.search(r"SCAN ticket$|Seq Scan on ticket\b", line)]
    assert scans == [], lines


def picked(o: Office, kind: str, refs: list[str], who: str = "triager") -> tuple[str, list[str]]:
    page = o.post(f"/tickets/bulk-{kind}", {"id": refs, "query": "tab=triage"}, who).get_data(as_text=True)
    return page, re.findall(r'name="row" value="([^"]+)"', page)


def test_14_of_200_selected_over_several_pages_three_stale_ones_are_named_and_197_done(o: Office) -> None:
    with o.work():
        rows = [service.record_ticket(o.customer, service.Intake(o.story.hospital_id, f"漏水 {n}")) for n in range(200)]
        refs = [(row.id, row.number) for row in rows]
    preview = o.post("/tickets/bulk-claim", {"all_matching": "1", "query": "tab=triage"}).get_data(as_text=True)
    chosen = re.findall(r'name="row" value="([^"]+)"', preview)
    assert len(chosen) == 200
    with o.work():
        for row_id, _number in refs[:3]:
            service.claim(o.people["colleague"], row_id, Seen(1))
    result = o.post("/tickets/bulk-run/claim", {"row": chosen, "query": "tab=triage"}).get_data(as_text=True)
    with o.work():
        mine = sa.select(sa.func.count()).where(Ticket.triager_id == o.people["triager"].id)
        assert db.session.scalar(mine) == 197
        theirs = sa.select(sa.func.count()).where(Ticket.triager_id == o.people["colleague"].id)
        assert db.session.scalar(theirs) == 3
    for _id, number in refs[:3]:
        assert number in result
    assert "197" in result


def test_a_bulk_reminder_goes_once_a_day_and_only_to_open_questions(o: Office) -> None:
    asked, plain = o.claimed(fault="甲"), o.report("乙")
    with o.work():
        service.ask(o.people["triager"], asked.id, Seen(2), ["serial_number"], "")
    page, rows = picked(o, "remind", [asked.id.hex, plain.id.hex])
    assert "没有在等用户补充" in page
    o.post("/tickets/bulk-run/remind", {"row": rows, "query": ""})
    again, _rows = picked(o, "remind", [asked.id.hex])
    assert "今天已经提醒过了" in again
    assert o.read(asked).status == Status.NEED_INFO


def test_16_filters_are_in_the_address_and_the_export_gives_exactly_the_filtered_rows(o: Office) -> None:
    leak, other = o.report("漏水", serial="111"), o.report("图像", serial="222")
    page = o.get("/tickets?tab=all&serial=111", who="lead")
    assert 'value="111"' in page
    assert "导出当前筛选" in page
    assert "导出当前筛选" not in o.get("/tickets?tab=all")
    form = re.search(r'href="([^"]*)">导出当前筛选', page)
    assert form is not None
    assert "serial%3D111" in form.group(1)
    assert other.number not in page.split("<tbody")[1]
    assert leak.number in page


def test_a_search_for_few_is_one_condition_and_a_wide_one_is_looked_for_in_each_range(o: Office) -> None:
    """At a million tickets the first is sorted, the second stops at the first page of each status."""
    o.report("插入部漏水")
    for query, ranges in (("q=漏水", 1), ("q=TKT-20261123-0001", 1), ("phone=1234", 1), ("q=TKT-2", 18)):
        with o.statements() as sent:
            o.get(f"/tickets?tab=all&{query}")
        (page,) = [statement for statement, _values in sent if "AS _sort" in statement]
        assert page.count("UNION ALL") == ranges - 1, query


def test_words_are_looked_for_by_their_rarest_pair(o: Office) -> None:
    for n in range(3):
        o.report(f"图像出现横纹 {n}")
    row = o.report("图像出现亮斑")
    with o.work():
        tokens, where = fault_tokens.latest("图像出现亮斑") or (None, [])
        rare = db.session.scalars(sa.select(tokens.ref_id).where(where[0])).all()
        assert rare == [row.id]
    assert row.number in o.get("/tickets?tab=all&q=图像出现亮斑")
    assert fault_tokens.latest("图") is None


def test_what_is_mine_is_read_in_the_order_of_its_own_index(o: Office) -> None:
    """Else SQLite, which keeps no statistics, walks everything of that status to find nothing."""
    with o.work():
        if db.engine.dialect.name == "postgresql":
            db.session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN" if db.engine.dialect.name == "sqlite" else "EXPLAIN"
        plan = db.session.execute(
            sa.text(f"{explain} SELECT 1 FROM ticket WHERE status='need_info' AND triager_id=:me ORDER BY due_at, id"),
            {
                "me": str(o.people["triager"].id)
                if db.engine.dialect.name == "postgresql"
                else o.people["triager"].id.hex
            },
        )
        assert any("ix_ticket_triager" in str(row) for row in plan)
