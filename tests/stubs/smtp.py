"""A small SMTP server on loopback: keeps messages, refuses or hangs up as scripted."""

from __future__ import annotations

import socketserver
import threading
from typing import Any


class SmtpStub:
    """``refuse`` maps a verb (MAIL, RCPT, DATA, END) to an answer line; ``hang_up_at`` closes there without a word."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.refuse: dict[str, str] = {}
        self.hang_up_at = ""
        stub = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                stub._talk(self.rfile, self.wfile)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> SmtpStub:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _talk(self, rfile: Any, wfile: Any) -> None:
        wfile.write(b"220 stub\r\n")
        while line := rfile.readline():
            verb = line.split()[0].decode().upper() if line.split() else ""
            if verb == self.hang_up_at:
                return
            wfile.write(
                (self.refuse.get(verb) or {"DATA": "354 go on", "QUIT": "221 bye"}.get(verb, "250 ok")).encode()
            )
            wfile.write(b"\r\n")
            if verb == "QUIT":
                return
            if verb == "DATA" and verb not in self.refuse and not self._body(rfile, wfile):
                return

    def _body(self, rfile: Any, wfile: Any) -> bool:
        lines: list[bytes] = []
        while (line := rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        if self.hang_up_at == "END":
            return False
        if "END" not in self.refuse:
            self.messages.append(b"".join(lines))
        wfile.write((self.refuse.get("END", "250 kept") + "\r\n").encode())
        return True
