"""Compiled templates are shared by all apps of a test process: compiling them anew took half of the suite's time."""

from __future__ import annotations

from types import CodeType

from flask_babel import get_locale
from jinja2.bccache import Bucket, BytecodeCache


class SharedTemplates(BytecodeCache):
    """By language, name and source: what a language says is part of the compiled template (app/ui/templating.py)."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType | None] = {}

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        return f"{get_locale()} {super().get_cache_key(name, filename)}"

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key, bucket.checksum] = bucket.code


shared = SharedTemplates()
