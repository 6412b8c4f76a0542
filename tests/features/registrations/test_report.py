"""The report and the reviewer pages: figures by hand, Kaplan-Meier with open cases, fairness, bad input, plans."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.registrations import service
from app.registrations.models import RegistrationEvent
from app.registrations.reports import charts, figures, reviewers
from app.registrations.reports.figures import Span
from app.ui import shares
from app.ui.charts import small_for
from tests.features.registrations.story import APPROVE, FINAL, MONDAY, RETRY, reload, reviewer, take

VERBS = {"a": (service.approve, APPROVE), "r": (service.ask_again, RETRY), "x": (service.reject, FINAL)}
HOUR = timedelta(hours=1)


def decided(step, story, by, verdicts: str, at=MONDAY, after=HOUR, **kw):
    """One case per letter, submitted at ``at`` and decided ``after`` that."""
    ids = []
    for letter in verdicts:
        with step(at):
            row = story.case(**kw)
            ids.append(row.id)
        with step(at + after):
            verb, entered = VERBS[letter]
            verb(by, ids[-1], take(by, reload(ids[-1])), entered)
    return ids


def span(days: int = 5, **kw) -> Span:
    return Span(MONDAY - timedelta(hours=2), MONDAY + timedelta(days=days), **kw)


def test_arrivals_decisions_reasons_and_due_times_by_hand(step, story):
    me = reviewer(lead=True)
    decided(step, story, me, "aaar")
    decided(step, story, me, "x", at=MONDAY + timedelta(days=1), after=timedelta(days=2))
    with step():
        story.case()
    with step(MONDAY + timedelta(days=4)):
        counts = figures.by_day(me, span())
        monday = MONDAY.astimezone(clock.SHANGHAI).date()
        assert counts[(monday, "submit_registration")] == 5
        assert counts[(monday, "approve_registration")] == 3
        assert counts[(monday + timedelta(days=3), "reject_registration")] == 1
        assert figures.reasons(me, span()) == {"photo_glare": 1, "not_medical_staff": 1}
        kept = figures.in_time(me, span())
        assert kept[monday] == (4, 4) and kept[monday + timedelta(days=3)] == (0, 1)
        assert sum(figures.ages(me, None, figures.age_bounds())[:4]) == 1


def test_an_earlier_round_is_measured_by_its_own_due_time(step, story):
    """The case's due time is the second round's; the first round's is reckoned again from its submission."""
    me = reviewer(lead=True)
    with step():
        row_id, person = story.case().id, story.people[-1]
    with step(MONDAY + HOUR):
        service.ask_again(me, row_id, take(me, reload(row_id)), RETRY)
    with step(MONDAY + timedelta(days=1)):
        service.resubmit(person, story.claim())
        assert figures.in_time(me, span())[MONDAY.astimezone(clock.SHANGHAI).date()] == (1, 1)


def test_ageing_counts_open_cases_kaplan_meier_median_time_to_decision(step, story):
    """review.md 3, no. 10: lying cases lengthen the median, an average of closed ones would not see them."""
    me = reviewer(lead=True)
    decided(step, story, me, "aaaaa", after=2 * HOUR)
    with step():
        for _n in range(6):
            story.case()
    with step(MONDAY + timedelta(days=3)):
        ended, still = figures.waits(me, span())
        assert dict(ended) == {2.0: 5} and dict(still) == {72.0: 6}
        chart = charts.curve_chart("t", "?", ended, still)
        assert "不到一半有结果" in str(chart.answer) and chart.drawing is not None
        assert "一半在 2 小时内" in str(charts.curve_chart("t", "?", ended, {}).answer) or ended.total() < 10


def test_fairness_a_reviewer_who_asks_one_hospital_three_times_as_often_is_found(step, story):
    """review.md 3, no. 9: within the same hospital, with intervals on both sides."""
    assert reviewers.compare(18, 30, 12, 60)[0] == "late"
    assert reviewers.compare(8, 30, 12, 60)[0] == "act"
    assert reviewers.compare(9, 9, 0, 60) == ("idle", str(reviewers.compare(9, 9, 0, 60)[1]))
    assert reviewers.compare(30, 30, 3, 3)[0] == "act"
    strict, others, lead = reviewer("严"), reviewer("宽"), reviewer(lead=True)
    decided(step, story, strict, "r" * 9 + "a" * 3)
    decided(step, story, others, "a" * 14)
    with step(MONDAY + timedelta(days=2)):
        chart = reviewers.by_hospital(lead, span(reviewer=strict.id), reviewers.AGAIN)
        row = chart.figures.rows[0]
        assert row[:3] == ("华东第一示范医院", 9, 12) and "高于同事" in row[-1]
        assert "值得看：华东第一示范医院" in chart.answer and "约 0.0 件" in chart.answer


def test_no_ranking_and_words_below_ten(step, story, portal):
    with portal.test_request_context():
        row, point = shares.share_row("上海市", 3, 3)
    assert row[3] is None and "太少" in row[4] and point[1] is None


def test_scope_binds_every_figure(step, story):
    me = reviewer(lead=True)
    decided(step, story, me, "ar")
    far, near = (reviewer(lead=True, provinces=frozenset({code})) for code in ("44", "31"))
    with step(MONDAY + timedelta(days=1)):
        for actor, n in ((far, 0), (near, 2)):
            assert sum(v for (_d, a), v in figures.by_day(actor, span()).items() if a.startswith("submit")) == n
            assert sum(k for _k, k in figures.in_time(actor, span()).values()) == n
            assert sum(figures.waits(actor, span())[0].values()) == n
            assert bool(figures.reasons(actor, span())) == bool(n)
        assert not figures.by_day(me, span(province="44"))


def test_an_undone_decision_is_not_counted(step, story):
    me = reviewer(lead=True)
    with step():
        row = story.case()
        service.approve(me, row.id, take(me, row), APPROVE)
        service.undo(me, row.id)
        assert not [a for (_d, a) in figures.by_day(me, span()) if a == "approve_registration"]


# pages


@pytest.fixture
def desk(portal, step, story):
    me = reviewer("审核甲", lead=True)
    decided(step, story, me, "aaaarrx")
    portal.extensions["acting"] = me
    with clock.frozen(MONDAY + timedelta(days=1)):
        yield portal, portal.test_client(), me


def test_the_report_has_a_table_beside_each_chart_and_the_same_as_a_file(desk):
    _portal, client, _me = desk
    text = client.get("/registrations/report").get_data(as_text=True)
    assert text.count('class="chart-table"') == len(charts.ALL) == text.count("format=csv")
    assert "到达 7 件，决定 7 件" in text and "谁在等我们？" in text
    answer = client.get("/registrations/report/export?chart=reasons&format=csv")
    rows = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert rows[1:] == [["反光遮挡", "2"], ["非医护或设备人员", "1"]]
    for key in charts.ALL:
        assert client.get(f"/registrations/report/export?chart={key}&format=xlsx").data[:2] == b"PK"


@pytest.mark.parametrize(
    "query, status",
    [
        ("from=2026-11-24&to=2026-11-01", 422), ("from=2016-11-24&to=2026-11-24", 422), ("from=x", 422),
        ("province=99", 422), ("from=2019-01-01&to=2019-01-31", 200), ("from=2026-11-24&to=2026-11-24", 200),
        ("from=2025-12-01&to=2026-11-24", 200), ("province=31", 200),
    ],
)  # fmt: skip
def test_bad_and_empty_periods(desk, query, status):
    _portal, client, me = desk
    for path in ("report", "reviewers", f"reviewers/{me.id}"):
        assert client.get(f"/registrations/{path}?{query}").status_code == status, path
    assert client.get("/registrations/report/export?chart=nothing").status_code == 404
    assert client.get("/registrations/report/export?chart=flow&format=pdf").status_code == 422
    assert client.get(f"/registrations/report/export?chart=flow&{query}").status_code == status


def test_beyond_the_calendar_one_figure_says_so_and_the_others_stand(desk):
    """Ages count working days back from now; no 503 for the page, nor for 今日, because one of five cannot be told."""
    portal, client, me = desk
    with clock.frozen(MONDAY.replace(year=2035)):
        answer = client.get("/registrations/report?from=2026-11-23&to=2026-11-24")
        text = answer.get_data(as_text=True)
        assert (answer.status_code, text.count("算不出：工作日历没有覆盖这段时间。")) == (200, 1)
        assert "到达 7 件，决定 7 件" in text
        table = client.get("/registrations/report/export?chart=ages&format=csv").get_data().decode("utf-8-sig")
        assert table.splitlines() == ["说明", "没有数字"]
        with portal.test_request_context("/"):
            said = [str(small.answer) for small in small_for(me)]
    assert [answer.startswith("算不出") for answer in said] == [True, False, False]


def test_a_reviewer_sees_his_own_page_and_no_colleague(desk):
    portal, client, lead = desk
    me = reviewer("审核乙")
    portal.extensions["acting"] = me
    assert client.get("/registrations/reviewers").headers["Location"].endswith(str(me.id))
    assert client.get(f"/registrations/reviewers/{me.id}").status_code == 200
    assert client.get(f"/registrations/reviewers/{lead.id}").status_code == 404
    portal.extensions["acting"] = lead
    assert client.get(f"/registrations/reviewers/{me.id}").status_code == 404, "no such account"
    text = client.get(f"/registrations/reviewers/{lead.id}").get_data(as_text=True)
    assert "太少" in text and "没有完成的复读" in text


# cost


def plan(query: sa.Select) -> str:
    dialect = db.engine.dialect
    text = str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    head = "EXPLAIN QUERY PLAN " if dialect.name == "sqlite" else "EXPLAIN "
    if dialect.name == "postgresql":
        db.session.execute(sa.text("SET LOCAL enable_seqscan = off"))
    return " ".join(
        str(tuple(row))
        for row in db.session.connection().exec_driver_sql(
            head + text.replace("%", "%%") if dialect.name != "sqlite" else head + text
        )
    )


def test_figures_of_a_period_rest_on_the_index_of_events(step, story):
    """At a million rows the cost is the period's, not the table's (the bench row gives the time)."""
    with step():
        base = figures.events_of(reviewer(lead=True), span(), figures.DECISIONS).add_columns(sa.func.count())
        assert "ix_registration_event_action" in plan(base)
        whole = sa.select(sa.func.count()).select_from(RegistrationEvent).where(RegistrationEvent.round > 3)
        assert "ix_registration_event_action" not in plan(whole), "the check can fail"


def test_the_report_costs_a_fixed_number_of_statements(desk):
    portal, client, _me = desk
    seen: list[str] = []
    note = lambda _c, _cur, statement, *_r: seen.append(statement)
    client.get("/registrations/report")
    with portal.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    client.get("/registrations/report")
    sa.event.remove(engine, "before_cursor_execute", note)
    asked = [s for s in seen if s.split()[0] not in ("BEGIN", "PRAGMA")]
    assert len(asked) <= 14, asked
