"""The small charts of 今日: for those who may see them, drawn without a script, at a fixed cost."""

from __future__ import annotations

import sqlalchemy as sa

from app.core.db import db
from app.core.policy import Permission
from app.ui.charts import Small, SmallChart, small_charts
from tests.factories.staff import signed_in


def test_reviewers_see_three_small_charts_and_no_script_of_the_library(app, seeded):
    text = signed_in(app, "reviewer").get("/").get_data(as_text=True)
    assert text.count('class="small"') == 3
    for question in ("谁在等我们？", "我们跟得上吗？", "按时决定了吗？"):
        assert question in text
    assert "没有件在等我们" in text and "这段时间没有决定" in text, "nothing is said to be nothing"
    assert "echarts" not in text


def test_whoever_may_not_read_registrations_sees_none(app, seeded):
    for role in ("dispatcher", "auditor", "admin"):
        assert 'class="small"' not in signed_in(app, role).get("/").get_data(as_text=True)


def test_any_feature_can_offer_one(app, seeded):
    small_charts.add("t", SmallChart("t", Permission.SETTINGS_READ, 1, lambda _a: Small("问？", "答。", "/settings")))
    small_charts.add("none", SmallChart("none", Permission.SETTINGS_READ, 2, lambda _a: None))
    try:
        text = signed_in(app, "admin").get("/").get_data(as_text=True)
        assert text.count('class="small"') == 1 and "答。" in text
    finally:
        for key in ("t", "none"):
            small_charts._entries.pop(key)


def test_the_small_charts_cost_five_statements(app, seeded):
    client = signed_in(app, "reviewer")
    client.get("/")
    with app.app_context():
        engine = db.engine
    seen: list[str] = []
    note = lambda _c, _cur, statement, *_r: seen.append(statement)
    sa.event.listen(engine, "before_cursor_execute", note)
    client.get("/")
    sa.event.remove(engine, "before_cursor_execute", note)
    own = [s for s in seen if ("registration_event" in s and "second_reading.number" not in s) or "sum(CASE" in s]
    assert 3 <= len(own) <= 5, own
