"""Jobs of the audit log: a checkpoint every hour, a verification every day and whenever somebody asks for one."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from app.core import jobs
from app.core.audit import checkpoint
from app.core.audit.verify import verify_and_remember

log = logging.getLogger("portal.audit")
CHECKPOINT, VERIFY = "audit.checkpoint", "audit.verify"
CHECKPOINT_EVERY = timedelta(hours=1)
VERIFY_EVERY = timedelta(hours=24)
VERIFY_LEASE = timedelta(hours=1)


def _write(_payload: dict[str, Any]) -> None:
    checkpoint.write()


def _verify(_payload: dict[str, Any]) -> None:
    for finding in verify_and_remember().findings:
        log.critical("audit log: %s", finding)


def install() -> None:
    """Both run outside of a transaction: they talk to the checkpoint store, and bear being run twice."""
    jobs.handler(CHECKPOINT, outside=True)(_write)
    jobs.handler(VERIFY, outside=True, lease=VERIFY_LEASE, max_attempts=3)(_verify)
    jobs.every(CHECKPOINT, CHECKPOINT_EVERY)
    jobs.every(VERIFY, VERIFY_EVERY)
