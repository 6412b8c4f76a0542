"""The solver in a process of its own: a snapshot goes in, a plan comes out, and nothing else is shared.

The child has no database, no keys and none of the worker's environment. It says how far it is, line by line; it is
ended when the plan is called off, when its time is over, and by itself when nobody listens any more.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import IO, Any

from app.core.errors import DomainError
from app.dispatch.planner import cost, snapshot, split

ROOT = Path(__file__).parents[3]
GRACE = 60.0  # seconds for starting, for building the model and for the way there and back
LOOK = 1.0  # seconds between two looks whether the plan is still wanted
KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV")


class SolverFailed(DomainError):
    """The process ended without a plan. ``code`` says how."""

    status, code = 500, "solver_failed"


def solve(text: str, seconds: float, tell: Callable[[int], None]) -> dict[str, Any]:
    """The plan as plain values. ``tell`` hears of tickets done; what it raises ends the process and goes on.

    Raises SolverFailed.
    """
    command = [sys.executable, "-m", "app.dispatch.planner.process"]
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT, env=environment,
        text=True,
    ) as child:  # fmt: skip
        try:
            return _listen(child, text, time.monotonic() + seconds + GRACE, tell)
        finally:
            child.kill()


def _listen(child: subprocess.Popen[str], text: str, ends: float, tell: Callable[[int], None]) -> dict[str, Any]:
    if child.stdin is None or child.stdout is None:
        raise AssertionError("a child without pipes")
    try:
        child.stdin.write(text)
        child.stdin.close()
    except BrokenPipeError as error:
        raise SolverFailed() from error
    with selectors.DefaultSelector() as ready:
        ready.register(child.stdout, selectors.EVENT_READ)
        done = 0
        while time.monotonic() < ends:
            if ready.select(LOOK):
                line = child.stdout.readline()
                if not line:
                    raise SolverFailed()
                said = json.loads(line)
                if "plan" in said:
                    return dict(said["plan"])
                done = said["done"]
            tell(done)
    raise SolverFailed(code="solver_too_slow")


def main(given: IO[str], answer: IO[str]) -> None:
    """The child's part."""

    def say(what: Mapping[str, Any]) -> None:
        print(json.dumps(what, separators=(",", ":")), file=answer, flush=True)

    week = snapshot.from_json(given.read())
    found = split.plan(week, lambda done, _all: say({"done": done}))
    say({"plan": as_values(week, found)})


def as_values(week: snapshot.Snapshot, found: split.Plan) -> dict[str, Any]:
    """A plan as it is stored; ``before`` is what would be without it."""
    current = [job.current if job.current and cost.pair_at(job, job.current) else None for job in week.jobs]
    return {
        "assignment": [None if place is None else list(place) for place in found.assignment],
        "after": asdict(found.figures), "before": asdict(_standing(week, current)), "bound": found.bound,
        "start": found.start_cost, "cut_short": found.cut_short, "parts": [asdict(part) for part in found.parts],
        "solver": version(),
    }  # fmt: skip


def _standing(week: snapshot.Snapshot, current: list[cost.Place | None]) -> cost.Figures:
    """What stands now; where offers overlap it is counted as far as there is room."""
    try:
        return cost.figures(week, current)
    except ValueError:
        return cost.figures(week, [None] * len(week.jobs))


def version() -> str:
    """Of the solver and of the snapshot's format: the same two give the same plan."""
    return f"cp-sat {metadata.version('ortools')}, format {snapshot.FORMAT}"


if __name__ == "__main__":
    main(sys.stdin, sys.stdout)
