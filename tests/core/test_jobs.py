"""Jobs: in the caller's transaction, each once over several workers, killed workers, retries, periods."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock, jobs
from app.core.db import db
from app.core.jobs import Job, JobPeriod, JobState, queue
from app.core.unit_of_work import WriteOnRead, unit_of_work
from app.core.web import Portal
from tests.core.mechanism_app import SampleEffect, mechanism_app


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Portal]:
    with mechanism_app(tmp_path) as opened:
        yield opened


def enqueue(**kw: Any) -> Any:
    with unit_of_work():
        return jobs.enqueue("sample.effect", {"number": kw.pop("number", 1)}, **kw)


def run(app: Portal) -> int:
    return jobs.run_worker(app, threading.Event(), once=True)


def numbers() -> list[int]:
    found = sorted(db.session.scalars(sa.select(SampleEffect.number)))
    db.session.rollback()
    return found


def the_job() -> Job:
    db.session.expire_all()
    found = db.session.scalars(sa.select(Job)).one()
    db.session.expunge(found)  # else reading it later would keep an old snapshot open
    db.session.rollback()
    return found


def spawn(folder: Path, act: str, *args: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.core.mechanism_app", act, str(folder), *args])


def test_a_job_runs_after_its_cause_was_committed_and_records_its_end(app: Portal) -> None:
    enqueue()
    assert run(app) == 1
    assert numbers() == [1]
    job = the_job()
    assert (job.state, job.attempts, job.locked_by) == (JobState.DONE, 1, None)
    assert job.finished_at is not None
    assert run(app) == 0


def test_a_job_of_a_transaction_that_was_given_up_never_runs(app: Portal) -> None:
    with pytest.raises(ZeroDivisionError), unit_of_work():
        jobs.enqueue("sample.effect", {"number": 1})
        raise ZeroDivisionError
    assert run(app) == 0


def test_a_read_cannot_enqueue(app: Portal) -> None:
    for frame in ({"write": False}, {"write": True, "evidence_only": True}):
        with pytest.raises(WriteOnRead), unit_of_work(**frame):
            jobs.enqueue("sample.effect")


def test_a_job_waits_for_its_time(app: Portal) -> None:
    enqueue(run_at=clock.now() + timedelta(hours=1))
    assert run(app) == 0
    with clock.advanced(timedelta(hours=2)):
        assert run(app) == 1


def test_a_key_keeps_one_waiting_job_at_the_earlier_time(app: Portal) -> None:
    now = clock.now()
    first = enqueue(key="k", run_at=now + timedelta(hours=2))
    assert enqueue(key="k", run_at=now + timedelta(hours=1)) == first
    assert enqueue(key="k", run_at=now + timedelta(hours=3)) == first
    assert the_job().run_at == now + timedelta(hours=1)
    with clock.advanced(timedelta(hours=4)):
        assert run(app) == 1
    assert enqueue(key="k") != first  # a done one does not count


def test_a_running_job_does_not_swallow_a_newer_one_of_its_key(app: Portal) -> None:
    first = enqueue(key="k")
    with unit_of_work():
        claimed = queue.claim(clock.now())
    assert claimed is not None and claimed.id == first
    second = enqueue(key="k", number=2)
    assert second != first
    with unit_of_work():
        queue.fail(claimed, "late")  # it gives way to the newer one
    assert run(app) == 1
    assert numbers() == [2]


def test_the_effects_of_a_failed_attempt_are_rolled_back_and_it_is_tried_again_later(app: Portal) -> None:
    fails = [True]

    def fragile(payload: dict[str, Any]) -> None:
        db.session.add(SampleEffect(number=payload["number"]))
        db.session.flush()
        if fails:
            fails.pop()
            raise ValueError("样例")

    jobs.handler("sample.fragile")(fragile)
    with unit_of_work():
        jobs.enqueue("sample.fragile", {"number": 5})
    assert run(app) == 1
    assert numbers() == []
    job = the_job()
    assert (job.state, job.last_error, job.locked_until) == (JobState.READY, "ValueError", None)
    assert run(app) == 0
    with clock.advanced(queue.FIRST_RETRY + timedelta(seconds=1)):
        assert run(app) == 1
    assert numbers() == [5]


def test_a_job_that_always_fails_is_dead_in_the_end(app: Portal) -> None:
    def broken(_payload: dict[str, Any]) -> None:
        raise ValueError

    jobs.handler("sample.broken", max_attempts=3)(broken)
    with unit_of_work():
        jobs.enqueue("sample.broken")
    for hours in range(1, 6):
        with clock.advanced(timedelta(hours=hours * 2)):
            run(app)
    job = the_job()
    assert (job.state, job.attempts) == (JobState.DEAD, 3)


def test_a_job_that_kills_its_worker_each_time_is_buried(app: Portal) -> None:
    jobs.handler("sample.killer", max_attempts=2)(lambda _payload: None)
    with unit_of_work():
        jobs.enqueue("sample.killer")
    for hours in (0, 1):
        with clock.advanced(timedelta(hours=hours)), unit_of_work():
            assert queue.claim(clock.now()) is not None  # and is killed here
    with clock.advanced(timedelta(hours=2)):
        assert run(app) == 0
    assert (the_job().state, the_job().last_error) == (JobState.DEAD, "killed")


def test_jobs_without_a_handler_wait(app: Portal) -> None:
    with unit_of_work():
        jobs.enqueue("sample.nobody_knows_it")
    assert run(app) == 0
    assert the_job().state == JobState.READY


def test_a_worker_whose_lease_was_taken_over_leaves_no_effect(app: Portal) -> None:
    enqueue()
    with unit_of_work():
        slow = queue.claim(clock.now())
    with clock.advanced(timedelta(hours=1)):
        assert run(app) == 1
    assert slow is not None
    jobs.worker._run(slow)
    assert numbers() == [1]


def test_a_thousand_jobs_over_four_processes_run_once_each(app: Portal, tmp_path: Path) -> None:
    with unit_of_work():
        for number in range(1000):
            jobs.enqueue("sample.effect", {"number": number})
    workers = [spawn(tmp_path, "work") for _ in range(4)]
    assert [worker.wait(300) for worker in workers] == [0, 0, 0, 0]
    assert numbers() == list(range(1000))
    states = Counter(db.session.execute(sa.select(Job.state, Job.attempts)).tuples())
    assert states == {(JobState.DONE, 1): 1000}


def test_a_worker_killed_in_the_middle_leaves_the_effect_exactly_once(app: Portal, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    with unit_of_work():
        jobs.enqueue("sample.slow", {"number": 3, "flag": str(flag), "seconds": 60})
    worker = spawn(tmp_path, "work")
    wait_for(flag.exists)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert numbers() == []
    assert the_job().state == JobState.RUNNING
    assert run(app) == 0  # its lease still stands
    jobs.handler("sample.slow")(lambda payload: effect_of(payload))
    with clock.advanced(queue.LEASE + timedelta(seconds=5)):
        assert run(app) == 1
    assert numbers() == [3]
    assert (the_job().state, the_job().attempts) == (JobState.DONE, 2)


def effect_of(payload: dict[str, Any]) -> None:
    db.session.add(SampleEffect(number=payload["number"]))


def test_an_outside_handler_runs_without_a_transaction(app: Portal) -> None:
    seen: list[bool] = []

    def outside(_payload: dict[str, Any]) -> None:
        seen.append(db.session().in_transaction())
        with unit_of_work():
            db.session.add(SampleEffect(number=9))

    jobs.handler("sample.outside", outside=True)(outside)
    with unit_of_work():
        jobs.enqueue("sample.outside")
    assert run(app) == 1
    assert (seen, numbers(), the_job().state) == ([False], [9], JobState.DONE)


def test_a_period_starts_once_over_several_workers(app: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "periods", {})  # they are kept per process: what is added here goes with the test
    jobs.handler("sample.period")(lambda _payload: effect_of({"number": 1}))
    jobs.every("sample.period", timedelta(hours=1))
    assert run(app) == 0  # first seen: due in an hour
    with clock.advanced(timedelta(minutes=61)):
        threads = [threading.Thread(target=copy_context_run(app)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert numbers() == [1]
    with clock.advanced(timedelta(minutes=122)):
        assert run(app) == 1
    assert numbers() == [1, 1]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(JobPeriod)) == 1


def copy_context_run(app: Portal) -> Any:
    import contextvars

    held = contextvars.copy_context()
    return lambda: held.run(lambda: jobs.run_worker(app, threading.Event(), once=True))


def test_old_done_jobs_are_deleted_and_others_are_kept(app: Portal) -> None:
    enqueue()
    run(app)
    enqueue(run_at=clock.now() + timedelta(days=30))
    with clock.advanced(timedelta(days=8)), unit_of_work():
        assert queue.cleanup() == 1
    assert the_job().state == JobState.READY


def test_a_waiting_worker_wakes_on_a_commit_in_its_process_and_stops_when_told(app: Portal) -> None:
    stop = threading.Event()
    worker = threading.Thread(target=jobs.run_worker, args=(app, stop), kwargs={"poll_seconds": 60})
    worker.start()
    time.sleep(0.3)
    started = time.monotonic()
    enqueue()
    wait_for(lambda: numbers() == [1])
    assert time.monotonic() - started < 10
    stop.set()
    worker.join(10)
    assert not worker.is_alive()


def test_sigterm_ends_the_command_well(app: Portal, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    with unit_of_work():
        jobs.enqueue("sample.slow", {"number": 3, "flag": str(flag), "seconds": 1})
    worker = spawn(tmp_path, "command")
    wait_for(flag.exists)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    assert numbers() == [3]  # what was begun is finished
    assert os.environ["PORTAL_TEST_SCHEMA"]


def wait_for(condition: Any, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
