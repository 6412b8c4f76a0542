"""The worker's loop: claim a job, run it, record the end. Any number of them may run, in threads or processes."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from app.core import clock
from app.core.db import db
from app.core.jobs import queue
from app.core.unit_of_work import unit_of_work

if TYPE_CHECKING:
    from flask import Flask

log = logging.getLogger("portal.worker")
PAUSE_AFTER_ERROR = 5.0  # seconds, when the database does not answer
WAKE_SLICE = 0.25  # seconds: how soon a stop is seen while waiting


class LeaseLost(RuntimeError):
    """Somebody else took the job over; this run's transaction must not count."""


def run_worker(
    app: Flask, stop: threading.Event, *, once: bool = False, poll_seconds: float = 1.0, lane: str = ""
) -> int:
    """Run jobs of ``lane`` until ``stop`` is set; with ``once``, until nothing is due. Returns the number of jobs run.

    A job that was begun is finished before the loop ends.
    """
    done = 0
    while not stop.is_set():
        queue.wake.clear()
        try:
            worked = run_one(app, lane)
        except Exception:  # the database went away: wait, never die
            if once:
                raise
            log.exception("the worker could not take a job")
            stop.wait(PAUSE_AFTER_ERROR)
            continue
        done += worked
        if worked:
            continue
        if once:
            break
        _wait(stop, poll_seconds)
    return done


def run_one(app: Flask, lane: str = "") -> bool:
    """Take and run the next job; False when none was due."""
    with app.app_context():
        try:
            with unit_of_work(write=False):
                now = clock.now()
                if not queue.anything_due(now, lane):
                    return False
            with unit_of_work():
                if not lane:
                    queue.start_periods(now)
                job = queue.claim(now, lane)
            if job is None:
                return False
            _run(job)
            return True
        finally:
            db.session.remove()


def _run(job: queue.Claim) -> None:
    kind = queue.kinds[job.kind]
    try:
        if kind.outside:
            kind.run(job.payload)
            with unit_of_work():
                queue.finish(job)
        else:
            with unit_of_work():
                if not queue.finish(job):
                    raise LeaseLost
                kind.run(job.payload)
    except LeaseLost:
        log.warning("job %s %s was taken over", job.kind, job.id)
    except Exception as error:
        log.exception("job %s %s failed on attempt %d", job.kind, job.id, job.attempts)
        db.session.remove()
        with unit_of_work():
            queue.fail(job, str(getattr(error, "code", None) or type(error).__name__))


def _wait(stop: threading.Event, seconds: float) -> None:
    """Until something was enqueued in this process, the poll is due, or the worker is to stop."""
    end = time.monotonic() + seconds
    while not stop.is_set() and (left := end - time.monotonic()) > 0:
        if queue.wake.wait(min(left, WAKE_SLICE)):
            return
