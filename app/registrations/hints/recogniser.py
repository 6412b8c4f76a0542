"""The recogniser: keeps one reader process, gives it photos one at a time, and kills it when one takes too long.

``flask recognise`` runs it: the only worker that takes jobs of the lane `LANE`, and one per machine, since the models
hold half a gigabyte. Whatever happens to it, the portal goes on: fields say 未识别.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import config
from app.registrations.hints import reader

log = logging.getLogger("portal.recogniser")
LANE = "recogniser"
LIMIT = 20.0  # seconds for one photo; the reader is killed beyond it
START_LIMIT = 90.0  # seconds to load the models, on a busy machine
COMMAND = (sys.executable, "-m", "app.registrations.hints.reader")
KEPT = ("PATH", "LANG", "LC_ALL", "HOME", "TMPDIR", "SYSTEMROOT", "PYTHONPATH")  # no setting, no key


class ReaderFailed(RuntimeError):
    """No answer for this photo. ``code``: ``timeout`` (killed), ``crashed`` (it died), ``refused`` (it said so)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Reader:
    """A handle on the reader process; started at first use and again after a kill. Not thread safe: one at a time."""

    def __init__(self, command: Sequence[str] = COMMAND, limit: float = LIMIT) -> None:
        self.command, self.limit = tuple(command), limit
        self.process: subprocess.Popen[bytes] | None = None
        self.engine = ""
        self._lock = threading.Lock()

    def read(self, jpeg: bytes) -> dict[str, Any]:
        """Lines of text of one photo (see `reader.read`). Raises ReaderFailed."""
        return self._ask({"do": "read"}, jpeg)

    def align(self, one: bytes, other: bytes, turns: Sequence[tuple[int, bool]]) -> float | None:
        """How much of ``one`` is found again in ``other``, 0 to 1; None when it cannot be told. Raises ReaderFailed."""
        turned = [[quarter, int(mirror)] for quarter, mirror in turns]
        share: float | None = self._ask({"do": "align", "turns": turned}, one, other)["share"]
        return share

    def close(self) -> None:
        """End the process, if there is one."""
        process, self.process = self.process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):  # what could not be sent is of no use any more
                if pipe is not None:
                    pipe.close()

    def _ask(self, question: dict[str, Any], *pictures: bytes) -> dict[str, Any]:
        with self._lock:
            process = self._running()
            answer = self._exchange(process, self.limit, json.dumps(question).encode(), *pictures)
        if "error" in answer:
            log.warning("the reader refused a photo: %s", answer["error"])
            raise ReaderFailed("refused")
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self.process is None or self.process.poll() is not None:
            self.close()
            environ = {name: os.environ[name] for name in KEPT if name in os.environ}
            environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            self.process = subprocess.Popen(
                self.command, cwd=config.ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            self.engine = self._exchange(self.process, START_LIMIT)["engine"]
        return self.process

    def _exchange(self, process: subprocess.Popen[bytes], seconds: float, *frames: bytes) -> dict[str, Any]:
        """Send the frames, wait for one; after ``seconds`` the process is killed, whatever it is doing."""
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Event()

        def give_up() -> None:
            late.set()
            process.kill()

        watch = threading.Timer(seconds, give_up)
        watch.daemon = True
        watch.start()
        try:
            for frame in frames:
                reader.send(process.stdin, frame)
            answer: dict[str, Any] = json.loads(reader.receive(process.stdout))
            return answer
        except (EOFError, OSError, ValueError):
            self.close()
            code = "timeout" if late.is_set() else "crashed"
            log.warning("the reader is gone: %s", code)
            raise ReaderFailed(code) from None
        finally:
            watch.cancel()


def missing() -> str | None:
    """Why no recogniser can run here, as a sentence for an operator; None when one can."""
    from importlib.util import find_spec

    absent = [name for name in ("rapidocr", "onnxruntime", "cv2") if find_spec(name) is None]
    if not absent:
        return None
    return f"text recognition is not installed ({', '.join(absent)}): pip install -r requirements-ocr.txt"


@contextmanager
def only_one(instance: Path) -> Iterator[bool]:
    """Whether this is the only recogniser of this machine; the claim ends with the process, however it ends."""
    instance.mkdir(parents=True, exist_ok=True)
    with (instance / "recogniser.lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


def until_told() -> threading.Event:
    """Set by SIGTERM and SIGINT; the photo in hand is finished first."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda _signal, _frame: stop.set())
    return stop
