"""What every browser test has beside the portal and the browser (tests/browser/live.py)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def window(chromium, width: int, height: int) -> Iterator[Any]:
    """A window in Chinese; ``page.problems`` holds what the console and scripts complained of."""
    context = chromium.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
    page = context.new_page()
    page.problems = []
    page.on("console", lambda m: page.problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: page.problems.append(str(e)))
    yield page
    context.close()


@pytest.fixture
def page(chromium):
    with window(chromium, 1366, 768) as found:
        yield found


@pytest.fixture
def phone(chromium):
    with window(chromium, 390, 844) as found:
        yield found
