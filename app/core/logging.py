"""Structured logs: one JSON object a line on standard output, without personal data.

Every record, ours or a library's, goes through the same chain: values under telling keys are dropped, phone numbers,
OpenIDs and tokens inside any text are masked, line breaks cannot forge a second record (ASVS 16.2, requirements.md 3).
The request line names the path's template, never the path or the query (coordinates and names travel there).
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from flask import Response, g, request

from app.core import policy

if TYPE_CHECKING:
    from app.core.web import Portal

SECRET_KEYS = re.compile(
    r"(?:^|_)(?:password|passwd|secret|token|cookie|authorization|code|phone|mobile|openid|unionid|email|mail|"
    r"address|lat|lon|latitude|longitude|params|body|form|session)(?:$|_)"
)
OURS = frozenset({"at", "level", "logger"})  # set by the chain itself, after the event's own values
HARMLESS_KEYS = frozenset({"status_code", "reason_code", "error_code", "exit_code"})
MASK = "***"
MAX_TEXT_CHARS = 16_000
_PATTERNS = (
    (re.compile(r"(?<![0-9A-Za-z])(?:\+?86[- ]?)?1[3-9][0-9](?:[- ]?[0-9]{4}){2}(?![0-9A-Za-z])"), "[phone]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]+"), r"\1 [token]"),
    (re.compile(r"(?i)\b((?:access_)?token|secret|password|code|openid|lat|lon)=[^&\s\"']+"), r"\1=[hidden]"),
    (re.compile(r"(?<![A-Za-z0-9_-])o[A-Za-z0-9_-]{27}(?![A-Za-z0-9_-])"), "[openid]"),
    (re.compile(r"[^@\s<>\"'=:;,(]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), "[mail]"),
)
_LONG_WORD = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{32,}(?![A-Za-z0-9_-])")
_BREAKS = str.maketrans(
    {"\r": "\\r", "\n": "\\n", "\x85": "\\x85", "\u2028": "\\u2028", "\u2029": "\\u2029", "\x1b": "\\x1b"}
)

logger = structlog.stdlib.get_logger("portal")


def mask(text: str) -> str:
    """``text`` without phone numbers, OpenIDs, mail addresses, tokens and line breaks. Plain UUIDs stay."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return _LONG_WORD.sub(_token, text)[:MAX_TEXT_CHARS].translate(_BREAKS)


def _token(match: re.Match[str]) -> str:
    word = match.group()
    if len(word) == 36 and re.fullmatch(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", word):
        return word
    looks_random = any(c.isdigit() for c in word) and any(c.isalpha() for c in word)
    return "[token]" if looks_random else word


def _clean(value: Any, key: str = "") -> Any:
    if key and key not in HARMLESS_KEYS and SECRET_KEYS.search(key.lower()):
        return MASK
    if value is None or isinstance(value, bool | int | float | UUID):
        return str(value) if isinstance(value, UUID) else _clean_number(value)
    if isinstance(value, Mapping):
        return {mask(str(name)): _clean(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(inner) for inner in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    return mask(str(value))


def _clean_number(value: Any) -> Any:
    """Numbers stay, unless they read as a phone number."""
    return value if mask(str(value)) == str(value) else mask(str(value))


def clean(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The filter, as the last processor before the renderer."""
    return {key: value if key in OURS else _clean(value, key) for key, value in event.items()}


def configure() -> None:
    """Send every logger of the process through the chain. Safe to call again."""
    logging.getLogger("alembic").setLevel(logging.WARNING)  # its plugins announce themselves at every start
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            clean,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    root = logging.getLogger()
    root.handlers = [h for h in root.handlers if getattr(h, "name", None) != "portal"]
    handler = logging.StreamHandler(_Stdout())
    handler.name = "portal"
    handler.setFormatter(formatter)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # its request lines hold the query


class _Stdout:
    """Standard output as it is at the time of writing, so that a replaced one (tests, pagers) is honoured."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


def install(app: Portal) -> None:
    """Configure, and write one line per request: method, path template, status, ms, request id, actor."""
    configure()
    line = logger.bind()  # one logger for all lines, its chain put together once

    @app.before_request
    def _start() -> None:
        g.started_at = time.perf_counter()

    @app.after_request
    def _line(response: Response) -> Response:
        if request.endpoint != "static":
            line.info("request", **_facts(response))
        return response


def _facts(response: Response) -> dict[str, Any]:
    actor = policy.current_actor()
    started = g.get("started_at", time.perf_counter())
    return {
        "method": request.method if request.method.isalpha() else "?",
        "path": request.url_rule.rule if request.url_rule else "(none)",
        "status": response.status_code,
        "ms": round((time.perf_counter() - started) * 1000, 1),
        "request_id": g.get("request_id", ""),
        "actor": str(actor.id) if actor.id else actor.kind,
    }
