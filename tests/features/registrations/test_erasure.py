"""What the worker does by itself: photos go at their time, for good, in backups too; nothing else does."""

from __future__ import annotations

import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

import config
from app.core import clock, files, jobs, keys, throttle
from app.core.db import db, prepare_engine
from app.core.errors import Gone, Unavailable
from app.core.files import StoredFile, vault
from app.core.jobs import Job, JobState
from app.core.keys import keystore
from app.core.throttle import ThrottleHit
from app.core.unit_of_work import evidence, unit_of_work
from app.core.web import Portal
from app.customers.models import Audience, LoginCode
from app.customers.service import codes
from app.registrations import service
from app.registrations.models import Registration, Submission, SubmissionImage
from tests.databases import POSTGRES, let_go
from tests.factories import staff
from tests.features.registrations import story as stories
from tests.features.registrations.story import MONDAY, RETRY, take

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
RHYTHMS = {
    "registrations.lapse_holds",
    "api.forget_answers", "audit.checkpoint", "audit.verify", "customers.cleanup", "files.erase", "jobs.cleanup",
    "keys.sweep", "outbox.forget", "outbox.sweep", "registrations.settle", "throttle.cleanup",
    "staff.forget_sessions",
}  # fmt: skip


@contextmanager
def step(app: Flask, at: datetime = MONDAY, **kw: Any) -> Iterator[None]:
    """One committed unit of work at a frozen time, in a context of its own."""
    with app.app_context(), clock.frozen(at), unit_of_work(**kw):
        yield


def run_worker(app: Portal, at: datetime) -> None:
    """Everything that is due at ``at``; every job of it ends well."""
    with clock.frozen(at):
        jobs.run_worker(app, threading.Event(), once=True)
    with step(app, at, write=False):
        left = db.session.execute(
            sa.select(Job.kind, Job.state, Job.last_error).where(
                sa.or_(Job.state == JobState.DEAD, Job.last_error.is_not(None))
            )
        ).all()
        assert left == []


class Asked:
    """A case whose first photo was asked for again: the first goes 30 days later, the second is being reviewed."""

    def __init__(self, app: Portal) -> None:
        run_worker(app, MONDAY)  # periods begin
        with step(app):
            told = stories.begin()
            self.me = stories.reviewer()
            row = told.case()
            service.ask_again(self.me, row.id, take(self.me, row), RETRY)
            self.id, self.number = row.id, row.number
        with step(app, MONDAY + 2 * MINUTE):
            service.resubmit(told.people[0], told.claim())
        with step(app, write=False):
            self.first, self.second = (self._image(number) for number in (1, 2))

    def _image(self, round_no: int) -> uuid.UUID:
        images = sa.select(SubmissionImage.id).join(Submission, Submission.id == SubmissionImage.submission_id)
        return db.session.scalars(images.where(Submission.round == round_no)).one()

    def main(self, image_id: uuid.UUID) -> StoredFile:
        return db.session.get_one(SubmissionImage, image_id).main

    def url(self, image_id: uuid.UUID) -> str:
        return f"/registrations/{self.number}/images/{image_id}"


def test_every_room_has_its_rhythm_and_every_rhythm_a_handler(app: Portal) -> None:
    assert set(jobs.queue.periods) >= RHYTHMS
    assert set(jobs.queue.periods) <= set(jobs.queue.kinds)


def test_a_photo_past_its_time_answers_410_and_then_is_gone_for_good(app: Portal) -> None:
    case, reviewer = Asked(app), staff.member(app, "reviewer")
    assert reviewer.id is not None
    for at, expected in ((MONDAY + 29 * DAY, 200), (MONDAY + 30 * DAY, 410)):
        with clock.frozen(at):
            with app.app_context(), unit_of_work():
                service.claim_next(reviewer)
            client = staff.client_of(app, reviewer.id)
            assert client.get(case.url(case.first)).status_code == expected  # no job has run yet
            assert client.get(case.url(case.second)).status_code == 200
    with step(app, write=False):
        key_id, object_key = case.main(case.first).key_id, case.main(case.first).object_key
        store = app.extensions["file_store"]
        assert store.exists(object_key)
        assert keystore.key(key_id)
    run_worker(app, MONDAY + 30 * DAY)
    with step(app, MONDAY + 30 * DAY, write=False):
        row = case.main(case.first)
        assert (row.erased_at, row.purged_at, row.sha256) == (MONDAY + 30 * DAY, MONDAY + 30 * DAY, None)
        assert not store.exists(object_key)
        with pytest.raises(Gone):
            keystore.key(key_id)
        assert vault.open_sealed(case.main(case.second))
    with clock.frozen(MONDAY + 30 * DAY):
        client = staff.client_of(app, reviewer.id)
        assert client.get(case.url(case.first)).status_code == 410
        assert client.get(case.url(case.second)).status_code == 200


def test_an_old_backup_beside_todays_key_store_does_not_open_it(app: Portal, stage: Any, tmp_path: Path) -> None:
    """The backup holds row and object as they were; only the key, which no backup of it holds, is missing."""
    case, (_portal, base) = Asked(app), stage
    with backup(app, base, tmp_path) as (url, then):
        with_keys_of_then = restored(app, url, then, tmp_path / "then", base.folder / "keys.db")
        run_worker(app, MONDAY + 30 * DAY)
        with_keys_of_today = restored(app, url, then, tmp_path / "today", base.folder / "keys.db")
        for portal, readable in ((with_keys_of_then, True), (with_keys_of_today, False)):
            with step(portal, MONDAY + DAY, write=False):
                row = case.main(case.first)
                assert (row.erased_at, len(row.sha256 or b"")) == (None, 32)
                assert portal.extensions["file_store"].exists(row.object_key)
                if readable:
                    assert vault.open_sealed(row).startswith(b"\xff\xd8\xff")
                else:
                    with pytest.raises(Gone):
                        vault.open_sealed(row)
                assert vault.open_sealed(case.main(case.second)).startswith(b"\xff\xd8\xff")
            with portal.app_context():
                let_go()


@contextmanager
def backup(app: Portal, base: Any, folder: Path) -> Iterator[tuple[str, Path]]:
    """A copy of the database and the stored objects as they are now, without the key store: (database url, objects)."""
    with app.app_context():
        let_go()  # the last connection to close writes the journal back
    shutil.copytree(base.folder / "files", folder / "objects")
    if not POSTGRES:
        shutil.copyfile(base.folder / "portal.db", folder / "old.db")
        yield f"sqlite:///{folder / 'old.db'}", folder / "objects"
        return
    base._run(f'CREATE DATABASE "{base.name}_old" TEMPLATE "{base.name}"')
    try:
        yield f"{base.url}_old", folder / "objects"
    finally:
        base._run(f'DROP DATABASE "{base.name}_old" WITH (FORCE)')


def restored(app: Portal, url: str, objects: Path, folder: Path, key_file: Path) -> Flask:
    """Database, keys and files of the backup, with a copy of the key store as it is at this moment."""
    with app.app_context():
        let_go()
    shutil.copytree(objects, folder / "files")
    shutil.copyfile(key_file, folder / "keys.db")
    for secret in ("kek", "secret-key", "audit-signing-key"):
        shutil.copyfile(key_file.parent / secret, folder / secret)
    settings = config.load({"PORTAL_ENV": "test", "PORTAL_INSTANCE": str(folder), "PORTAL_DATABASE_URL": url})
    made = Flask("restored")
    made.extensions["settings"] = settings
    made.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    db.init_app(made)
    files.install(made)
    with made.app_context():
        prepare_engine(db.engine)
    return made


def test_keys_of_given_up_transactions_go_after_a_week_and_no_others(app: Portal) -> None:
    case = Asked(app)
    with pytest.raises(ZeroDivisionError), step(app):
        orphan = keys.new_subject()
        lost = vault.put_sealed("badge", b"content", "image/jpeg").key_id
        raise ZeroDivisionError
    with step(app, MONDAY + 2 * DAY):
        young = keys.new_subject()
    with step(app, write=False):
        foreign = uuid.uuid4()  # of another portal, whose database is not this one
        with keystore.store().begin(write=True) as connection:
            connection.execute(
                sa.insert(keystore.item_key).values(
                    id=foreign, kind="subject", wrapped=b"x", wrap_key_id=2**31 - 1, created_at=MONDAY - 90 * DAY
                )
            )
        living = {
            (table, name): set(db.session.scalars(sa.text(f"SELECT {name} FROM {table}")))
            for table, name in keys.subject_columns
        }
        before = alive()
    assert {orphan, lost, young, foreign} <= before
    assert any(living.values())
    run_worker(app, MONDAY + 8 * DAY)
    with step(app, MONDAY + 8 * DAY, write=False):
        assert before - alive() == {orphan, lost}
        assert db.session.get_one(Registration, case.id).number == case.number
        assert vault.open_sealed(case.main(case.first))


def alive() -> set[uuid.UUID]:
    """Ids of the keys that have not been destroyed."""
    with keystore.store().begin(write=False) as connection:
        return set(
            connection.scalars(sa.select(keystore.item_key.c.id).where(keystore.item_key.c.wrapped.is_not(None)))
        )


def test_a_store_that_is_down_delays_an_erasure_and_loses_nothing(app: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Asked(app)

    def down(_key: str) -> None:
        raise Unavailable(code="file_store_down")

    with monkeypatch.context() as patch, clock.frozen(MONDAY + 30 * DAY):
        patch.setattr(app.extensions["file_store"], "delete", down, raising=True)
        jobs.run_worker(app, threading.Event(), once=True)
    with step(app, MONDAY + 30 * DAY, write=False):
        row = case.main(case.first)
        assert (row.erased_at is not None, row.purged_at) == (True, None)
        with pytest.raises(Gone):
            keystore.key(row.key_id)
        job = db.session.scalars(sa.select(Job).where(Job.kind == "files.erase", Job.last_error.is_not(None))).one()
        assert (job.state, job.last_error) == (JobState.READY, "file_store_down")
    with clock.frozen(MONDAY + 30 * DAY + MINUTE):
        jobs.run_worker(app, threading.Event(), once=True)
    with step(app, MONDAY + 30 * DAY, write=False):
        row = case.main(case.first)
        assert row.purged_at is not None
        assert not app.extensions["file_store"].exists(row.object_key)


def test_counted_tries_and_login_codes_go_when_they_are_of_no_use(app: Portal) -> None:
    run_worker(app, MONDAY)
    with app.app_context(), clock.frozen(MONDAY), evidence() as session:
        throttle.hit(session, "sample", "+8613800000001", [(3, timedelta(hours=1))])
    with step(app):
        codes.send_code("+8613800000001", Audience.SERVICE)
    for at, left in ((MONDAY + 50 * MINUTE, (1, 1)), (MONDAY + timedelta(hours=2), (0, 1)), (MONDAY + 2 * DAY, (0, 0))):
        run_worker(app, at)
        with step(app, at, write=False):
            counted = (sa.select(sa.func.count()).select_from(model) for model in (ThrottleHit, LoginCode))
            assert tuple(db.session.scalar(query) for query in counted) == left
