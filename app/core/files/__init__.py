"""Files: one store over a folder or S3, image intake, and the vault that keeps every file under its own key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.files import audio, images, stores, upkeep, vault
from app.core.files.models import StoredFile, gone
from app.core.files.stores import Store, store

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["Store", "StoredFile", "audio", "gone", "images", "install", "store", "vault"]


def install(app: Flask) -> None:
    """Open the store at start, so that a wrong address shows then; erase what is due from then on."""
    stores.install(app)
    upkeep.install()
