"""A folder in memory for what a test run writes and throws away: on disk, copying databases costs more than testing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

SHARED = Path("/dev/shm")
ENOUGH_BYTES = 3 * 1024**3  # two workers' databases, their log, and the files of one run


def place() -> str | None:
    """Where such folders go: the machine's memory file system when it has room, else the usual place (None)."""
    if not (SHARED.is_dir() and os.access(SHARED, os.W_OK)):
        return None
    return str(SHARED) if shutil.disk_usage(SHARED).free >= ENOUGH_BYTES else None
