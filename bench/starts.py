"""How long the portal takes to its first page, and what its processes hold in memory, beside a bare Flask app."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.registry import Run, bench
from scripts.postgres import _free_port as free_port

ROOT = Path(__file__).resolve().parent.parent
BARE = "from flask import Flask\napp = Flask(__name__)\n\n@app.get('/login')\ndef page():\n    return 'x' * 30_000\n"
REQUESTS = 100
PATIENCE = 600  # seconds for a first page


@bench("starts")
def starts(run: Run) -> None:
    """First and second start of `make run`'s command to the first page, and memory of its web worker and job worker."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        env = {
            **os.environ,
            "PORTAL_ENV": "development",
            "PORTAL_INSTANCE": f"{folder}/instance",
            "PYTHONPATH": str(ROOT),
        }
        for name in ("first start, with migration and demo data", "second start"):
            seconds, _held = serve(env, [sys.executable, "scripts/serve.py"], ROOT)
            run.line(f"{name}: {seconds:.1f} s to the first page")
        Path(folder, "bare.py").write_text(BARE)
        gunicorn = [
            sys.executable,
            "-m",
            "gunicorn",
            "-w",
            "1",
            "--threads",
            "4",
            "-k",
            "gthread",
            "--no-control-socket",
        ]
        found = {}
        for name, target, where in (("portal", "wsgi:app", ROOT), ("bare Flask", "bare:app", Path(folder))):
            seconds, found[name] = serve(env, [*gunicorn, "--log-level", "warning", target], where)
            run.line(
                f"web worker after {REQUESTS} pages, {name}: {found[name] / 1e6:.0f} MB (PSS); start {seconds:.1f} s"
            )
        run.line(f"ratio of the web workers: {found['portal'] / found['bare Flask']:.1f}")
        run.line(f"job worker: {job_worker(env) / 1e6:.0f} MB (PSS)")


def serve(env: dict[str, str], command: list[str], where: Path) -> tuple[float, float]:
    """Seconds until the first page is answered, and the PSS of the heaviest child after more pages, in bytes."""
    port = free_port()
    bound = [*command, "-b", f"127.0.0.1:{port}"] if "gunicorn" in command else command
    begun = time.perf_counter()
    with process(bound, {**env, "PORTAL_PORT": str(port)}, where) as pid:
        page = f"http://127.0.0.1:{port}/login"
        while not answers(page):
            if time.perf_counter() - begun > PATIENCE:
                raise RuntimeError(f"{command}: no page after {PATIENCE} s")
            time.sleep(0.05)
        seconds = time.perf_counter() - begun
        for _ in range(REQUESTS):
            answers(page)
        return seconds, max(map(pss, children(pid)), default=pss(pid))


def job_worker(env: dict[str, str]) -> float:
    """PSS of `flask worker` once it has run what is due at its start."""
    with process([sys.executable, "-m", "flask", "--app", "wsgi", "worker"], env, ROOT) as pid:
        time.sleep(10)
        return pss(pid)


@contextmanager
def process(command: list[str], env: dict[str, str], where: Path) -> Iterator[int]:
    """A process of its own group, ended with all its children."""
    child = subprocess.Popen(command, env=env, cwd=where, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield child.pid
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(30)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.read())
    except (urllib.error.URLError, OSError):
        return False


def children(pid: int) -> list[int]:
    found = [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*found, *(inner for child in found for inner in children(child))]


def pss(pid: int) -> float:
    """Proportional set size in bytes: shared pages count by the processes that share them."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
