"""Backup and restore, for real, on both databases: what was erased stays erased, and a bad backup changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from app.cli.backup import keyfile, manifest, objects, restore, restored, seal
from app.core import clock, keys, outbox
from app.core.db import db
from app.core.errors import Gone
from app.core.files import vault
from app.core.keys import keystore, ledger
from app.core.outbox import Message
from app.core.web import Portal
from app.customers.models import Customer
from app.registrations import service
from app.registrations.models import Registration, RegistrationEvent
from app.staff.models import StaffSession
from tests.databases import POSTGRES, let_go
from tests.factories import staff
from tests.features.registrations import story as stories
from tests.features.registrations.story import MONDAY
from tests.features.registrations.test_erasure import Asked, run_worker, step

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def own_shelves(app: Portal, stage: Any) -> None:
    """Checkpoints and former databases of earlier tests are not ours."""
    folder = stage[1].folder
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    for left in folder.glob("*.before-*"):
        left.unlink()


def run(app: Portal, *words: str | Path, at: Any = MONDAY, code: int = 0) -> str:
    """A command at a frozen time; its whole output."""
    with app.app_context():
        let_go()
    with clock.frozen(at):
        done = app.test_cli_runner().invoke(args=[str(word) for word in words])
    assert done.exit_code == code, (done.output, done.exception)
    with app.app_context():
        let_go()
    return done.output


def made(app: Portal, folder: Path, *kind: str, at: Any = MONDAY) -> Path:
    """A backup of now; its folder."""
    run(app, "backup", *kind, "create", "--to", folder, at=at)
    return next(folder.glob(f"portal-*-{at:%Y%m%dT%H%M%S}Z"))


def rows(app: Portal) -> dict[str, int]:
    """How many rows each table holds."""
    with step(app, write=False):
        return {
            table.name: db.session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in (Registration.__table__, RegistrationEvent.__table__, Customer.__table__)
        }


def test_10_a_restore_of_last_weeks_backup_cannot_decrypt_what_was_erased_since(app, tmp_path):
    case = Asked(app)
    reviewer = staff.member(app, "reviewer")
    run(app, "audit", "checkpoint")
    backup = made(app, tmp_path / "backups", at=MONDAY + 29 * DAY)
    later = MONDAY + 31 * DAY
    run_worker(app, later)  # erases the first photo, writes checkpoints beyond the backup
    with step(app, later, write=False):
        gone, object_key = case.main(case.first).erased_at, case.main(case.first).object_key
        assert gone is not None
    said = run(app, "backup", "restore", backup, "--replace", at=later + DAY)
    assert "erased since and erased again: 2 keys" in said
    assert "audit log verified" in said
    with step(app, later + DAY, write=False):
        row = case.main(case.first)
        assert (row.erased_at, row.sha256) == (gone, None)  # replay has marked it, at the instant of the erasure
        with pytest.raises(Gone):
            keystore.key(row.key_id)
        assert not app.extensions["file_store"].exists(object_key)
        assert vault.open_sealed(case.main(case.second)).startswith(b"\xff\xd8\xff")
    with clock.frozen(later + DAY):
        with app.app_context(), restore.unit_of_work():
            service.claim_next(reviewer)
        client = staff.client_of(app, reviewer.id)
        assert client.get(case.url(case.first)).status_code == 410
        assert client.get(case.url(case.second)).status_code == 200
    run_worker(app, later + 2 * DAY)  # the hourly checkpoint and the daily verification go on
    assert run(app, "audit", "verify", at=later + 2 * DAY).startswith("ok")
    with step(app, later + 2 * DAY, write=False):
        assert case.main(case.first).purged_at is not None


def test_without_the_ledger_the_row_would_believe_that_its_photo_is_there(app, tmp_path, monkeypatch):
    """The same story with the replay taken out: what the acceptance test sees is the ledger's doing."""
    case = Asked(app)
    backup = made(app, tmp_path, at=MONDAY + DAY)
    with step(app, MONDAY + 2 * DAY):  # an erasure that no date in the backup foretells
        vault.erase(case.main(case.first))
    monkeypatch.setattr(vault, "replay", lambda _destroyed: 0)
    run(app, "backup", "restore", backup, "--replace", at=MONDAY + 3 * DAY)
    with step(app, MONDAY + 3 * DAY, write=False):
        assert case.main(case.first).erased_at is None
        with pytest.raises(Gone):
            vault.open_sealed(case.main(case.first))  # even so nobody reads it


def test_a_restore_brings_everything_back_as_it_was(app, tmp_path):
    case = Asked(app)
    before, backup = rows(app), made(app, tmp_path)
    with step(app):
        db.session.execute(sa.update(Registration).values(hospital_text="改动过的名字"))
        told = stories.Story(*db.session.execute(sa.select(Registration.hospital_id, Registration.department_id)).one())
        told.case()
        store, stored = app.extensions["file_store"], case.main(case.second)
        store.delete(stored.object_key)
    said = run(app, "backup", "restore", backup, "--replace", at=MONDAY + DAY)
    assert "1 put back" in said and "3 were there" in said
    assert rows(app) == before
    with step(app, write=False):
        assert db.session.get_one(Registration, case.id).hospital_text == "华东第一示范医院"
        assert vault.open_sealed(case.main(case.second)).startswith(b"\xff\xd8\xff")
    with step(app):  # sequences, triggers and foreign keys came back too
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), db.session.begin_nested():
            db.session.execute(sa.text("DELETE FROM audit_event"))
        with pytest.raises(sa.exc.IntegrityError), db.session.begin_nested():
            db.session.execute(sa.text("UPDATE submission SET registration_id = :i"), {"i": uuid.uuid4().hex})
    kept = said.split("is kept as ")[1].split(";")[0]
    if POSTGRES:
        with step(app, write=False):
            assert db.session.scalar(sa.text("SELECT count(*) FROM pg_namespace WHERE nspname = :n"), {"n": kept[7:]})
    else:
        assert Path(kept).stat().st_size > 0


def test_a_restore_into_an_empty_database_needs_no_leave(app, tmp_path, stage):
    case = Asked(app)
    backup = made(app, tmp_path)
    with app.app_context():
        let_go()
    if POSTGRES:
        with psycopg.connect(stage[1].url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
    else:
        (stage[1].folder / "portal.db").unlink()
    said = run(app, "backup", "restore", backup, at=MONDAY + DAY)
    assert "is kept as" not in said
    with step(app, write=False):
        assert db.session.get_one(Registration, case.id).number == case.number


def test_nobody_stays_signed_in_and_nothing_is_sent_twice(app, tmp_path):
    client = staff.signed_in(app, "reviewer")
    with step(app):
        subject = keys.new_subject()
        outbox.register_purpose("sample", lambda *_a: True)
        for number, hours in ((1, 0), (2, 48)):
            db.session.add(
                Message(
                    template="login_code", purpose="sample", channel="sms", fallbacks=[], subject_id=subject,
                    dedupe_key=f"k{number}", state="waiting", not_before=MONDAY + hours * 60 * MINUTE, created_at=MONDAY,
                )
            )  # fmt: skip
    backup = made(app, tmp_path)
    said = run(app, "backup", "restore", backup, "--replace", at=MONDAY + DAY)
    assert "messages that wait for a person: 1" in said
    with step(app, MONDAY + DAY, write=False):
        states = dict(db.session.execute(sa.select(Message.dedupe_key, Message.state)).tuples().all())
        assert states == {"k1": "unknown", "k2": "waiting"}
        assert db.session.scalar(sa.select(sa.func.count()).where(StaffSession.ended_at.is_(None))) == 0
    assert client.get("/").status_code in (302, 303, 401)


def test_the_replay_forgets_the_indexes_of_erased_persons_and_runs_twice(app):
    case = Asked(app)
    with step(app):
        person = db.session.scalars(sa.select(Customer)).one()
        assert person.phone_index is not None
        keystore.destroy([person.subject_id])
    for expected in (True, False):
        with step(app):
            changed = ledger.replay().changed
            assert (changed["indexes"] > 0) is expected
    with step(app, write=False):
        person = db.session.scalars(sa.select(Customer)).one()
        assert (person.phone_index, person.phone_tail) == (None, None)
        assert db.session.get_one(Registration, case.id).name_index is None


# --- backups that are none -------------------------------------------------------------------------------------------


def refused(app: Portal, folder: Path, words: str, *more: str, kind: tuple[str, ...] = ()) -> None:
    """The restore says ``words`` and changes nothing."""
    before = rows(app)
    said = run(
        app, "backup", *kind, "restore", folder, "--replace" if not kind else "--force", *more, at=MONDAY + DAY, code=1
    )
    assert words in said, said
    assert rows(app) == before


def test_half_a_backup_a_changed_one_or_none_is_refused_before_anything_is_touched(app, tmp_path):
    Asked(app)
    backup = made(app, tmp_path / "good")

    def broken(change: Callable[[Path], None], words: str) -> None:
        copy = tmp_path / "bad"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(backup, copy)
        change(copy)
        refused(app, copy, words)

    sealed = sorted(path.name for path in backup.glob("*.sealed"))
    assert len(sealed) >= 2
    for name in (sealed[0], sealed[-1]):
        broken(lambda folder, n=name: _flip(folder / n), f"{name} is not what the manifest says")
        broken(lambda folder, n=name: (folder / n).unlink(), "half a backup")
        broken(lambda folder, n=name: os.truncate(folder / n, 20), "is not what the manifest says")
    broken(lambda folder: (folder / manifest.NAME).unlink(), "no complete backup")
    broken(lambda folder: (folder / manifest.NAME).write_text("{"), "changed or damaged")
    for change in ({"made_at": "2020-01-01T00:00:00+00:00"}, {"revision": "0001"}, {"objects": 0}, {"files": []}):
        broken(lambda folder, c=change: _edit(folder, **c), "manifest was changed")
    broken(lambda folder: _edit(folder, format=99), "format 99")
    broken(lambda folder: _edit(folder, key="AAAA"), "changed or damaged")
    one = next(path for path in sorted((backup / objects.FOLDER).rglob("*")) if path.is_file())
    inside = one.relative_to(backup)
    broken(lambda folder: _flip(folder / inside), "is not what the backup says")
    broken(lambda folder: (folder / inside).unlink(), "half a backup")
    refused(app, tmp_path / "nowhere", "there is no folder")
    refused(app, tmp_path / "good", "name one of them")
    refused(app, backup, "of kind main", kind=("keys",))


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _edit(folder: Path, **values: Any) -> None:
    path = folder / manifest.NAME
    outer = json.loads(path.read_text())
    outer["backup"].update(values)
    path.write_text(json.dumps(outer))


def _sign_again(app: Portal, folder: Path, **values: Any) -> None:
    """A whole, genuine manifest that says something else: what only the portal itself could have written."""
    sealing = app.extensions["settings"].backup_key
    opened = manifest.open_backup(folder, "main", sealing)
    for name, value in values.items():
        setattr(opened.manifest, name, value)
    (folder / manifest.NAME).unlink()
    manifest.save(folder, opened.manifest, opened.key, sealing)


def test_another_version_database_or_key_is_named(app, tmp_path, monkeypatch):
    Asked(app)
    backup = made(app, tmp_path)
    other = "sqlite" if POSTGRES else "postgresql"
    for values, words in (({"revision": "9999"}, "another version"), ({"dialect": other}, f"made on {other}")):
        copy = tmp_path / f"other-{words[:4]}"
        shutil.copytree(backup, copy)
        _sign_again(app, copy, **values)
        refused(app, copy, words)
    from dataclasses import replace

    settings = app.extensions["settings"]
    monkeypatch.setitem(app.extensions, "settings", replace(settings, backup_key=bytes(32)))
    refused(app, backup, "another PORTAL_BACKUP_KEY")
    monkeypatch.setitem(app.extensions, "settings", replace(settings, backup_key=None))
    refused(app, backup, "PORTAL_BACKUP_KEY is missing")
    monkeypatch.setitem(app.extensions, "settings", settings)
    said = run(app, "backup", "restore", backup, code=1)
    assert "not empty" in said


def test_a_running_portal_is_refused(app, tmp_path, stage):
    Asked(app)
    backup = made(app, tmp_path)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, app.extensions["settings"].database_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdin is not None and holder.stdout is not None
    try:
        assert holder.stdout.readline() == b"open\n"
        refused_while(app, backup)
    finally:
        holder.communicate(b"\n", timeout=60)
    run(app, "backup", "restore", backup, "--replace", at=MONDAY + DAY)


HOLD = """
import sys, sqlalchemy as sa
with sa.create_engine(sys.argv[1]).connect() as connection:
    connection.execute(sa.text("SELECT count(*) FROM registration")).scalar_one()
    print("open", flush=True)
    sys.stdin.readline()
"""


def refused_while(app: Portal, backup: Path) -> None:
    said = run(app, "backup", "restore", backup, "--replace", at=MONDAY + DAY, code=1)
    assert "the portal is running" in said


def _in_child(app: Portal, moment: str, argument: object, at: Any) -> str:
    """What `tests.features.backup.dying` said, or ``killed``."""
    settings = app.extensions["settings"]
    environ = {
        **os.environ, "PORTAL_ENV": "test", "PORTAL_INSTANCE": str(settings.instance),
        "PORTAL_DATABASE_URL": settings.database_url,
    }  # fmt: skip
    with app.app_context():
        let_go()
    command = [sys.executable, "-m", "tests.features.backup.dying", moment, at.isoformat(), str(argument)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)
    return "killed" if done.returncode == -signal.SIGKILL else done.stdout + done.stderr


@pytest.mark.parametrize("moment", ["load", "write_restored", "settle", "put_back", "switch"])
def test_a_restore_killed_at_any_moment_leaves_the_portal_as_it_was(app, tmp_path, moment):
    case = Asked(app)
    run(app, "audit", "checkpoint")
    backup = made(app, tmp_path)
    with step(app, MONDAY + DAY):
        told = stories.Story(*db.session.execute(sa.select(Registration.hospital_id, Registration.department_id)).one())
        told.case()
    run(app, "audit", "checkpoint", at=MONDAY + DAY)
    before = rows(app)
    assert _in_child(app, moment, backup, MONDAY + DAY) == "killed"
    assert rows(app) == before
    assert run(app, "audit", "verify", at=MONDAY + 2 * DAY).startswith("ok")
    run(app, "backup", "restore", backup, "--replace", at=MONDAY + 2 * DAY)
    assert rows(app) != before
    run_worker(app, MONDAY + 3 * DAY)
    assert run(app, "audit", "verify", at=MONDAY + 3 * DAY).startswith("ok")
    with step(app, write=False):
        assert db.session.get_one(Registration, case.id).number == case.number


def test_no_room_leaves_no_half_backup(app, tmp_path):
    Asked(app)
    assert "Error: " in _in_child(app, "room", tmp_path / "small", MONDAY)
    assert list((tmp_path / "small").iterdir()) == []
    (tmp_path / "file").write_text("no folder")
    assert "cannot write" in run(app, "backup", "create", "--to", tmp_path / "file", code=1)


def test_what_a_killed_backup_left_goes_with_the_next_and_is_never_restored(app, tmp_path):
    Asked(app)
    half = tmp_path / ".portal-main-20200101T000000Z.partial"
    half.mkdir()
    refused(app, half, "no complete backup")
    made(app, tmp_path)
    assert not half.exists()


def test_a_backup_holds_nothing_readable_and_no_key(app, tmp_path):
    Asked(app)
    backup = made(app, tmp_path)
    assert oct(backup.stat().st_mode)[-3:] == "700"
    with app.app_context(), keystore.store().begin(write=False) as connection:
        secrets = [row.wrapped for row in connection.execute(sa.select(keystore.item_key))]
    for path in backup.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert "华东第一示范医院".encode() not in data
            assert not any(secret in data for secret in secrets)


def test_an_erasure_that_a_crash_cut_off_is_finished_before_its_database_is_replaced(app, tmp_path):
    """Committed, not destroyed, and the only database that knows is about to be replaced."""
    case = Asked(app)
    backup = made(app, tmp_path)
    with step(app, write=False):
        file_id = case.main(case.first).id
    assert _in_child(app, "erase", file_id, MONDAY + MINUTE) == "killed"
    with step(app, MONDAY + MINUTE, write=False):
        row = case.main(case.first)
        assert row.erased_at is not None and keystore.key(row.key_id)
    run(app, "backup", "restore", backup, "--replace", at=MONDAY + DAY)
    with step(app, MONDAY + DAY, write=False), pytest.raises(Gone):
        keystore.key(case.main(case.first).key_id)


def test_kill_9_between_commit_and_key_destruction_is_completed_by_the_job(app):
    case = Asked(app)
    with step(app, write=False):
        stored = case.main(case.first)
        file_id, key_id, object_key = stored.id, stored.key_id, stored.object_key
    assert _in_child(app, "erase", file_id, MONDAY + MINUTE) == "killed"
    with step(app, MONDAY + MINUTE, write=False):
        assert keystore.key(key_id)
        with pytest.raises(Gone):  # nobody reads it meanwhile
            vault.open_sealed(case.main(case.first))
    run_worker(app, MONDAY + 11 * MINUTE)
    with step(app, MONDAY + 11 * MINUTE, write=False):
        with pytest.raises(Gone):
            keystore.key(key_id)
        assert not app.extensions["file_store"].exists(object_key)
        assert case.main(case.first).purged_at is not None


# --- keys ------------------------------------------------------------------------------------------------------------


@contextmanager
def lost_store(app: Portal, stage: Any) -> Iterator[None]:
    app.extensions.pop("key_store").engine.dispose()
    for tail in ("", "-wal", "-shm"):
        (stage[1].folder / f"keys.db{tail}").unlink(missing_ok=True)
    yield


def test_keys_come_back_from_their_own_backup_and_a_tombstone_always_wins(app, tmp_path, stage):
    case = Asked(app)
    backup = made(app, tmp_path, "keys")
    with step(app, MONDAY + DAY):
        vault.erase(case.main(case.first))
    said = run(app, "backup", "keys", "restore", backup, at=MONDAY + 2 * DAY)
    assert said.startswith("0 keys and tombstones added, 1 stay destroyed")
    with step(app, write=False), pytest.raises(Gone):
        keystore.key(case.main(case.first).key_id)
    with app.app_context():
        let_go()
    with lost_store(app, stage):  # tombstones and all: the main database still knows
        said = run(app, "backup", "keys", "restore", backup, at=MONDAY + 2 * DAY)
    assert "1 destroyed again" in said
    with step(app, write=False):
        with pytest.raises(Gone):
            keystore.key(case.main(case.first).key_id)
        assert vault.open_sealed(case.main(case.second))


def test_old_keys_are_refused_with_the_reason_and_go_by_themselves(app, tmp_path):
    Asked(app)
    old = made(app, tmp_path, "keys")
    said = run(app, "backup", "keys", "restore", old, at=MONDAY + keyfile.CYCLE + MINUTE, code=1)
    assert "7 days old" in said and "--force" in said
    run(app, "backup", "keys", "restore", old, at=MONDAY + keyfile.CYCLE)
    run(app, "backup", "keys", "restore", old, "--force", at=MONDAY + 30 * DAY)
    fresh = made(app, tmp_path, "keys", at=MONDAY + 8 * DAY)
    assert [path.name for path in tmp_path.iterdir()] == [fresh.name]


def test_a_restore_beside_a_strange_key_store_is_refused(app, tmp_path, stage):
    Asked(app)
    backup = made(app, tmp_path)
    with app.app_context():
        let_go()
    with lost_store(app, stage):
        before = rows(app)
        said = run(app, "backup", "restore", backup, "--replace", at=MONDAY + DAY, code=1)
    assert "knows none of the keys" in said
    assert rows(app) == before


# --- sealed files ----------------------------------------------------------------------------------------------------


@pytest.mark.pure
@pytest.mark.parametrize("size", [0, 1, seal.PIECE - 1, seal.PIECE, seal.PIECE + 1, 3 * seal.PIECE + 7])
def test_sealed_files_come_back_whole_and_open_nowhere_else(tmp_path, size):
    key, data = os.urandom(32), os.urandom(size)
    parts = [data[start : start + 70_000] for start in range(0, size, 70_000)]
    written = seal.write(tmp_path, "one", key, iter(parts))
    assert seal.digest_of(tmp_path / "one") == (written.size, written.sha256)
    assert b"".join(seal.read(tmp_path, "one", key)) == data
    shutil.copy(tmp_path / "one", tmp_path / "two")
    for name, with_key in (("two", key), ("one", os.urandom(32))):
        with pytest.raises(seal.BackupError):
            list(seal.read(tmp_path, name, with_key))
    with open(tmp_path / "one", "rb+") as out:
        out.truncate(max(10, written.size - seal.PIECE - seal.TAG))
    with pytest.raises(seal.BackupError):
        list(seal.read(tmp_path, "one", key))


def test_what_a_restore_settles_is_in_the_audit_log(app, tmp_path):
    Asked(app)
    backup = made(app, tmp_path)
    run(app, "backup", "restore", backup, "--replace", at=MONDAY + DAY)
    with step(app, write=False):
        told = db.session.execute(sa.text("SELECT event FROM audit_event ORDER BY id DESC LIMIT 2")).scalars().all()
    assert told == ["erasure.replayed", "backup.restored"]
    assert restored.settle is not None
