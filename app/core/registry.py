"""Typed registries: how information flows down the floors (decisions.md 3).

A feature above fills them in `create_app`; a room below reads them. Commands never travel through a registry.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

Entry = TypeVar("Entry")


class Registry(Generic[Entry]):
    """An ordered set of entries by key; filling it twice with the same key replaces (apps are made many times)."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._entries: dict[str, Entry] = {}

    def add(self, key: str, entry: Entry) -> None:
        self._entries[key] = entry

    def get(self, key: str) -> Entry | None:
        return self._entries.get(key)

    def keys(self) -> tuple[str, ...]:
        return tuple(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)
