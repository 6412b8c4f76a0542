"""Sealed files: compressed, then encrypted in pieces, so that a large one never lies in memory and none can be cut.

Each file has a key of its own (HMAC-SHA256 of the backup's key and the file's name), so a file renamed, or taken from
another backup, does not open. Pieces are AES-256-GCM with nonce ``number | last?``: one that is missing, swapped or
left off at the end is found (the STREAM construction).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"PORTALB1"
PIECE = 1024 * 1024
TAG = 16
LEVEL = 6


class BackupError(RuntimeError):
    """Why a backup was not made or not restored, and what to do; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file of a backup as the manifest lists it: size and SHA-256 are of the sealed bytes."""

    name: str
    size: int
    sha256: str
    rows: int = 0  # of a table


def write(folder: Path, name: str, key: bytes, parts: Iterable[bytes]) -> Written:
    """Seal ``parts`` into ``folder/name``; on the disk when it returns. OSError when there is no room."""
    aead, packer = AESGCM(_file_key(key, name)), zlib.compressobj(LEVEL)
    digest, size, number, held = hashlib.sha256(), 0, 0, bytearray()
    handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:

        def put(data: bytes) -> None:
            nonlocal size
            out.write(data)
            digest.update(data)
            size += len(data)

        put(MAGIC)
        for part in parts:
            held += packer.compress(part)
            while len(held) > PIECE:
                put(aead.encrypt(_nonce(number, last=False), bytes(held[:PIECE]), MAGIC))
                del held[:PIECE]
                number += 1
        held += packer.flush()
        while len(held) > PIECE:
            put(aead.encrypt(_nonce(number, last=False), bytes(held[:PIECE]), MAGIC))
            del held[:PIECE]
            number += 1
        put(aead.encrypt(_nonce(number, last=True), bytes(held), MAGIC))
        out.flush()
        os.fsync(out.fileno())
    return Written(name, size, digest.hexdigest())


def read(folder: Path, name: str, key: bytes) -> Iterator[bytes]:
    """What `write` was given, in pieces. Raises BackupError on anything that is not exactly that file."""
    aead, unpacker, number = AESGCM(_file_key(key, name)), zlib.decompressobj(), 0
    try:
        with open(folder / name, "rb") as source:
            if source.read(len(MAGIC)) != MAGIC:
                raise BackupError(f"{name} is not a sealed file of this portal")
            piece = source.read(PIECE + TAG)
            while True:
                following = source.read(PIECE + TAG)
                plain = aead.decrypt(_nonce(number, last=not following), piece, MAGIC)
                yield unpacker.decompress(plain)
                if not following:
                    break
                piece, number = following, number + 1
    except (InvalidTag, zlib.error) as error:
        raise BackupError(f"{name} was changed, cut, or sealed under another key") from error
    except OSError as error:
        raise BackupError(f"{name} cannot be read: {error.strerror}") from error
    yield unpacker.flush()


def digest_of(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file as it lies there."""
    found, size = hashlib.sha256(), 0
    with open(path, "rb") as source:
        while piece := source.read(PIECE):
            found.update(piece)
            size += len(piece)
    return size, found.hexdigest()


def _file_key(key: bytes, name: str) -> bytes:
    return hmac.digest(key, b"file|" + name.encode(), "sha256")


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")
