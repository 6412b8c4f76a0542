"""Ciphertext: ``version | algorithm | key id (4) | nonce (12) | AES-256-GCM ciphertext and tag``.

The algorithm byte leaves room for the national algorithms (SM4-GCM). The associated data says where the value
belongs, so that a ciphertext moved to another row or column does not open. Nonces are 96 random bits: a key is good
for 2^32 values, far above what one class of this portal holds.
"""

from __future__ import annotations

import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = 1
AES_256_GCM = 1
KEY_BYTES = 32
NONCE_BYTES = 12
HEADER_BYTES = 6
TAG_BYTES = 16
OWN_KEY = 0  # key id of a value sealed under its subject's or image's own key
_PREFIX = bytes((VERSION, AES_256_GCM))


class Unreadable(RuntimeError):
    """A ciphertext that does not open: damaged, moved, forged, or the key is another one. Never answered with data."""


def new_key() -> bytes:
    """32 random bytes."""
    return secrets.token_bytes(KEY_BYTES)


def place_data(place: str, row_id: Any) -> bytes:
    """The associated data of the value at ``place`` (``table.column``) in the row ``row_id``."""
    return f"{place}|{row_id}".encode()


def key_id_bytes(key_id: int) -> bytes:
    """The four bytes at offset 2 of every ciphertext under this key."""
    return key_id.to_bytes(4, "big")


def encrypt(key: AESGCM, key_id: int, data: bytes, bound_to: bytes) -> bytes:
    """Seal ``data``; ``bound_to`` must be given again to open it."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return b"".join((_PREFIX, key_id_bytes(key_id), nonce, key.encrypt(nonce, data, bound_to)))


def key_id_of(blob: bytes) -> int:
    """The key id in the header, or Unreadable when this is no ciphertext of ours."""
    if len(blob) < HEADER_BYTES + NONCE_BYTES + TAG_BYTES or blob[:2] != _PREFIX:
        raise Unreadable("not a ciphertext of a known version and algorithm")
    return int.from_bytes(blob[2:HEADER_BYTES], "big")


def decrypt(key: AESGCM, key_id: int, blob: bytes, bound_to: bytes) -> bytes:
    """Open ``blob``, which must name ``key_id``; raises Unreadable on any difference in key, place or bytes."""
    if key_id_of(blob) != key_id:
        raise Unreadable("sealed under another key")
    body = HEADER_BYTES + NONCE_BYTES
    try:
        return key.decrypt(blob[HEADER_BYTES:body], blob[body:], bound_to)
    except InvalidTag:
        raise Unreadable("the ciphertext does not belong here, or is damaged") from None
