"""`/tickets/report`: figures by hand, regions, rights, bad periods, files, statements, and what the plan rests on."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.policy import Actor
from app.core.web import Portal
from app.hospitals.span import Span
from app.staff.roles import Role
from app.tickets.models import SlaClock, Ticket
from app.tickets.reports import charts, figures, sums
from app.tickets.reports.figures import Kept
from app.tickets.service import daily
from tests.factories import staff as accounts
from tests.features.tickets.pages import NOON, Office, Ref, at_noon
from tests.features.tickets.people import DAY, HOUR, MONDAY, staff

NUMBERS = itertools.count()  # the same words twice would be the same report
SPAN = Span(MONDAY - 27 * DAY, MONDAY + 5 * DAY)
LEAD = staff(Role.TRIAGER, lead=True)


@pytest.fixture
def o(app: Portal) -> Iterator[Office]:
    with at_noon(app) as found:
        yield found


def ticket(o: Office, at: datetime, serial: str | None = None, **values: Any) -> Ref:
    with clock.frozen(at):
        ref = o.report(f"样例故障 {next(NUMBERS)}", serial=serial)
    with o.work():
        changed = {"device_model": "CV-290", **values}
        db.session.execute(sa.update(Ticket).where(Ticket.id == ref.id).values(**changed))
    return ref


def ended(o: Office, ref: Ref, metric: str, at: datetime, outcome: str) -> None:
    with o.work():
        where = (SlaClock.ticket_id == ref.id, SlaClock.metric == metric)
        db.session.execute(sa.update(SlaClock).where(*where).values(stopped_at=at, outcome=outcome, used_seconds=1))


def test_arrivals_and_solved_by_the_day_in_china(o: Office) -> None:
    """23:30 in China on Sunday belongs to Sunday, though it is 15:30 in Greenwich; cancelled ones are not solved."""
    done = ticket(o, MONDAY - DAY + 14.5 * HOUR)
    gone = ticket(o, MONDAY, status="cancelled", closed_at=MONDAY)
    for ref in (done, gone):
        ended(o, ref, "resolution", MONDAY + HOUR, "in_time")
    with o.work():
        assert figures.arrivals(LEAD, SPAN) == {date(2026, 11, 22): 1, date(2026, 11, 23): 1}
        assert figures.solved(LEAD, SPAN) == {date(2026, 11, 23): 1}
        assert figures.arrivals(LEAD, Span(MONDAY + DAY, MONDAY + 2 * DAY)) == {}


def test_open_by_age_counts_working_days_and_what_is_late(o: Office) -> None:
    for days in (0, 2, 5, 20):
        ticket(o, NOON - days * DAY - HOUR)
    ticket(o, NOON - 20 * DAY, status="closed", closed_at=NOON)
    with o.work():
        assert figures.ages(LEAD, None, charts._bounds()) == [1, 1, 1, 1, 3]


def test_within_the_promise_by_clock_and_priority_and_what_runs_late_beside_it(o: Office) -> None:
    kept, late = ticket(o, MONDAY, priority="p2"), ticket(o, MONDAY, priority="p2")
    unjudged, off = ticket(o, MONDAY), ticket(o, MONDAY, status="rejected", closed_at=MONDAY)
    for ref, outcome in ((kept, "in_time"), (late, "late"), (unjudged, "in_time"), (off, "in_time")):
        ended(o, ref, "response", MONDAY + HOUR, outcome)
    with o.work():
        found = figures.kept(LEAD, SPAN)
        assert found["response", "p2"] == Kept(1, 2, 0)
        assert found["response", ""] == Kept(1, 1, 0)
        assert found["first_touch", "p2"] == Kept(0, 0, 2)  # due two hours after the report, and nobody came
        assert figures.total(found, "response") == Kept(2, 3, 0)


def test_repeat_repairs_same_serial_within_90_days(o: Office) -> None:
    ticket(o, MONDAY - 80 * DAY, "7000001")
    ticket(o, MONDAY, "7000001")  # again after 80 days, the first of them before the period
    ticket(o, MONDAY - 100 * DAY, "7000002")
    ticket(o, MONDAY, "7000002")  # after 100 days: another story
    ticket(o, MONDAY - 3 * DAY, "7000003", status="cancelled", closed_at=MONDAY)
    ticket(o, MONDAY, "7000003")  # the earlier report came to nothing
    ticket(o, MONDAY)  # no serial number, not counted
    with o.work():
        assert figures.repeats(LEAD, SPAN) == [("CV-290", 3, 1)]


def test_top_faults_by_model_most_frequent_first(o: Office) -> None:
    for model, fault in (("CV-290", "leak"), ("CV-290", "leak"), ("GIF-H290", "image"), ("CV-290", "")):
        ticket(o, MONDAY, device_model=model, fault_class=fault)
    with o.work():
        assert figures.faults(LEAD, SPAN) == [("CV-290", "leak", 2), ("GIF-H290", "image", 1)]


def test_every_figure_is_bounded_by_the_regions(o: Office) -> None:
    near = ticket(o, MONDAY, "7000001", fault_class="leak")
    ended(o, near, "response", MONDAY + HOUR, "in_time")
    with o.work():
        province = db.session.get_one(Ticket, near.id).province

        def seen(actor: Actor, span: Span) -> list[bool]:
            found = (
                figures.arrivals(actor, span), sum(figures.ages(actor, span.province, charts._bounds())),
                figures.kept(actor, span), figures.repeats(actor, span), figures.faults(actor, span),
            )  # fmt: skip
            return [bool(one) for one in found]

        far = staff(Role.DISPATCHER, lead=True, provinces=frozenset({"65"}))
        mine = staff(Role.DISPATCHER, lead=True, provinces=frozenset({province}))
        assert seen(mine, SPAN) == [True] * 5 and seen(far, SPAN) == [False] * 5
        assert seen(LEAD, Span(SPAN.since, SPAN.until, "65")) == [False] * 5


# pages


def test_the_report_has_a_table_beside_each_chart_a_sentence_how_to_read_it_and_the_same_as_a_file(o: Office) -> None:
    ticket(o, MONDAY, "7000001", fault_class="leak", priority="p3")
    text = o.get("/tickets/report", "lead")
    assert text.count('class="chart-table"') == len(charts.ALL) == text.count("format=csv") == text.count("怎么看：")
    assert "报修 1 张，解决 0 张" in text and "最多的是 CV-290 的“漏水”，1 张" in text
    answer = o.client("lead").get("/tickets/report/export?chart=faults&format=csv")
    assert list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))[1:] == [["CV-290", "漏水", "1"]]
    for key in charts.ALL:
        file = o.client("lead").get(f"/tickets/report/export?chart={key}&format=xlsx")
        assert file.data[:2] == b"PK" and f"tickets-{key}-" in file.headers["Content-Disposition"]
    with o.work():
        events = db.session.scalars(sa.select(AuditEvent.object_id).where(AuditEvent.event == "report.exported")).all()
        assert set(events) == {f"tickets.{key}" for key in charts.ALL}


def test_leads_and_whoever_sets_the_promises_see_it_and_nobody_else(o: Office, app: Portal) -> None:
    link = 'href="/tickets/report"'
    assert link in o.get("/tickets", "lead") and link not in o.get("/tickets")
    for role, lead, status in (
        ("triager", False, 403), ("dispatcher", True, 200), ("dispatcher", False, 403), ("admin", False, 200),
        ("reviewer", True, 403), ("auditor", False, 403), ("dealer_user", False, 403),
    ):  # fmt: skip
        client = accounts.signed_in(app, (role, None, lead))
        for path in ("/tickets/report", "/tickets/report/export?chart=flow&format=csv"):
            assert client.get(path).status_code == status, (role, path)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("from=2026-11-24&to=2026-11-01", 422), ("from=2016-11-24&to=2026-11-24", 422), ("from=x", 422),
        ("province=99", 422), ("from=2019-01-01&to=2019-01-31", 200), ("from=2025-12-01&to=2026-11-24", 200),
        ("province=31", 200), ("from=%00", 422),
    ],
)  # fmt: skip
def test_bad_and_empty_periods(o: Office, query: str, status: int) -> None:
    client = o.client("lead")
    assert client.get(f"/tickets/report?{query}").status_code == status
    assert client.get(f"/tickets/report/export?chart=flow&format=csv&{query}").status_code == status
    assert client.get("/tickets/report/export?chart=nothing").status_code == 404
    assert client.get("/tickets/report/export?chart=flow&format=pdf").status_code == 422


def test_a_province_outside_of_the_actors_is_refused_and_not_offered(o: Office, app: Portal) -> None:
    client = accounts.signed_in(app, ("triager", ["44"], True))
    assert 'value="31"' not in client.get("/tickets/report").get_data(as_text=True)
    assert client.get("/tickets/report?province=31").status_code == 422


def test_nothing_says_that_there_is_nothing(o: Office) -> None:
    text = o.get("/tickets/report?from=2019-01-01&to=2019-01-31", "lead")
    for words in (
        "这段时间没有报修",
        "没有未结的工单",
        "这段时间没有时钟停下",
        "没有写明序列号的报修",
        "没有分诊过的工单",
    ):
        assert words in text


def test_beyond_the_calendar_one_figure_says_so_and_the_others_stand(o: Office) -> None:
    ticket(o, MONDAY)
    o.clients.clear()
    with clock.frozen(MONDAY.replace(year=2035)):
        text = o.get("/tickets/report?from=2026-11-23&to=2026-11-24", "lead")
    assert text.count("算不出：工作日历没有覆盖这段时间。") == 1 and "报修 1 张" in text


# cost


def test_the_report_costs_a_fixed_number_of_statements(o: Office) -> None:
    o.get("/tickets/report", "lead")
    with o.app.app_context():
        daily.sum_all_stale()
    with o.statements() as few:
        o.get("/tickets/report", "lead")
    for n in range(12):
        ref = ticket(o, MONDAY - n * DAY, f"700000{n}", fault_class="leak", priority="p1", device_model=f"M{n}")
        ended(o, ref, "response", MONDAY, "late")
    with o.app.app_context():
        assert daily.sum_all_stale() == 12
    with o.statements() as many:
        o.get("/tickets/report", "lead")
    own = [s for s, _v in many if "GROUP BY" in s or "sum(CASE" in s]
    assert len(few) == len(many) <= 14, [s for s, _v in many]
    assert len(own) == 7  # arrivals, solved, ages, stopped, running late, repeats, faults; of sums but for two


def plan(query: Any) -> str:
    dialect = db.engine.dialect
    text = str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    if dialect.name == "postgresql":
        db.session.execute(sa.text("SET LOCAL enable_seqscan = off"))
    head = "EXPLAIN QUERY PLAN " if dialect.name == "sqlite" else "EXPLAIN "
    rows = db.session.connection().exec_driver_sql(head + text.replace("%", "%%" if dialect.name != "sqlite" else "%"))
    return " ".join(str(tuple(row)) for row in rows)


def test_figures_of_a_period_rest_on_its_own_rows(o: Office) -> None:
    """At a million tickets the cost is the period's and of what is open, not the table's (python -m bench report)."""
    with o.work():
        asked: list[Any] = []
        note = lambda state: asked.append(state.statement)
        sa.event.listen(db.session, "do_orm_execute", note)
        try:
            figures.arrivals(LEAD, SPAN)
            figures.kept(LEAD, SPAN)
            figures.repeats(LEAD, SPAN)
            figures.faults(LEAD, SPAN)
        finally:
            sa.event.remove(db.session, "do_orm_execute", note)
        plans = [plan(query) for query in asked]
        for found, index in zip(
            plans,
            (
                "ix_ticket_opened",
                "ix_sla_clock_stopped",
                "ix_sla_clock_running",
                "ix_ticket_serial",
                "ix_ticket_opened",
            ),
            strict=True,
        ):
            assert index in found, found
        assert "ix_ticket_opened" in plans[3]
        whole = sa.select(sa.func.count()).select_from(Ticket).where(Ticket.cycle > 3)
        assert "ix_ticket_opened" not in plan(whole), "the check can fail"


def test_a_lead_without_any_ticket_of_his_region_sees_empty_charts(o: Office) -> None:
    far = staff(Role.TRIAGER, lead=True, provinces=frozenset({"65"}))
    ticket(o, MONDAY)
    with o.app.test_request_context("/"), o.work():
        found = sums.days(Span(MONDAY - DAY, MONDAY + DAY))
        shown = [charts.ALL[key](far, _period(), found) for key in charts.ALL]
        assert [chart.drawing for chart in shown] == [None] * len(charts.ALL)


def _period() -> Any:
    from app.ui.period import read_period

    return read_period({})[0]
