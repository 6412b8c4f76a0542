"""What was read on a badge against what was claimed: 一致, 相近, 未找到, 证件无此栏. Pure functions.

A claim is compared with the value beside its label, or with a whole line or a part of one that blanks set off; never
with a piece of a word, since 设备科 is inside 设备科科长. A line that stands beside one label answers for no other.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple, Protocol, TypeVar

from app.registrations.checks import FIELDS


class Level(StrEnum):
    """How far the badge bears out a claim. A hint to a person, never a decision."""

    SAME = "same"
    NEAR = "near"
    MISSING = "missing"
    NO_FIELD = "no_field"  # the badge has no such line
    UNREAD = "unread"  # nothing was read: recognition is off, late, or gave up


class Box(NamedTuple):
    """An upright box in shares of the picture's width and height, 0 to 1."""

    left: float
    top: float
    right: float
    bottom: float

    def around(self, other: Box) -> Box:
        return Box(
            min(self.left, other.left), min(self.top, other.top), max(self.right, other.right),
            max(self.bottom, other.bottom),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One recognised line and where it stands."""

    text: str
    box: Box
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Hint:
    """What one photo says about one claim; ``read`` and ``box`` are of the line that answered."""

    level: Level
    read: str = ""
    box: Box | None = None


NUMBER = "number"
LABELS: Mapping[str, tuple[str, ...]] = {
    "name": ("姓名", "name"),
    "hospital": ("医院名称", "所在医院", "医院", "单位名称", "工作单位", "单位"),
    "department": ("所在科室", "科室", "部门"),
    "title": ("专业技术职务", "技术职称", "职称"),
    "position": ("职务", "岗位"),
    NUMBER: ("工号", "编号", "胸牌号", "证件编号", "no."),
}
# Badges carry these two without a label, so that none of them means 未找到 and not 证件无此栏
UNLABELLED = ("name", "hospital")
READ_WELL = 2  # labels that must have been read before the lack of another one says anything
BLANKS = " \t\u3000·•|/、，,；;"
_ALL_LABELS = sorted(((word, field) for field, words in LABELS.items() for word in words), key=lambda w: -len(w[0]))


def plain(text: str) -> str:
    """How texts are compared: full width made half, without blanks and punctuation, case folded."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if unicodedata.category(c)[0] in "LN")


def compare(claims: Mapping[str, str], lines: Sequence[Line]) -> dict[str, Hint]:
    """A hint per claimed field. Without any line: UNREAD for all."""
    if not lines:
        return {field: Hint(Level.UNREAD) for field in claims}
    beside = labelled(lines)
    glued = _glued(lines, {at for at, _line in beside.values()})
    said = {field for line in lines if (field := _label_of(line.text)[0])}
    taken = {at for at, _line in beside.values()}
    free = [line for at, line in enumerate(lines) if at not in taken and _label_of(line.text)[1]]
    hints = {}
    for field, claim in claims.items():
        found = [beside[field][1]] if field in beside else [*glued.get(field, ()), *_whole(field, free)]
        hint = _best(field, claim, found)
        if hint.level is Level.MISSING and _has_no_line(field, said):
            hint = Hint(Level.NO_FIELD)
        hints[field] = hint
    return hints


class Levelled(Protocol):
    """Anything that holds a level."""

    @property
    def level(self) -> Level: ...


Some = TypeVar("Some", bound=Levelled)


def best_of(hints: Iterable[Some]) -> Some | None:
    """Of several photos, the hint that bears out most."""
    order = (Level.SAME, Level.NEAR, Level.MISSING, Level.NO_FIELD, Level.UNREAD)
    return min(hints, key=lambda hint: order.index(hint.level), default=None)


def labelled(lines: Sequence[Line]) -> dict[str, tuple[int, Line]]:
    """Field → (index of the line, the value beside its label), with the photo turned upright."""
    quarter = upright(lines)
    best, _rows = _bind([turned(line, quarter) for line in lines])
    return {field: (at, Line(text, lines[at].box, lines[at].score)) for field, (at, text) in best.items()}


def upright(lines: Sequence[Line]) -> int:
    """Quarter turns, clockwise, after which lines lie flat and labels stand left of their values."""
    long = [line.box for line in lines if len(plain(line.text)) > 1]
    standing = sum(box.bottom - box.top > box.right - box.left for box in long) > len(long) / 2

    def rows(quarter: int) -> tuple[int, int]:
        bound, beside = _bind([turned(line, quarter) for line in lines])
        return beside, len(bound)

    return max((1, 3) if standing else (0, 2), key=rows)


def number_on(lines: Sequence[Line]) -> str:
    """The staff number, for comparing; empty where none was read."""
    beside = labelled(lines)
    found = [beside[NUMBER][1]] if NUMBER in beside else _glued(lines, set()).get(NUMBER, [])
    return plain(found[0].text) if found else ""


def _bind(lines: list[Line]) -> tuple[dict[str, tuple[int, str]], int]:
    """A label and its value are one line with a mark between, neighbours in a row, or stacked; and how many labels have
    their value in the same row."""
    found: dict[str, tuple[int, str]] = {}
    lone: list[tuple[str, Line]] = []
    taken, begun = set[int](), set[int]()
    for at, line in enumerate(lines):
        field, rest, parted = _label_of(line.text)
        if field is None:
            continue
        begun.add(at)
        if not rest:
            taken.add(at)
            lone.append((field, line))
        elif parted and field not in found:
            found[field] = (at, rest)
            taken.add(at)
    rows = 0
    for reach, barred in ((_gap_right, taken), (_gap_below, taken | begun)):
        for field, label in lone:
            near = [(gap, at) for at, line in enumerate(lines)
                    if at not in barred and (gap := reach(label.box, line.box)) is not None]  # fmt: skip
            if near and field not in found:
                at = min(near)[1]
                found[field] = (at, lines[at].text)
                taken.add(at)
                barred.add(at)
                rows += reach is _gap_right
    return found, rows


def _glued(lines: Sequence[Line], taken: set[int]) -> dict[str, list[Line]]:
    """Values that stand right behind their label: 科室内科. It may as well be one word (科室主任), so that the whole
    line counts too."""
    found: dict[str, list[Line]] = {}
    for at, line in enumerate(lines):
        field, rest, _parted = _label_of(line.text)
        if field and rest and at not in taken:
            found.setdefault(field, []).append(Line(rest, line.box, line.score))
    return found


def _label_of(text: str) -> tuple[str | None, str, bool]:
    """The field whose label the line begins with, what follows it (empty: the label alone), and whether a colon or
    a blank stands between. Without a label: (None, the text, False)."""
    folded = unicodedata.normalize("NFKC", text).strip()
    squeezed = "".join(folded.split()).casefold()
    for word, field in _ALL_LABELS:
        if squeezed.startswith(word):
            after = folded[_length_of(folded, word) :]
            rest = after.lstrip(":：.· \t")
            return field, rest if plain(rest) else "", after != rest
    return None, text, False


def _length_of(text: str, word: str) -> int:
    """Characters of ``text`` that spell ``word``, blanks between them included."""
    left = len(word)
    for at, char in enumerate(text):
        left -= not char.isspace()
        if not left:
            return at + 1
    return len(text)


def _gap_right(label: Box, value: Box) -> float | None:
    """How far right of the label the value begins, when both stand in one row; at most twelve label heights."""
    height = label.bottom - label.top
    overlap = min(label.bottom, value.bottom) - max(label.top, value.top)
    gap = value.left - label.right
    if overlap < 0.4 * min(height, value.bottom - value.top) or not -0.6 * height <= gap <= 12 * height:
        return None
    return gap


def _gap_below(label: Box, value: Box) -> float | None:
    """How far below the label the value begins, when it starts under it; at most one and a half label heights."""
    height, gap = label.bottom - label.top, value.top - label.bottom
    starts_under = abs(value.left - label.left) <= 1.5 * height
    return gap if starts_under and -0.3 * height <= gap <= 1.5 * height else None


def turned(line: Line, quarter: int) -> Line:
    """The line on the picture turned clockwise by quarters."""
    left, top, right, bottom = line.box
    for _ in range(quarter):
        left, top, right, bottom = 1 - bottom, left, 1 - top, right
    return Line(line.text, Box(left, top, right, bottom), line.score)


def _whole(field: str, free: Sequence[Line]) -> list[Line]:
    """Unlabelled lines; a hospital's name may run over two of them."""
    if field != "hospital":
        return list(free)
    return [*free, *(Line(a.text + b.text, a.box.around(b.box), min(a.score, b.score)) for a, b in pairwise(free))]


def _best(field: str, claim: str, lines: Sequence[Line]) -> Hint:
    wanted = plain(claim)
    best = Hint(Level.MISSING)
    for line in lines if wanted else ():
        for text in (line.text, *_parts(line.text)):
            said = plain(text)
            if said == wanted:
                return Hint(Level.SAME, text, line.box)
            if best.level is Level.MISSING and _near(field, wanted, said):
                best = Hint(Level.NEAR, text, line.box)
    return best


def _parts(text: str) -> list[str]:
    """Pieces that blanks or strokes set off; none where the line is one piece."""
    for mark in BLANKS:
        text = text.replace(mark, " ")
    parts = text.split()
    return parts if len(parts) > 1 else []


def _near(field: str, wanted: str, said: str) -> bool:
    """Close enough to look again: names by one character, of two characters the second; others by a fifth."""
    if field == "name":
        return edits(wanted, said, 1) <= 1 and (len(wanted) > 2 or wanted[:1] == said[:1]) and len(said) > 1
    allowed = max(1, len(wanted) // 5)
    return len(wanted) > 2 and len(said) > 2 and edits(wanted, said, allowed) <= allowed


def edits(a: str, b: str, enough: int) -> int:
    """Edit distance (Levenshtein), or more than ``enough`` as soon as that is certain."""
    if abs(len(a) - len(b)) > enough:
        return enough + 1
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
        if min(row) > enough:
            return enough + 1
    return row[-1]


def _has_no_line(field: str, label_fields: set[str]) -> bool:
    return field in FIELDS and field not in UNLABELLED and field not in label_fields and len(label_fields) >= READ_WELL
