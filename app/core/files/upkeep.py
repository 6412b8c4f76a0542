"""The job that erases files whose time has come, and completes erasures that were cut off.

Nobody can read them meanwhile (see `vault`); the job is what makes key and object go.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from app.core import jobs
from app.core.files import vault
from app.core.keys import ledger
from app.core.unit_of_work import unit_of_work

ERASE = "files.erase"
EVERY = timedelta(minutes=10)
BATCH = 20  # each file is a key and an object: a transaction stays well under a second


def erase(_payload: dict[str, Any] | None = None) -> None:
    """Mark all that is due, then finish all that is marked. Raises Unavailable when a store is down: tried again."""
    for step in (vault.erase_due, vault.finish_erasures):
        while _batch(step):
            pass


def _batch(step: Callable[[int], int]) -> int:
    with unit_of_work():
        return step(BATCH)


def install() -> None:
    """Register the handler and its rhythm, and what a restore has to do again."""
    ledger.replayers.add("files", vault.replay)
    jobs.handler(ERASE, outside=True)(erase)
    jobs.every(ERASE, EVERY)
