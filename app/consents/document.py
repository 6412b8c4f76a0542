"""The policy text as readable parts. Nothing is left out or reworded: its hash is what people agreed to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

HEADING_MAX_CHARS = 40
_CHAPTER = re.compile(r"[0-9]+\.\s*\D")
_SECTION = re.compile(r"[0-9]+\.[0-9]+\s")
_ITEM = re.compile(r"[(（][0-9]+[)）]")
_SENTENCE_END = ("。", ":", "：", ";", "；", ",", "，")


@dataclass(slots=True)
class Part:
    """One block. ``lines`` hold paragraphs' or items' texts; ``rows`` the cells of a table, its first row the head."""

    kind: Literal["chapter", "section", "paragraph", "items", "table"]
    lines: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


def parts(text: str) -> list[Part]:
    """The document's blocks without its first line, which is the page's title."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found: list[Part] = []
    for kind, line in _kinds(lines[1:]):
        last = found[-1] if found else None
        joins = last is not None and last.kind == kind and kind in ("items", "table")
        part = last if joins and last is not None else Part(kind)
        if kind == "table":
            part.rows.append(_cells(line))
        else:
            part.lines.append(line)
        if not joins:
            found.append(part)
    for part in found:
        width = max((len(row) for row in part.rows), default=0)
        for row in part.rows:
            row.extend([""] * (width - len(row)))
    return found


def title(text: str) -> str:
    """The first line."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _kinds(lines: list[str]) -> Iterator[tuple[Literal["chapter", "section", "paragraph", "items", "table"], str]]:
    for line in lines:
        is_short = len(line) <= HEADING_MAX_CHARS and not line.endswith(_SENTENCE_END)
        if "|" in line:
            yield "table", line
        elif _CHAPTER.match(line) and is_short:
            yield "chapter", line
        elif _SECTION.match(line) and is_short:
            yield "section", line
        elif _ITEM.match(line):
            yield "items", line
        else:
            yield "paragraph", line


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.rstrip().removesuffix("|").split("|")]
