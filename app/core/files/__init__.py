"""Files: one store over a folder or S3, image intake, and the vault that keeps every file under its own key."""

from __future__ import annotations

from app.core.files import images, vault
from app.core.files.models import StoredFile
from app.core.files.stores import Store, install, store

__all__ = ["Store", "StoredFile", "images", "install", "store", "vault"]
