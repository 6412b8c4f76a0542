"""CPU of this process and of the database's backends, in interleaved pairs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg
from werkzeug.test import EnvironBuilder

BLOCK = 10  # requests per block: the kernel's clock of another process is read between blocks


class Backends:
    """CPU seconds of the PostgreSQL processes that serve one database; nothing on SQLite, which runs in this one."""

    def __init__(self, url: str) -> None:
        self.pids: list[int] = []
        if url.startswith("postgresql"):
            with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
                rows = connection.execute(
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
                    "AND backend_type = 'client backend'"  # a vacuum of the same database may end meanwhile
                )
                self.pids = [row[0] for row in rows]

    def seconds(self) -> float:
        """The scheduler's own account (nanoseconds on the CPU, user and system): finer than utime and stime."""
        return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in self.pids) / 1e9


def request(app: Callable[..., Any], path: str, cookie: str) -> tuple[str, str]:
    """One GET through the WSGI callable; status and body."""
    environ = EnvironBuilder(path=path, headers=[("Cookie", cookie)]).get_environ()
    status: list[str] = []
    answer = app(environ, lambda line, _headers, _info=None: status.append(line))
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    return status[0], body.decode()


def block(app: Callable[..., Any], paths: Sequence[str], cookie: str, backends: Backends) -> float:
    """Mean CPU seconds per request over one block."""
    before, server = time.process_time(), backends.seconds()
    for path in paths:
        status, _body = request(app, path, cookie)
        if not status.startswith("200"):
            raise RuntimeError(f"{path}: {status}")
    return (time.process_time() - before + backends.seconds() - server) / len(paths)


def pairs(
    portal: Callable[..., Any], hand: Callable[..., Any], path: str, cookie: str, url: str, count: int
) -> dict[str, float]:
    """Medians of ``count`` interleaved pairs: milliseconds of each side and the ratio."""
    for app in (portal, hand):
        for _ in range(BLOCK):
            request(app, path, cookie)
    backends = Backends(url)
    ours: list[float] = []
    theirs: list[float] = []
    for n in range(max(3, count // BLOCK)):
        for app, found in ((portal, ours), (hand, theirs)) if n % 2 else ((hand, theirs), (portal, ours)):
            found.append(block(app, [path] * BLOCK, cookie, backends))
    return {
        "portal_ms": statistics.median(ours) * 1e3,
        "hand_ms": statistics.median(theirs) * 1e3,
        "ratio": statistics.median(a / b for a, b in zip(ours, theirs, strict=True)),
    }
