"""The tables of promises name tests that exist; and the check finds one that does not."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLES = {
    name: (ROOT / "docs" / name).read_text()
    for name in ("features-review.md", "acceptance-house.md", "grants.md", "satisfaction.md", "tickets.md")
}
LINK = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def missing(text: str) -> list[str]:
    """Links whose file or function is not there."""
    found = []
    for path, name in LINK.findall(text):
        file = ROOT / path
        if not file.exists() or not re.search(rf"^ *def {name}\(", file.read_text(), re.M):
            found.append(f"{path}::{name}")
    return found


@pytest.mark.pure
@pytest.mark.parametrize("table", TABLES)
def test_every_proof_is_a_test_that_exists(table):
    assert missing(TABLES[table]) == []


@pytest.mark.pure
@pytest.mark.parametrize("table", TABLES)
def test_every_row_has_a_proof(table):
    lines = TABLES[table].splitlines()
    rows = [line for start in starts(lines) for line in takewhile(lambda line: line.startswith("|"), lines[start:])]
    rows = [row for row in rows if "| proof |" not in row and not row.startswith("|---")]
    assert [row for row in rows if not LINK.search(row)] == []
    assert len(rows) > 20


def starts(lines: list[str]) -> list[int]:
    """Where a table with proofs begins."""
    return [n for n, line in enumerate(lines) if line.endswith("| proof |")]


@pytest.mark.pure
def test_a_proof_that_is_gone_is_found():
    assert missing("`tests/policy/test_features_table.py::test_that_never_was`") != []
    assert missing("`tests/policy/no_such_file.py::test_x`") != []
