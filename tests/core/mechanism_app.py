"""An app with the tables of audit log, jobs and outbox alone; other processes can open the same one again.

``python -m tests.core.mechanism_app`` is that other process: it does one of `ACTS` and ends, or is killed in it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

import config
from app.core import audit, jobs, keys, outbox
from app.core.columns import plain
from app.core.db import Base, db, prepare_engine
from app.core.outbox import Delivery, Outgoing, Recipient
from app.core.policy import SYSTEM
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal

POSTGRES = os.environ.get("PORTAL_TEST_POSTGRES", "")
SCHEMA = "PORTAL_TEST_SCHEMA"


class SampleEffect(Base):
    """What a test's job does: one row per run that counts."""

    __tablename__ = "sample_effect"

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    number: Mapped[int] = plain(nullable=False)


TABLES: Any = tuple(
    model.__table__
    for model in (
        audit.AuditEvent, audit.AuditNote, audit.AuditCheckpoint, audit.AuditVerification, jobs.Job, jobs.JobPeriod,
        outbox.Message, keys.DataKey, keys.KeyRotation, SampleEffect,
    )
)  # fmt: skip


def open_app(folder: Path, schema: str) -> Portal:
    """The app on existing or still missing tables."""
    environ = {"PORTAL_ENV": "test", "PORTAL_INSTANCE": str(folder), "PORTAL_DATABASE_URL": POSTGRES}
    settings = config.load(environ)
    app = Portal("mechanisms")
    app.extensions["settings"] = settings
    app.config.update(SQLALCHEMY_DATABASE_URI=settings.database_url, SECRET_KEY=settings.secret_key)
    if POSTGRES:
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
            "connect_args": {"options": f"-csearch_path={schema}"}, "pool_size": 30,
        }  # fmt: skip
    else:
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 30}
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    jobs.install(app)
    outbox.install(app)
    jobs.handler("sample.effect")(effect)
    jobs.handler("sample.slow")(slow_effect)
    outbox.register_channel("stuck", StuckChannel(False))
    outbox.register_channel("stuck_safe", StuckChannel(True))
    return app


@contextmanager
def mechanism_app(folder: Path) -> Iterator[Portal]:
    """A new app inside its context, tables empty; on PostgreSQL in a schema of its own."""
    schema = f"mech_{uuid.uuid4().hex[:12]}"
    os.environ[SCHEMA] = schema
    app = open_app(folder, schema)
    periods = dict(jobs.queue.periods)
    jobs.queue.periods.clear()
    with app.app_context():
        if POSTGRES:
            with db.engine.begin() as connection:
                connection.execute(sa.schema.CreateSchema(schema))
        Base.metadata.create_all(db.engine, tables=TABLES)
        keys.ring().prepare()
        try:
            yield app
        finally:
            jobs.queue.periods.update(periods)
            db.session.remove()
            if POSTGRES:
                with db.engine.begin() as connection:
                    connection.execute(sa.schema.DropSchema(schema, cascade=True))
            db.engine.dispose()


def effect(payload: dict[str, Any]) -> None:
    db.session.add(SampleEffect(number=payload["number"]))
    db.session.flush()


def slow_effect(payload: dict[str, Any]) -> None:
    """Writes, tells the test that it has, and stays: to be killed before the commit."""
    effect(payload)
    Path(payload["flag"]).touch()
    time.sleep(float(payload["seconds"]))


class StuckChannel:
    """Leaves a line for each call; then hangs, in the process that is to be killed, or answers."""

    name = "stuck"
    remembers = outbox.FOR_GOOD

    def __init__(self, idempotent: bool) -> None:
        self.idempotent = idempotent

    def send(self, message: Outgoing) -> Delivery:
        with open(message.params["log"], "a") as log:
            log.write(f"{message.id}\n")
        if os.environ.get("PORTAL_TEST_HANG"):
            time.sleep(60)
        return Delivery.ok("done")


def letter(folder: Path, key: str, channel: str) -> outbox.Message:
    """A message through a stuck channel, logging to ``folder/calls``."""
    to = Recipient({channel: "+8613800000000"})
    return outbox.send("sample", to=to, params={"log": str(folder / "calls")}, purpose="login_code", dedupe_key=key)


def _work(app: Portal, _args: list[str]) -> None:
    jobs.run_worker(app, threading.Event(), once=True)


def _record(app: Portal, args: list[str]) -> None:
    for number in range(int(args[0])):
        with app.app_context(), unit_of_work():
            audit.record("sample.counted", SYSTEM, "sample", number, note="writer")


def _command(app: Portal, _args: list[str]) -> None:
    app.test_cli_runner(catch_exceptions=False).invoke(args=["worker", "--poll", "0.2"])


ACTS = {"work": _work, "record": _record, "command": _command}

if __name__ == "__main__":
    act, place, *rest = sys.argv[1:]
    opened = open_app(Path(place), os.environ.get(SCHEMA, ""))
    jobs.queue.periods.clear()
    ACTS[act](opened, rest)
