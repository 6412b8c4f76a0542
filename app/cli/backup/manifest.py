"""The manifest of a backup: what it is of, when, and the checksum of every file; written last, and authenticated."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import config
from app.cli.backup.seal import BackupError, Written, digest_of

NAME = "manifest.json"
FORMAT = 1
NONCE = 12
Kind = Literal["main", "keys"]


@dataclass(slots=True)
class Manifest:
    """What a backup says about itself."""

    kind: Kind
    made_at: datetime
    dialect: str = ""
    revision: str = ""  # of the schema
    head: str = ""  # last row of the audit log: month/number
    files: list[Written] = field(default_factory=list)
    objects: int = 0
    missing: int = 0  # objects that the database names and the store did not have
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def file(self, name: str) -> Written:
        found = next((f for f in self.files if f.name == name), None)
        if found is None:
            raise BackupError(f"the backup holds no {name}")
        return found


@dataclass(frozen=True, slots=True)
class Opened:
    """A complete backup whose every file was checked, and the key that opens it."""

    folder: Path
    manifest: Manifest
    key: bytes


def backup_key(settings: config.Settings) -> bytes:
    if settings.backup_key is None:
        raise BackupError("PORTAL_BACKUP_KEY is missing; make one with: openssl rand -base64 32, and keep it elsewhere")
    return settings.backup_key


@contextmanager
def new_folder(target: Path, kind: Kind, made_at: datetime) -> Iterator[Path]:
    """A folder that gets its name only when the block ends well; what was begun is removed otherwise.

    A killed run leaves a ``.partial`` folder without a manifest, which no restore takes; the next run removes it.
    """
    name = f"portal-{kind}-{made_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    partial, final = target / f".{name}.partial", target / name
    try:
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in target.glob(f".portal-{kind}-*.partial"):
            shutil.rmtree(left)
        if final.exists():
            raise BackupError(f"{final} is there already")
        partial.mkdir(mode=0o700)
    except OSError as error:
        raise BackupError(f"cannot write to {target}: {error.strerror}") from error
    try:
        yield partial
        os.replace(partial, final)
        _sync(target)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise BackupError(f"no backup was made: {error.strerror} ({error.filename or target})") from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def new_key() -> bytes:
    return secrets.token_bytes(32)


def save(folder: Path, manifest: Manifest, key: bytes, sealing: bytes) -> None:
    """Write the manifest: the last file of a backup."""
    nonce = secrets.token_bytes(NONCE)
    wrapped = nonce + AESGCM(sealing).encrypt(nonce, key, manifest.id.encode())
    body = {
        **asdict(manifest),
        "format": FORMAT,
        "made_at": manifest.made_at.isoformat(),
        "sealed_by": fingerprint(sealing),
        "key": base64.b64encode(wrapped).decode(),
    }
    text = json.dumps({"backup": body, "mac": _mac(key, body)}, indent=1)
    handle = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


def fingerprint(sealing: bytes) -> str:
    return hashlib.sha256(b"portal backup|" + sealing).hexdigest()[:16]


def _mac(key: bytes, body: dict[str, Any]) -> str:
    said = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    return hmac.digest(key, b"manifest|" + said, "sha256").hex()


def open_backup(folder: Path, kind: Kind, sealing: bytes) -> Opened:
    """Read and check a whole backup before anything is touched. Raises BackupError with what is wrong."""
    if not folder.is_dir():
        raise BackupError(f"there is no folder {folder}")
    if not (folder / NAME).is_file():
        complete = sorted(found.parent.name for found in folder.glob(f"portal-{kind}-*/{NAME}"))
        hint = f"; it holds {', '.join(complete[-5:])}: name one of them" if complete else ""
        raise BackupError(f"{folder} is no complete backup: it has no {NAME}{hint}")
    manifest, key = _read(folder, sealing)
    if manifest.kind != kind:
        words = {"main": "flask backup restore", "keys": "flask backup keys restore"}
        raise BackupError(f"this is a backup of kind {manifest.kind}; use: {words[manifest.kind]}")
    for file in manifest.files:
        path = folder / file.name
        if not path.is_file():
            raise BackupError(f"{file.name} is missing: this is half a backup")
        if digest_of(path) != (file.size, file.sha256):
            raise BackupError(f"{file.name} is not what the manifest says: it was changed or damaged")
    return Opened(folder, manifest, key)


def _read(folder: Path, sealing: bytes) -> tuple[Manifest, bytes]:
    try:
        outer = json.loads((folder / NAME).read_text())
        body = outer["backup"]
        if body["format"] != FORMAT:
            raise BackupError(
                f"format {body['format']} is not one that this version reads; use the version that made it"
            )
        if body["sealed_by"] != fingerprint(sealing):
            raise BackupError(f"sealed under another PORTAL_BACKUP_KEY (its fingerprint is {body['sealed_by']})")
        wrapped = base64.b64decode(body["key"], validate=True)
        key = AESGCM(sealing).decrypt(wrapped[:NONCE], wrapped[NONCE:], body["id"].encode())
        if not hmac.compare_digest(_mac(key, body), outer["mac"]):
            raise BackupError("the manifest was changed")
        names = set(Manifest.__dataclass_fields__) - {"made_at", "files"}
        files = [Written(**file) for file in body["files"]]
        made_at = datetime.fromisoformat(body["made_at"])
        return Manifest(made_at=made_at, files=files, **{name: body[name] for name in names}), key
    except (ValueError, KeyError, TypeError, AttributeError, InvalidTag) as error:
        raise BackupError("the manifest cannot be read: it was changed or damaged") from error
    except OSError as error:
        raise BackupError(f"the manifest cannot be read: {error.strerror}") from error
