"""What every browser test has beside the portal and the browser (tests/browser/live.py)."""

from __future__ import annotations

import pytest


@pytest.fixture
def page(chromium):
    """A window of 1366 by 768 in Chinese; ``page.problems`` holds what the console and scripts complained of."""
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
    page = context.new_page()
    page.problems = []
    page.on("console", lambda m: page.problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: page.problems.append(str(e)))
    yield page
    context.close()
