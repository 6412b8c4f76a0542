"""Commands: database, demo data, workers, verification. Nothing imports this floor."""

from __future__ import annotations

from app.cli import backup, database, demo, pictures
from app.core.web import Portal


def install(app: Portal) -> None:
    database.register(app)
    backup.register(app)
    demo.register(app)
    pictures.register(app)
