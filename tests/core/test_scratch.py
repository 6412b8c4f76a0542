"""Where a run of the suite writes: in memory where there is room for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scripts import memory

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(("free", "there"), [(memory.ENOUGH_BYTES, True), (memory.ENOUGH_BYTES - 1, False)])
def test_a_small_memory_file_system_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, there: bool
) -> None:
    monkeypatch.setattr(memory, "SHARED", tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: type("Usage", (), {"free": free}))
    assert (memory.place() == str(tmp_path)) is there


def test_a_machine_without_one_uses_the_usual_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "SHARED", tmp_path / "none")
    assert memory.place() is None
