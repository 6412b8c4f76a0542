"""`make run`: migrate, load the demo once, start web server and worker together; Ctrl-C ends all of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
HOST, PORT = "127.0.0.1", int(os.environ.get("PORTAL_PORT", "8000"))


def fail(message: str) -> None:
    print(message, file=sys.stderr)
    sys.exit(1)


def main() -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, PORT))
        except OSError:
            fail(f"port {PORT} on {HOST} is in use; stop what runs there or set PORTAL_PORT")
    import config

    try:
        settings = config.load()
    except config.ConfigError as error:
        fail(str(error))
    os.chdir(ROOT)
    from app import create_app
    from app.cli.database import upgrade
    from app.cli.demo import announce, load_once

    app = create_app(settings)
    upgrade(app)
    with app.app_context():
        load_once(app)
        announce(app, f"http://{HOST}:{PORT}")
    supervise(
        [
            [sys.executable, "-m", "gunicorn", "-b", f"{HOST}:{PORT}", "-w", "2", "--threads", "4", "-k", "gthread",
             "--no-control-socket", "--log-level", "warning", "wsgi:app"],
            [sys.executable, "-m", "flask", "--app", "wsgi", "worker"],
        ],
        [[sys.executable, "-m", "flask", "--app", "wsgi", "recognise"]] if settings.recognition else [],
    )  # fmt: skip


def supervise(commands: list[list[str]], dispensable: list[list[str]]) -> None:
    """Run all; when one ends or we are told to stop, end all. The end of a dispensable one is said, and no more."""
    helpers = [subprocess.Popen(command, start_new_session=True) for command in dispensable]
    children = [*helpers, *(subprocess.Popen(command, start_new_session=True) for command in commands)]

    told = threading.Event()

    def stop(*_args: object) -> None:
        told.set()
        for child in children:
            if child.poll() is None:
                child.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    pid, status = os.wait()
    while not told.is_set() and pid in [helper.pid for helper in helpers]:
        print(f"a helper ended, the portal goes on without it (status {status})", file=sys.stderr, flush=True)
        pid, status = os.wait()
    stop()
    for child in children:
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()
    sys.exit(0 if os.waitstatus_to_exitcode(status) in (0, -signal.SIGTERM, -signal.SIGINT) else 1)


if __name__ == "__main__":
    main()
