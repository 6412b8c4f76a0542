"""Words for stories about hints: a stub reader, what stands on a card, and the recogniser at work."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from app.core import clock, jobs
from app.core.web import Portal
from app.registrations.hints import recogniser, work
from app.registrations.hints.matching import Box, Line
from tests.features.registrations.story import MONDAY

STUB = Path(__file__).resolve().parents[2] / "stubs" / "reader.py"
CARD = (("华东第一示范医院", ""), ("姓名", "冯虚构"), ("科室", "消化内镜中心"), ("职称", "主管护师"), ("职务", "护士长"),
        ("工号", "YB-000777"))  # fmt: skip


def card(rows: Sequence[tuple[str, str]] = CARD, *, turn: int = 0) -> list[list[Any]]:
    """Lines as a reader sends them: label left, value right, one row below the other; turned clockwise by quarters."""
    from app.registrations.hints.matching import turned

    found = []
    for n, (label, value) in enumerate(rows):
        top = 0.1 + n * 0.12
        parts = [(label, 0.30, 0.38), (value, 0.42, 0.60)] if value else [(label, 0.1, 0.6)]
        for text, left, right in parts:
            line = turned(Line(text, Box(left, top, right, top + 0.05), 0.99), turn)
            found.append([line.text, line.score, *line.box])
    return found


def lines(rows: Sequence[tuple[str, str]] = CARD, *, turn: int = 0) -> list[Line]:
    return [Line(text, Box(*box), score) for text, score, *box in card(rows, turn=turn)]


class Stub:
    """The stub's folder: what it will do, and how often a process was started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.say("answer")
        self.stands(card())
        self.shares(0.97)

    def say(self, words: str) -> None:
        (self.folder / "words").write_text(words)

    def stands(self, found: list[list[Any]]) -> None:
        (self.folder / "lines.json").write_text(json.dumps(found))

    def shares(self, share: float | None) -> None:
        (self.folder / "share").write_text(json.dumps(share))

    @property
    def started(self) -> int:
        path = self.folder / "started"
        return len(path.read_text()) if path.exists() else 0

    def reader(self, limit: float = 30.0) -> recogniser.Reader:
        return recogniser.Reader((sys.executable, str(STUB), str(self.folder)), limit=limit)


@contextmanager
def recognising(app: Portal, folder: Path, limit: float = 30.0) -> Iterator[Stub]:
    """A portal that queues its photos, with the stub as its reader."""
    stub = Stub(folder)
    app.extensions["settings"] = replace(app.extensions["settings"], recognition=True)
    reader = app.extensions[work.READER] = stub.reader(limit)
    try:
        yield stub
    finally:
        reader.close()


def run(app: Portal, at: datetime = MONDAY, *, lane: str = recogniser.LANE) -> int:
    """Everything that is due on a lane; how many jobs that was."""
    with clock.frozen(at):
        return jobs.run_worker(app, threading.Event(), once=True, lane=lane)


def run_all(app: Portal, at: datetime = MONDAY) -> None:
    """Both lanes until nothing is left, in the order in which a running portal would."""
    while run(app, at, lane="") + run(app, at):
        pass
