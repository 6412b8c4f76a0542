"""The way out: every call to another company's server goes through here.

Only hosts on the allow-list are called (the configured base hosts and ``PORTAL_OUTBOUND_ALLOW``), over TLS unless they
are loopback, without following redirects, 3 s to connect and 5 s to read. Connections are not reused: a stale pooled
connection cannot be told from an answer that got lost, and some of our calls must never be made twice.

Errors carry a host and a word, never an address with its query, a body or a header: those hold tokens and people.
"""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError
from urllib3.exceptions import SSLError as TlsError

import config

CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0
WHOLE_SECONDS = 10.0  # a server that drips bytes is given up on
MAX_BODY = 1024 * 1024
_NEVER_SENT = (NewConnectionError, ConnectTimeoutError, TlsError)


class OutboundError(Exception):
    """A call that brought no usable answer. ``sent`` says whether the request may have been acted upon."""

    def __init__(self, code: str, host: str, *, sent: bool) -> None:
        self.code, self.host, self.sent = code, host, sent
        super().__init__(f"{code} ({host})")


class OutboundRefused(OutboundError):
    """The address is not on the allow-list; nothing was sent."""

    def __init__(self, host: str) -> None:
        super().__init__("outbound_refused", host, sent=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """Status and body of an answer."""

    status: int
    body: bytes = field(repr=False)

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; ValueError (without the body in it) when it is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            raise ValueError("answer is not JSON") from None
        if not isinstance(value, dict):
            raise ValueError("answer is not a JSON object")
        return value


class Outbound:
    """Calls to allowed hosts. Thread safe: it holds no connection."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self.allowed = frozenset(host.lower() for host in allowed)

    @classmethod
    def from_settings(cls, settings: config.Settings) -> Outbound:
        bases = (settings.wechat.api_base, settings.wecom.api_base, settings.sms.endpoint)
        return cls([*settings.outbound_allow, *(urlsplit(base).netloc for base in bases)])

    def check(self, url: str) -> str:
        """The host of ``url``; raises OutboundRefused unless it may be called."""
        parts = urlsplit(url)
        host, name = parts.netloc.lower(), (parts.hostname or "").lower()
        known = bool(host) and "@" not in host and (host in self.allowed or name in self.allowed)
        if not known or not (parts.scheme == "https" or (parts.scheme == "http" and _loopback(name))):
            raise OutboundRefused(name or "?")
        return name

    def call(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request, one answer. ``body`` travels as UTF-8 JSON, ``form`` as a form. Raises OutboundError."""
        host = self.check(url)
        data: Any = form
        headers = {"Accept": "application/json", "Connection": "close"}
        if body is not None:
            data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
            headers["Content-Type"] = "application/json"
        try:
            with requests.Session() as session:
                session.trust_env = False  # neither .netrc nor a proxy of the environment sees tokens
                answer = session.request(
                    method,
                    url,
                    params=params,
                    data=data,
                    headers=headers,
                    timeout=(CONNECT_SECONDS, READ_SECONDS),
                    allow_redirects=False,
                    stream=True,
                )
                reply = Reply(answer.status_code, _read(answer, host))
        except requests.ConnectTimeout:
            raise OutboundError("connect_timeout", host, sent=False) from None
        except requests.Timeout:
            raise OutboundError("timeout", host, sent=True) from None
        except requests.RequestException as error:
            raise OutboundError("no_connection", host, sent=not _never_sent(error)) from None
        if 300 <= reply.status < 400:
            raise OutboundError("redirected", host, sent=True)
        return reply


def _read(answer: requests.Response, host: str) -> bytes:
    """The body, within size and time."""
    until, body = time.monotonic() + WHOLE_SECONDS, bytearray()
    for piece in answer.iter_content(16 * 1024):
        body += piece
        if len(body) > MAX_BODY:
            raise OutboundError("answer_too_large", host, sent=True)
        if time.monotonic() > until:
            raise OutboundError("timeout", host, sent=True)
    return bytes(body)


def _never_sent(error: BaseException) -> bool:
    """Whether the connection failed before a byte of the request left."""
    cause: Any = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, _NEVER_SENT)


def _loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
