"""Hashes of static files: kept in production, else made again only for what has changed."""

from __future__ import annotations

import os
from pathlib import Path

from app.ui.assets import Assets


def reads(monkeypatch) -> list[str]:
    seen: list[str] = []
    original = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: (seen.append(self.name), original(self))[1])
    return seen


def test_a_file_is_read_again_only_after_a_change(tmp_path, monkeypatch):
    (tmp_path / "a.css").write_text("one")
    seen, assets = reads(monkeypatch), Assets(str(tmp_path), keep=False)
    first = assets.hash_of("a.css")
    assert assets.hash_of("a.css") == first and seen == ["a.css"]
    (tmp_path / "a.css").write_text("two")
    os.utime(tmp_path / "a.css", ns=(1, 1))
    assert assets.hash_of("a.css") != first


def test_a_new_module_changes_the_hash_of_all(tmp_path, monkeypatch):
    (tmp_path / "js").mkdir()
    (tmp_path / "js/a.js").write_text("a")
    seen, assets = reads(monkeypatch), Assets(str(tmp_path), keep=False)
    first = assets.modules_hash()
    assert assets.modules_hash() == first and seen == ["a.js"]
    (tmp_path / "js/b.js").write_text("b")
    assert assets.modules_hash() != first


def test_production_keeps_what_it_read(tmp_path):
    (tmp_path / "a.css").write_text("one")
    assets = Assets(str(tmp_path), keep=True)
    first = assets.hash_of("a.css")
    (tmp_path / "a.css").write_text("two, and longer")
    assert assets.hash_of("a.css") == first
