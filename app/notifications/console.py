"""The console channel of development and tests: one JSON line on standard output instead of the network.

It replaces the edge of every channel and keeps the channel's name in the line. It cannot be made in production.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping

import config

_lock = threading.Lock()


class Console:
    """Writes messages where a person or a script can read them. Raises ConfigError in production."""

    def __init__(self, settings: config.Settings) -> None:
        if settings.production or not settings.console_channel:
            raise config.ConfigError("the console channel cannot be used when PORTAL_ENV=production")

    def write(self, channel: str, to: str, template: str, params: Mapping[str, str]) -> None:
        """``{"channel": …, "to": …, "template": …, "params": {…}}`` and flush, as one write."""
        message = {"channel": channel, "to": to, "template": template, "params": dict(params)}
        line = json.dumps(message, ensure_ascii=False)
        with _lock:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
