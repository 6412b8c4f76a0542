"""Drawings in a real browser: no event of the content policy, a tooltip on hover, tokens of the theme, table without
scripts."""

from __future__ import annotations

import pytest

from tests.browser.test_story import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]
REPORT = "/registrations/report"


def test_charts_draw_hover_and_follow_the_theme_under_the_content_policy(live, page):
    sign_in(page, live, "reviewer@demo.invalid")
    page.goto(f"{live.url}{REPORT}")
    boxes = page.locator("[data-chart] svg")
    boxes.first.wait_for()
    assert boxes.count() >= 3
    first = page.locator("#chart-flow [data-chart]")
    assert "我们跟得上吗" in first.get_attribute("aria-label")
    before = first.locator("text").count()
    box = first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_function(
        "n => document.querySelectorAll('#chart-flow [data-chart] text').length > n", arg=before, timeout=5_000
    )
    ink = "getComputedStyle(document.querySelector('#chart-flow svg text')).fill"
    light = page.evaluate(ink)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert page.evaluate(ink) != light
    assert page.problems == []


def test_without_scripts_the_tables_are_there_and_no_empty_box(live, chromium):
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 1366, "height": 768}, locale="zh-CN")
    page = context.new_page()
    sign_in(page, live, "reviewer@demo.invalid")
    page.goto(f"{live.url}{REPORT}")
    assert page.locator(".chart-table table").count() == 5
    assert page.locator("[data-chart]:visible").count() == 0
    context.close()
