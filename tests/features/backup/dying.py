"""A portal in a process of its own that dies, or runs out of room, at a chosen moment.

``python -m tests.features.backup.dying MOMENT AT ARGUMENT…``: a step of the restore (it dies as the step would begin;
``write_restored``: as it ended), ``room`` (no file may grow past 4,000 bytes) or ``erase`` (dies between the commit of
an erasure and the destruction of its keys).
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import uuid
from datetime import datetime
from typing import Any

from app import create_app
from app.cli.backup import databases, objects, restore
from app.core import clock
from app.core.db import db
from app.core.files import StoredFile, vault
from app.core.keys import keystore
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal


def die(*_given: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def dying_restore(app: Portal, moment: str, folder: str) -> str:
    kind = type(databases.open_database(app.extensions["settings"].database_url))
    owner: Any = {"load": kind, "switch": kind, "put_back": objects, "settle": restore}.get(moment, restore.checkpoint)
    if moment == "write_restored":
        real = owner.write_restored
        owner.write_restored = lambda: (real(), die())
    else:
        setattr(owner, moment, die)
    return app.test_cli_runner().invoke(args=["backup", "restore", folder, "--replace"]).output


def no_room(app: Portal, target: str) -> str:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, 4_000))
    return app.test_cli_runner().invoke(args=["backup", "create", "--to", target]).output


def cut_off(app: Portal, file_id: str) -> str:
    keystore.destroy = die  # type: ignore[assignment]
    with app.app_context(), unit_of_work():
        vault.erase(db.session.get_one(StoredFile, uuid.UUID(file_id)))
    return "survived"


if __name__ == "__main__":
    portal = create_app()
    chosen, at, argument = sys.argv[1:4]
    with clock.frozen(datetime.fromisoformat(at)):
        acts = {"room": lambda: no_room(portal, argument), "erase": lambda: cut_off(portal, argument)}
        print(acts.get(chosen, lambda: dying_restore(portal, chosen, argument))())
