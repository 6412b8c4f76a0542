"""What a deadline costs, beside the same answer found minute by minute."""

from __future__ import annotations

import random
import time
from datetime import timedelta

from app.core.calendar.worktime import CalendarMissing
from app.tickets.sla.metrics import Metric
from app.tickets.sla.reckoning import Pause, Run, due
from bench.registry import Run as Asked
from bench.registry import bench
from tests.features.tickets.test_sla_reckoning import CHINA, MINUTE, YEAR, oracle

CASES = 10_000
SEED = 20261125
BUDGETS = (1, 30, 60, 240, 480, 1440, 2880)  # minutes
PAUSES = 5  # fewer than, in each case
R = Metric.RESOLUTION


@bench("sla")
def sla(run: Asked) -> None:
    """Ten thousand random deadlines against a walk over the minutes of the year; microseconds of each."""
    dice = random.Random(SEED)
    ours = walk = 0.0
    equal = beyond = 0
    for _case in range(CASES):
        start, budget = dice.randrange(290 * 1440), dice.choice(BUDGETS)
        off = [(max(0, a), max(0, a + dice.randrange(1, 6_000))) for a in _begins(dice, start)]
        clock = Run(R, budget * MINUTE, (YEAR + start * MINUTE,))
        pauses = [Pause(YEAR + a * MINUTE, YEAR + b * MINUTE, frozenset({R})) for a, b in off]
        began = time.process_time()
        expected = oracle(start, budget, off)
        walk += time.process_time() - began
        began = time.process_time()
        try:
            found = due(clock, pauses, CHINA)
        except CalendarMissing:
            found = None
        ours += time.process_time() - began
        if found != (None if expected is None else YEAR + timedelta(minutes=expected)):
            raise RuntimeError(f"seed {SEED}: start {start}, budget {budget}, pauses {off}")
        equal, beyond = equal + 1, beyond + (expected is None)
    run.line(f"seed {SEED}: {equal:,} of {CASES:,} equal, {beyond:,} of them refused beyond the loaded year")
    run.line(f"{ours / CASES * 1e6:.1f} µs a deadline, {walk / CASES * 1e6:.0f} µs by minutes; ratio {walk / ours:.0f}")


def _begins(dice: random.Random, start: int) -> list[int]:
    return [start + dice.randrange(-600, 12_000) for _pause in range(dice.randrange(PAUSES))]
