"""A whole portal for the browser: web server and worker as processes, their console lines, and Chromium."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("PORTAL_TEST_CHROMIUM", "")
PASSWORD = "a quiet river under old pines"
LOAD = """
import random
import sqlalchemy as sa
from app import create_app
from app.core import numbers
from app.core.db import db
from app.core.outbox import Message
from app.core.unit_of_work import unit_of_work
from app.cli.database import upgrade
from app.cli.demo import cases, directory, staff
app = create_app()
upgrade(app)
with app.app_context():
    directory.load(random.Random(7), 40)
    staff.load({password!r})
    cases.load(random.Random(8), 24)
    with unit_of_work():
        numbers.change("undo_seconds", "10", None)
        db.session.execute(sa.update(Message).values(state="cancelled"))
"""


@dataclass
class Live:
    """A running portal: its address, its folder, and what the console channel printed."""

    url: str
    folder: Path
    log: Path

    def messages(self) -> list[dict[str, object]]:
        lines = (line for line in self.log.read_text().splitlines() if line.startswith('{"channel"'))
        return [json.loads(line) for line in lines]

    def wait_for(self, found: Callable[[], object], what: str, seconds: float = 30) -> object:
        """Poll for something that happens in another process; fails with ``what`` and the end of the log."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := found():
                return value
            time.sleep(0.05)
        raise AssertionError(f"{what} did not happen\n{self.log.read_text()[-3000:]}")


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("live")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {**os.environ, "PORTAL_ENV": "development", "PORTAL_INSTANCE": str(folder), "PYTHONUNBUFFERED": "1"}
    environ.pop("PORTAL_DATABASE_URL", None)
    subprocess.run(
        [sys.executable, "-c", LOAD.format(password=PASSWORD)], cwd=ROOT, env=environ, check=True, capture_output=True
    )
    log = folder / "log"
    commands = (
        [
            "-m",
            "gunicorn",
            "-b",
            f"127.0.0.1:{port}",
            "-w",
            "1",
            "--threads",
            "4",
            "-k",
            "gthread",
            "--no-control-socket",
            "wsgi:app",
        ],
        ["-m", "flask", "--app", "wsgi", "worker"],
    )
    with log.open("w") as out:
        processes = [
            subprocess.Popen([sys.executable, *c], cwd=ROOT, env=environ, stdout=out, stderr=subprocess.STDOUT)
            for c in commands
        ]
        portal = Live(f"http://127.0.0.1:{port}", folder, log)
        try:
            portal.wait_for(lambda: _answers(portal.url + "/login"), "the first page", seconds=120)
            yield portal
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(20)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.status == 200
    except OSError:
        return False


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    if not CHROMIUM:
        pytest.fail("no Chromium: run the suite with make test, which finds or installs one")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-sync",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def badge() -> bytes:
    """A drawn badge as a phone takes it."""
    from app.cli.demo import badges

    card = badges.Badge("东海示范人民医院", "冯虚构", "消化内镜中心", "主管护师", "护士长", "YB-000777")
    return badges.draw(card, random.Random(3), "plain")
