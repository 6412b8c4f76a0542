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


def request(app: Callable[..., Any], path: str, cookie: str, form: dict[str, str] | None = None) -> tuple[str, str]:
    """One GET through the WSGI callable, with ``form`` a POST; status and body."""
    more: dict[str, Any] = {} if form is None else {"method": "POST", "data": form}
    environ = EnvironBuilder(path=path, headers=[("Cookie", cookie)], **more).get_environ()
    status: list[str] = []
    answer = app(environ, lambda line, _headers, _info=None: status.append(line))
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    return status[0], body.decode()


def block(
    app: Callable[..., Any],
    paths: Sequence[str],
    cookie: str,
    backends: Backends,
    form: dict[str, str] | None = None,
) -> float:
    """Mean CPU seconds per request over one block; with ``form`` of posts, which redirect."""
    before, server = time.process_time(), backends.seconds()
    for path in paths:
        status, _body = request(app, path, cookie, form)
        if not status.startswith("200" if form is None else "303"):
            raise RuntimeError(f"{path}: {status}")
    return (time.process_time() - before + backends.seconds() - server) / len(paths)


def pairs(
    portal: Callable[..., Any],
    hand: Callable[..., Any],
    path: str,
    cookie: str,
    url: str,
    count: int,
    hand_path: str | None = None,
) -> dict[str, float]:
    """Medians of ``count`` interleaved pairs: milliseconds of each side and the ratio."""
    sides = (portal, path), (hand, hand_path or path)
    for app, asked in sides:
        for _ in range(BLOCK):
            request(app, asked, cookie)
    backends = Backends(url)
    found: tuple[list[float], list[float]] = ([], [])
    for n in range(max(3, count // BLOCK)):
        for side in (0, 1) if n % 2 else (1, 0):
            app, asked = sides[side]
            found[side].append(block(app, [asked] * BLOCK, cookie, backends))
    return medians(*found)


def medians(ours: list[float], theirs: list[float]) -> dict[str, float]:
    """Of blocks measured side by side: milliseconds of each side and the ratio."""
    return {
        "portal_ms": statistics.median(ours) * 1e3,
        "hand_ms": statistics.median(theirs) * 1e3,
        "ratio": statistics.median(a / b for a, b in zip(ours, theirs, strict=True)),
    }
