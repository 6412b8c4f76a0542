"""Budgets as a ratchet: function 50 lines, handler 30, Python file 400, template 150, test file 800."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.pure


def over_budget(
    source: str, name: str, *, file_limit: int, function_limit: int = 50, handler_limit: int = 30
) -> list[str]:
    found = []
    if (lines := source.count("\n")) > file_limit:
        found.append(f"{name}: {lines} lines")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            routed = any(isinstance(d, ast.Call) and getattr(d.func, "attr", "") in ("route", "get", "post", "delete", "patch") for d in node.decorator_list)  # fmt: skip
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > (handler_limit if routed else function_limit):
                found.append(f"{name}: {node.name} has {length} lines")
    return found


def test_application_keeps_its_budgets():
    found = []
    for path in [*ROOT.glob("app/**/*.py"), *ROOT.glob("bench/*.py"), ROOT / "config.py"]:
        found += over_budget(path.read_text(), str(path.relative_to(ROOT)), file_limit=400)
    assert found == []


def test_templates_and_tests_keep_their_budgets():
    found = [f"{p.relative_to(ROOT)}" for p in ROOT.glob("app/**/*.html") if p.read_text().count("\n") > 150]
    found += [f"{p.relative_to(ROOT)}" for p in ROOT.glob("tests/**/*.py") if p.read_text().count("\n") > 800]
    assert found == []


def test_the_ratchet_can_fail():
    long = "def f():\n" + "    pass\n" * 60
    assert over_budget(long, "sample.py", file_limit=50) == ["sample.py: 61 lines", "sample.py: f has 61 lines"]


def test_no_drawer_files():
    drawers = {"utils.py", "helpers.py", "common.py", "misc.py"}
    assert [p for p in ROOT.glob("app/**/*.py") if p.name in drawers] == []


def test_only_the_frame_commits():
    """No commit or rollback outside of core, and a broken sample is found."""
    found = [
        str(p.relative_to(ROOT))
        for p in ROOT.glob("app/**/*.py")
        if "app/core/" not in str(p) and p.name != "database.py" and calls(p.read_text(), {"commit", "rollback"})
    ]
    assert found == []
    assert calls("db.session.commit()", {"commit"})


def calls(source: str, names: set[str]) -> bool:
    return any(
        isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr in names
        for n in ast.walk(ast.parse(source))
    )
