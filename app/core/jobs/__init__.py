"""Jobs: work after the commit, in a table of our own, so that it is enqueued in the transaction of its cause.

``enqueue`` writes a row; workers (``flask worker``, any number) claim one at a time under a lease and run its
handler in a unit of work that records the completion too. A killed worker's job is taken again when its lease ends.
"""

from __future__ import annotations

import signal
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click
from flask import current_app
from flask.cli import with_appcontext

from app.core.jobs.models import Job, JobPeriod, JobState
from app.core.jobs.queue import cleanup, enqueue, every, handler, wake
from app.core.jobs.worker import run_one, run_worker

if TYPE_CHECKING:
    from app.core.web import Portal

__all__ = ["Job", "JobPeriod", "JobState", "enqueue", "every", "handler", "run_one", "run_worker", "wake"]

CLEANUP_EVERY = timedelta(hours=6)


@click.command("worker")
@click.option("--once", is_flag=True, help="Run what is due, then end.")
@click.option("--poll", default=1.0, show_default=True, help="Seconds between two looks at an empty queue.")
@with_appcontext
def worker_command(once: bool, poll: float) -> None:
    """Run background jobs until SIGTERM or SIGINT; the job in hand is finished first."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda _signal, _frame: stop.set())
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    run_worker(app, stop, once=once, poll_seconds=poll)


def install(app: Portal) -> None:
    """The command, and the cleaning of the job table itself."""
    app.cli.add_command(worker_command)

    @handler("jobs.cleanup")
    def _cleanup(_payload: dict[str, Any]) -> None:
        cleanup()

    every("jobs.cleanup", CLEANUP_EVERY)
