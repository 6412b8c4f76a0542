"""The report: nothing below five raters, denominators, words instead of ranks, empty and tiny periods."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from app.core.db import db, new_id
from app.hospitals.models import Hospital
from app.hospitals.span import Span
from app.satisfaction.models import RatedJob
from app.satisfaction.reports import charts, figures
from app.satisfaction.reports.charts import bounds_words
from app.satisfaction.reports.figures import Group, enough
from app.staff.roles import Role
from app.tickets.models import Ticket
from tests.features.satisfaction.scene import DAY, HOUR, Scene
from tests.features.tickets.people import MONDAY, staff

SPAN = Span(MONDAY - 30 * DAY, MONDAY + DAY)
TYPES = ("scores", "response", "months", "engineers", "kinds", "products", "follow", "themes", "signals")


def rated(
    scene: Scene, scores: list[int | None], *, engineer: str = "工程示例", person: object = None, **kw: object
) -> None:
    """Rated jobs straight into the table, each by another person unless ``person`` gives one key; None: no answer."""
    who = new_id()
    with scene.work():
        hospital = db.session.scalars(sa.select(Hospital.id)).first()
        ticket = db.session.scalars(sa.select(Ticket.id)).first()
        for cycle, score in enumerate(scores, scene.count_of_jobs + 1):
            values = {
                "ticket_id": ticket, "ticket_number": "TKT-20261123-0001", "cycle": cycle, "hospital_id": hospital,
                "subject_id": person or new_id(), "status": "answered" if score else "invited", "score": score,
                "answered_at": MONDAY if score else None, "invited_at": MONDAY, "expires_at": MONDAY + 14 * DAY,
                "closed_at": MONDAY - HOUR, "opened_at": MONDAY - 2 * DAY, "province": "31", "product": "GIF-H290",
                "job_kind": "on_site", "engineer_id": who, "engineer_name": engineer, "message_key": f"k{cycle}", **kw,
            }  # fmt: skip
            db.session.add(RatedJob(**values))
        scene.count_of_jobs += len(scores)


@pytest.fixture
def filled(scene):
    scene.closed()
    scene.count_of_jobs = 0
    return scene


def auditor():
    return staff(Role.SATISFACTION_AUDITOR)


def drawn(scene: Scene, key: str, span: Span = SPAN):
    with scene.app.test_request_context("/"), scene.work():
        return charts.ALL[key](figures.read(auditor(), span))


def test_response_figures_with_denominators(filled):
    """Feature 19: 90 positive of 100 answers of 250 invited."""
    rated(filled, [5] * 90 + [1] * 10 + [None] * 150)
    chart = drawn(filled, "response")
    assert chart.answer == "评价者中 90% 满意；所有人中在 36% 到 96% 之间。"
    assert [row[1] for row in chart.figures.rows] == [250, 250, 0, 100]
    assert bounds_words(90, 100, 0.36, 0.96) == chart.answer


def test_nothing_of_fewer_than_five_raters_is_shown(filled):
    rated(filled, [1, 1, 1, 1], engineer="少示例")
    rated(filled, [5] * 30, engineer="多示例")
    names = [row[0] for row in drawn(filled, "engineers").figures.rows]
    assert "少示例" not in names


def test_five_ratings_of_one_person_are_one_rater(filled):
    rated(filled, [1] * 30, engineer="单示例", person=new_id())
    for key in ("scores", "engineers", "kinds", "products", "months"):
        assert drawn(filled, key).figures.rows == []


def test_a_single_small_group_cannot_be_read_off_the_total():
    found = [Group("a", "a", 9, 9, 9), Group("b", "b", 20, 20, 20), Group("c", "c", 1, 2, 2)]
    assert [g.key for g in enough(found)] == ["b"]
    assert [g.key for g in enough(found[:2])] == ["a", "b"]
    assert [g.key for g in enough([*found[:2], Group("d", "d", 0, 3, 3), found[2]])] == ["a", "b"]


def test_words_stand_in_place_of_ranks_and_names_in_the_order_of_the_alphabet(filled):
    """Feature 18: no league table."""
    rated(filled, [5, 5, 5, 5, 5], engineer="丙示例")
    rated(filled, [5] * 28 + [1, 1], engineer="甲示例")
    rated(filled, [5] * 10 + [1] * 20, engineer="乙示例")
    rated(filled, [5] * 120, engineer="丁示例")
    chart = drawn(filled, "engineers")
    words = {row[0]: row[-1] for row in chart.figures.rows}
    assert words == {
        "丙示例": "评价太少，说不准", "甲示例": "在正常范围内", "乙示例": "范围之外：请看看", "丁示例": words["丁示例"],
    }  # fmt: skip
    assert [row[0] for row in chart.figures.rows] == sorted(words)
    assert "名次" in str(chart.note)


@pytest.mark.parametrize("key", TYPES)
def test_a_period_with_no_ratings_says_so(filled, key):
    chart = drawn(filled, key, Span(MONDAY + 40 * DAY, MONDAY + 50 * DAY))
    assert chart.drawing is None and str(chart.answer)


@pytest.mark.parametrize("scores", [[5], [5] * 40, [1] * 40, [3] * 5])
@pytest.mark.parametrize("key", TYPES)
def test_one_rating_and_all_scores_equal(filled, key, scores):
    rated(filled, scores)
    assert str(drawn(filled, key).answer)


def test_void_ratings_leave_the_figures_and_stay_in_the_table(filled):
    rated(filled, [5] * 10)
    rated(filled, [1] * 10, outcome="void", status="audited")
    with filled.work():
        found = figures.read(auditor(), SPAN)
    assert (dict(found.distribution), found.response.answered) == ({5: 10}, 10)
    assert filled.count(RatedJob) == 20


def test_long_jobs_that_are_asked_less_often_are_named_before_anybody_reads_the_score(filled):
    """reference/review.md 3, item 6."""
    rated(filled, [None] * 40, opened_at=MONDAY - 20 * DAY, message_key=None)
    rated(filled, [5] * 10, opened_at=MONDAY - 20 * DAY)
    rated(filled, [5] * 60)
    chart = drawn(filled, "signals")
    assert "邀请得少" in str(chart.answer)
    assert chart.figures.rows[0][1:5] == (10, 40, 60, 0) and chart.figures.rows[0][-1] < 0.001


def test_the_page_its_files_and_the_guide(filled):
    rated(filled, [5] * 20 + [1] * 3 + [None] * 7)
    client = filled.client()
    page = client.get("/satisfaction/report")
    text = page.get_data(as_text=True)
    assert page.status_code == 200
    for words in ("给了几分？", "没有评价的人会怎么说？", "有没有需要看看的人？", "23 条评价"):
        assert words in text
    for kind in ("csv", "xlsx"):
        assert client.get(f"/satisfaction/report/export?chart=scores&format={kind}").status_code == 200
    assert client.get("/satisfaction/report/export?chart=nonsense").status_code == 404
    assert "为什么没有名次" in client.get("/satisfaction/report/guide").get_data(as_text=True)


@pytest.mark.parametrize(
    "query", ["from=yesterday", "from=2026-11-25&to=2026-11-01", "from=1800-01-01&to=2026-01-01", "province=99"]
)
def test_a_bad_period_is_refused_with_words(filled, query):
    assert filled.client().get(f"/satisfaction/report?{query}").status_code == 422


@pytest.mark.parametrize("role", ["engineer", "dealer_user", "triager", "admin"])
def test_the_report_is_for_whoever_may_report(filled, role):
    assert filled.client("x", role).get("/satisfaction/report").status_code == 403


def test_the_report_costs_the_same_statements_however_many_ratings(filled, app):
    def statements() -> int:
        seen: list[str] = []
        listen = lambda _c, _cu, statement, *_rest: seen.append(statement) if statement.startswith("SELECT") else None
        client = filled.client()
        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", listen)
        try:
            assert client.get("/satisfaction/report").status_code == 200
        finally:
            event.remove(engine, "before_cursor_execute", listen)
        return len(seen)

    rated(filled, [5] * 6)
    few = statements()
    rated(filled, [5, 4, 1] * 40)
    assert statements() == few <= 14
