"""The file store: a local folder (default) or an S3-compatible service, behind four verbs.

Names are random and made here; nothing a user named becomes a path. Content is ciphertext before it arrives.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import obstore
from flask import Flask, current_app
from flask_babel import lazy_gettext as _l
from obstore import exceptions as obstore_errors
from obstore.store import LocalStore, S3Store

from app.core.errors import Gone, Unavailable
from config import ConfigError

T = TypeVar("T")
NO_BUCKET = "NoSuchBucket"  # S3's word for a wrong address: must not pass for "every file was erased"
_KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{64}")


class Store(Protocol):
    """What features may do with stored objects."""

    def put(self, key: str, data: bytes) -> None:
        """Create the object; an existing key is refused (FileExistsError: random keys never meet)."""

    def get(self, key: str) -> bytes:
        """The content. Raises Gone when it is not there, Unavailable when the backend is down."""

    def delete(self, key: str) -> None:
        """Remove the object; one that is not there is no error."""

    def exists(self, key: str) -> bool:
        """Whether the object is there."""


def new_object_key() -> str:
    """A random name, spread over 256 folders."""
    name = secrets.token_hex(32)
    return f"{name[:2]}/{name}"


class ObjectStore:
    """The store over obstore."""

    def __init__(self, backend: LocalStore | S3Store) -> None:
        self._backend = backend

    def put(self, key: str, data: bytes) -> None:
        try:
            self._ask(lambda: obstore.put(self._backend, _checked(key), data, mode="create", use_multipart=False))
        except obstore_errors.AlreadyExistsError as error:
            raise FileExistsError("an object of this random name exists") from error

    def get(self, key: str) -> bytes:
        try:
            return self._ask(lambda: bytes(obstore.get(self._backend, _checked(key)).bytes()))
        except FileNotFoundError as error:
            raise Gone(_l("文件已经不在了。"), code="file_gone") from error

    def delete(self, key: str) -> None:
        try:
            self._ask(lambda: obstore.delete(self._backend, _checked(key)))
        except FileNotFoundError:
            return

    def exists(self, key: str) -> bool:
        try:
            self._ask(lambda: obstore.head(self._backend, _checked(key)))
        except FileNotFoundError:
            return False
        return True

    def _ask(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except obstore_errors.AlreadyExistsError:
            raise
        except (obstore_errors.BaseError, OSError) as error:
            if isinstance(error, FileNotFoundError) and NO_BUCKET not in str(error):
                raise
            raise Unavailable(
                _l("文件存储暂时不可用，没有改动任何内容，请稍后再试。"), code="file_store_down"
            ) from error


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError("not a key of this store")
    return key


def open_store(url: str, access: str = "", secret: str = "") -> ObjectStore:
    """The store at ``url``: ``file:///folder`` or ``s3://bucket?endpoint=…&region=…[&style=virtual]``.

    S3 needs ``access`` and ``secret``. Raises config.ConfigError with what to do; S3 is not contacted yet.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        folder = Path(unquote(parts.path))
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigError(f"PORTAL_STORAGE_URL: cannot write to {folder}: {error.strerror}") from error
        return ObjectStore(LocalStore(folder))
    if parts.scheme == "s3":
        return ObjectStore(_s3(parts.netloc, parse_qs(parts.query), access, secret))
    raise ConfigError("PORTAL_STORAGE_URL must start with file:// or s3://")


def _s3(bucket: str, query: dict[str, list[str]], access: str, secret: str) -> S3Store:
    endpoint, region = query.get("endpoint", [""])[0], query.get("region", ["us-east-1"])[0]
    if not (bucket and endpoint and access and secret):
        raise ConfigError(
            "PORTAL_STORAGE_URL: an S3 store needs s3://bucket?endpoint=…, PORTAL_STORAGE_ACCESS_KEY_ID and "
            "PORTAL_STORAGE_SECRET_ACCESS_KEY"
        )
    return S3Store(
        bucket,
        endpoint=endpoint,
        region=region,
        access_key_id=access,
        secret_access_key=secret,
        virtual_hosted_style_request=query.get("style", ["path"])[0] == "virtual",
        client_options={"timeout": "20s", "connect_timeout": "3s", "allow_http": endpoint.startswith("http://")},
        retry_config={"max_retries": 2},
    )


def store() -> Store:
    """The store of the current app."""
    if "file_store" not in current_app.extensions:
        install(current_app)
    found: Store = current_app.extensions["file_store"]
    return found


def install(app: Flask) -> None:
    """Open the store at start, so that a wrong address shows then and not at the first upload."""
    settings = app.extensions["settings"]
    app.extensions["file_store"] = open_store(
        settings.storage_url, settings.storage_access_key_id, settings.storage_secret_access_key
    )
