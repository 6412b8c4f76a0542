"""Every list answers to the same keys: J K X O Enter / ?, and the drawer beside it; with scripts off it is links."""

from __future__ import annotations

import re

import pytest

from tests.browser.live import PASSWORD
from tests.browser.test_story import sign_in

pytestmark = pytest.mark.browser
NUMBER = re.compile(r"REG-\d{8}-\d{4}")


def at(page) -> int:
    """Which row is current; -1 for none."""
    return page.evaluate(
        "[...document.querySelectorAll('tr[data-row]')].findIndex((row) => row.classList.contains('is-current'))"
    )


def numbers(page) -> list[str]:
    return [NUMBER.search(row)[0] for row in page.locator("tr[data-row]").all_inner_texts()]


def test_keys_of_a_list_and_its_drawer(live, page):
    sign_in(page, live, "reviewer@demo.invalid")
    page.goto(f"{live.url}/registrations?tab=done")
    found = numbers(page)
    assert len(found) > 2
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert at(page) == 1
    page.keyboard.press("k")
    page.keyboard.press("k")
    assert at(page) == 0, "the first row is the end"

    page.keyboard.press("x")
    assert page.locator("tr[aria-selected=true]").count() == 1
    assert page.locator("[data-bulk]").is_visible()
    assert "已选 1 条" in page.locator(".bulk-count").inner_text()
    page.keyboard.press("x")
    assert page.locator("[data-bulk]").is_hidden()

    page.keyboard.press("o")
    drawer = page.locator("#drawer")
    drawer.get_by_text(found[0]).first.wait_for()
    page.keyboard.press("j")  # the drawer goes along
    drawer.get_by_text(found[1]).first.wait_for()
    assert at(page) == 1
    page.keyboard.press("Escape")
    assert drawer.is_hidden()

    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.type("jxk")  # while typing, keys are letters
    assert (at(page), page.locator("tr[aria-selected=true]").count()) == (1, 0)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    assert page.locator("dialog#keys:modal").count() == 1
    page.keyboard.press("Escape")

    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/registrations/{found[0]}")
    assert page.problems == []


def test_the_same_list_with_scripts_off(live, chromium):
    """Tabs, filters, order and rows are links and forms; what only scripts can do is not shown."""
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN", java_script_enabled=False)
    page = context.new_page()
    try:
        page.goto(f"{live.url}/login")
        page.fill("input[name=email]", "reviewer@demo.invalid")
        page.fill("input[name=password]", PASSWORD)
        page.locator("button[type=submit]", has_text="登录").click()
        page.goto(f"{live.url}/registrations")
        page.locator(".tabs a", has_text="已办").click()
        page.wait_for_url("**tab=done**")
        found = numbers(page)
        page.locator("th a", has_text="最近变动").click()
        page.wait_for_url("**sort=changed**")
        assert numbers(page) == found[::-1]
        page.locator("[data-filters] input[name=q]").fill(found[0])
        page.locator("[data-filters] button[type=submit]").click()
        page.wait_for_url("**sought=**")  # sealed: the field finds people too
        assert numbers(page) == [found[0]]
        assert page.locator("[data-bulk] button[type=submit]").first.is_visible()
        assert page.locator("[data-clear-selection]").is_hidden()
        page.locator("tr[data-row] a").first.click()
        page.wait_for_url(f"**/registrations/{found[0]}")
    finally:
        context.close()
