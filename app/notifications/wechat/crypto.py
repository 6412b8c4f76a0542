"""Signatures and safe mode of WeChat's server callbacks (requirements.md 5.3)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any
from xml.parsers import expat

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32  # WeChat pads to 32 bytes, not to the cipher's 16
MAX_DEPTH = 8


class CallbackRefused(ValueError):
    """A callback that is not from WeChat, or is damaged; the word is for the log, the sender gets 403."""


def signature(*parts: str) -> str:
    """``sha1(join(sort(parts)))`` in hex: WeChat's check, a format and no protection by itself."""
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def check_signature(given: str, *parts: str) -> None:
    """Constant time. Raises CallbackRefused."""
    if not hmac.compare_digest(signature(*parts).encode(), given.encode()):
        raise CallbackRefused("signature")


class Envelope:
    """Opens and seals safe-mode messages with the EncodingAESKey (43 characters of base64)."""

    def __init__(self, token: str, encoding_aes_key: str) -> None:
        try:
            self._key = base64.b64decode(encoding_aes_key + "=")
        except binascii.Error as error:
            raise CallbackRefused("aes_key") from error
        if len(self._key) != 32 or not token:
            raise CallbackRefused("not_configured")
        self._token = token

    def open(self, encrypted: str, *, msg_signature: str, timestamp: str, nonce: str) -> tuple[bytes, str]:
        """The message and the app id it was made for. The signature is checked before anything is decrypted."""
        check_signature(msg_signature, self._token, timestamp, nonce, encrypted)
        try:
            blob = base64.b64decode(encrypted, validate=True)
        except binascii.Error:
            raise CallbackRefused("base64") from None
        if not blob or len(blob) % 16:
            raise CallbackRefused("length")
        decryptor = self._cipher().decryptor()
        plain = _unpad(decryptor.update(blob) + decryptor.finalize())
        size = int.from_bytes(plain[16:20], "big")
        if len(plain) < 20 or 20 + size > len(plain):
            raise CallbackRefused("length")
        try:
            return plain[20 : 20 + size], plain[20 + size :].decode("ascii")
        except UnicodeDecodeError:
            raise CallbackRefused("appid") from None

    def seal(self, message: bytes, appid: str, random16: bytes) -> str:
        """What WeChat would send; the stub server and tests use it."""
        plain = random16 + len(message).to_bytes(4, "big") + message + appid.encode()
        gap = BLOCK - len(plain) % BLOCK
        encryptor = self._cipher().encryptor()
        return base64.b64encode(encryptor.update(plain + bytes([gap]) * gap) + encryptor.finalize()).decode()

    def _cipher(self) -> Cipher[modes.CBC]:
        return Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16]))


def _unpad(padded: bytes) -> bytes:
    gap = padded[-1]
    if not 1 <= gap <= BLOCK or padded[-gap:] != bytes([gap]) * gap:
        raise CallbackRefused("padding")
    return padded[:-gap]


def parse(body: bytes) -> dict[str, Any]:
    """A JSON or XML body as a mapping. XML with a DOCTYPE, entities, or deep nesting is refused."""
    text = body.lstrip()
    if text.startswith(b"{"):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise CallbackRefused("json") from None
        if not isinstance(value, dict):
            raise CallbackRefused("json")
        return value
    return _Xml().parse(text)


class _Xml:
    """Elements to nested mappings; repeated names become lists. Hand-rolled so that nothing is ever expanded."""

    def __init__(self) -> None:
        self._stack: list[tuple[str, dict[str, Any], list[str]]] = []
        self._root: Any = None
        self._parser = expat.ParserCreate()
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.EntityDeclHandler = self._refuse
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = lambda data: self._stack[-1][2].append(data)

    def parse(self, body: bytes) -> dict[str, Any]:
        try:
            self._parser.Parse(body, True)
        except expat.ExpatError:
            raise CallbackRefused("xml") from None
        if not isinstance(self._root, dict):
            raise CallbackRefused("xml")
        return self._root

    def _refuse(self, *_args: object) -> None:
        raise CallbackRefused("doctype")

    def _start(self, name: str, _attributes: object) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise CallbackRefused("depth")
        self._stack.append((name, {}, []))

    def _end(self, _name: str) -> None:
        name, children, words = self._stack.pop()
        value: Any = children or "".join(words).strip()
        if not self._stack:
            self._root = value
            return
        parent = self._stack[-1][1]
        if name in parent:
            known = parent[name] if isinstance(parent[name], list) else [parent[name]]
            parent[name] = [*known, value]
        else:
            parent[name] = value
