"""What the stub servers share: a threading HTTP server on loopback with scripted failures, latency and a recorder.

Control over HTTP, for tests in other processes: ``GET /__stub/requests``, ``POST /__stub/reset``,
``POST /__stub/fail {path, errcode | status, times}``, ``POST /__stub/latency {path, seconds}``.
"""

from __future__ import annotations

import ipaddress
import json
import threading
import time
from abc import ABC, abstractmethod
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


class Refusal(Exception):
    """An answer that is not the happy one: HTTP status and JSON body."""

    def __init__(self, body: dict[str, Any], status: int = 200) -> None:
        self.body, self.status = body, status
        super().__init__(str(body))


class Call:
    """One request as the stub saw it."""

    def __init__(self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes) -> None:
        self.method, self.path, self.query, self.headers, self.body = method, path, query, headers, body

    def json(self) -> dict[str, Any]:
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value

    def as_dict(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "body": self.body.decode(errors="replace"),
        }


class Listener(ThreadingHTTPServer):
    """Bears twenty callers at once: with the usual queue of five a busy machine turned some of them away."""

    request_queue_size = 128


class StubServer(ABC):
    """Use as a context manager; ``base`` is its address. Subclasses write ``answer`` and ``failure``."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError("a stub server binds to loopback only")
        self.lock = threading.RLock()
        self.reset()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stub._handle(self)

            do_POST = do_GET

            def log_message(self, *_args: object) -> None:
                return

        self._server = Listener((host, port), Handler)
        self._server.daemon_threads = True
        self.base = f"http://{host}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Any:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reset(self) -> None:
        """Forget everything: scripts, records and state."""
        with self.lock:
            self.requests: list[Call] = []
            self._failures: dict[str, list[Any]] = {}
            self._latency: dict[str, float] = {}
            self.reset_state()

    @abstractmethod
    def reset_state(self) -> None:
        """State of the subclass."""

    def fail(self, path: str, code: Any, times: int = 1) -> None:
        """The next ``times`` calls of ``path`` answer ``code`` (500 to 599: that HTTP status)."""
        with self.lock:
            self._failures.setdefault(path, []).extend([code] * times)

    def delay(self, path: str, seconds: float) -> None:
        self._latency[path] = seconds

    def calls(self, path: str) -> list[Call]:
        with self.lock:
            return [call for call in self.requests if call.path == path]

    @abstractmethod
    def answer(self, call: Call) -> dict[str, Any]:
        """What the service says to this call. Raises Refusal."""

    @abstractmethod
    def failure(self, code: Any) -> Refusal:
        """The service's way to refuse with a scripted code."""

    def control(self, call: Call) -> dict[str, Any]:
        """The ``/__stub`` addresses."""
        body = call.json() if call.body else {}
        match call.path:
            case "/__stub/requests":
                return {"requests": [one.as_dict() for one in self.requests]}
            case "/__stub/reset":
                self.reset()
            case "/__stub/fail":
                self.fail(body["path"], body.get("errcode", body.get("status")), body.get("times", 1))
            case "/__stub/latency":
                self.delay(body["path"], float(body["seconds"]))
            case _:
                raise Refusal({"error": "no such control"}, 404)
        return {"ok": True}

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        call = Call(handler.command, parts.path, query, {k.lower(): v for k, v in handler.headers.items()}, body)
        try:
            found, status = self._respond(call), 200
        except Refusal as refusal:
            found, status = refusal.body, refusal.status
        data = json.dumps(found, ensure_ascii=False).encode()
        try:
            handler.send_response(status)
            handler.send_header("Content-Type", "application/json; charset=utf-8")
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data)
        except OSError:  # the caller gave up waiting
            return

    def _respond(self, call: Call) -> dict[str, Any]:
        if call.path.startswith("/__stub/"):
            return self.control(call)
        with self.lock:
            self.requests.append(call)
            planned = self._failures.get(call.path) or []
            code = planned.pop(0) if planned else None
            wait = self._latency.get(call.path, 0.0)
        if wait:
            time.sleep(wait)
        if isinstance(code, int) and 500 <= code <= 599:
            raise Refusal({"error": "injected"}, code)
        if code is not None:
            raise self.failure(code)
        with self.lock:
            return self.answer(call)
