"""Class keys and the key store: creation under concurrency, rotation, closed failure, destruction."""

from __future__ import annotations

import secrets
import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask

from app.core import clock, keys
from app.core.db import db
from app.core.errors import Gone, Unavailable
from app.core.keys import DataKey, KeyState, Unreadable, cipher, keystore, rotation
from app.core.unit_of_work import unit_of_work
from tests.core.keyring_app import SampleSubject, make_app, sample_world

NOW = timedelta(0)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    with sample_world(tmp_path) as made:
        yield made


def _people(count: int) -> list[uuid.UUID]:
    with unit_of_work():
        rows = [
            SampleSubject(subject_id=subject, openid=f"openid-{n}", phone=f"+861380000{n:04}")
            for n, subject in enumerate(keys.new_subjects(count))
        ]
        db.session.add_all(rows)
        return [row.id for row in rows]


def _openids() -> set[str | None]:
    db.session.remove()
    return {row.openid for row in db.session.scalars(sa.select(SampleSubject))}


def _states(purpose: str) -> list[str]:
    db.session.remove()
    query = sa.select(DataKey.state).where(DataKey.purpose == purpose).order_by(DataKey.created_at)
    return list(db.session.scalars(query))


def test_a_ciphertext_has_the_documented_header_and_opens_only_in_its_place(app: Flask) -> None:
    row = uuid.uuid4()
    blob = keys.seal("note", "audit_note.text", row, b"text")
    assert blob[:2] == b"\x01\x01"
    assert int.from_bytes(blob[2:6], "big") == keys.ring().active("note").id
    assert len(blob) == 6 + 12 + 4 + 16
    assert keys.open("audit_note.text", row, blob) == b"text"
    for place, other in (("audit_note.other", row), ("audit_note.text", uuid.uuid4())):
        with pytest.raises(Unreadable):
            keys.open(place, other, blob)


@pytest.mark.parametrize("position", [0, 1, 5, 6, 17, 18, -1])
def test_one_flipped_bit_anywhere_is_refused(app: Flask, position: int) -> None:
    blob = bytearray(keys.seal("note", "t.c", 1, b"text"))
    blob[position] ^= 1
    with pytest.raises(Unreadable):
        keys.open("t.c", 1, bytes(blob))


@pytest.mark.parametrize(
    "blob", [b"", b"\x01", b"\x01\x01" + bytes(10), b"plain text that was never sealed at all....."]
)
def test_what_is_no_ciphertext_is_refused(app: Flask, blob: bytes) -> None:
    with pytest.raises(Unreadable):
        keys.open("t.c", 1, blob)


def test_another_key_under_the_same_id_fails_closed(app: Flask) -> None:
    key = keys.ring().active("note")
    forged = cipher.encrypt(AESGCM(secrets.token_bytes(32)), key.id, b"text", cipher.place_data("t.c", 1))
    with pytest.raises(Unreadable):
        keys.open("t.c", 1, forged)


@pytest.mark.slow
def test_a_hundred_thousand_nonces_are_all_different(app: Flask) -> None:
    key = keys.ring().active("note")
    assert len({cipher.encrypt(key.aead, key.id, b"", b"")[6:18] for _ in range(100_000)}) == 100_000


def test_an_undeclared_purpose_is_a_defect_that_shows_at_once(app: Flask) -> None:
    with pytest.raises(RuntimeError, match="not declared"):
        keys.mac("nobody:declared.this", b"x")


def test_class_keys_are_wrapped_and_shared_between_processes(app: Flask, tmp_path: Path) -> None:
    blob = keys.seal("note", "t.c", 1, b"text")
    stored = db.session.scalar(sa.select(DataKey).where(DataKey.purpose == "note"))
    assert stored is not None
    assert keys.ring().active("note").secret not in stored.wrapped
    with make_app(tmp_path).app_context():
        assert keys.open("t.c", 1, blob) == b"text"


def test_first_use_in_many_processes_at_once_makes_one_key_per_purpose(app: Flask, tmp_path: Path) -> None:
    apps = [make_app(tmp_path) for _ in range(6)]
    gate, found = threading.Barrier(len(apps)), []

    def first_use(app: Flask) -> None:
        with app.app_context():
            gate.wait()
            found.append((keys.ring().active("note").id, keys.mac("throttle", b"x")))

    threads = [threading.Thread(target=first_use, args=(app,)) for app in apps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(apps)
    assert len(set(found)) == 1


def test_keys_are_ready_before_a_write_transaction_takes_the_lock(app: Flask) -> None:
    with unit_of_work():
        db.session.execute(sa.delete(SampleSubject))  # holds SQLite's write lock from here on
        keys.mac("index:sample_subject.openid_sealed", b"x")


def test_first_use_inside_a_read_only_unit_of_work(app: Flask) -> None:
    with unit_of_work(write=False):
        assert db.session.scalars(sa.select(SampleSubject)).all() == []
        blob = keys.seal("answer", "t.c", 1, b"text")
    assert keys.open("t.c", 1, blob) == b"text"


def test_a_wrong_kek_opens_nothing_and_makes_nothing(app: Flask, tmp_path: Path) -> None:
    keys.mac("note", b"x")
    before = db.session.scalar(sa.select(sa.func.count()).select_from(DataKey))
    with make_app(tmp_path, kek=secrets.token_bytes(32)).app_context():
        with pytest.raises(Unreadable, match="PORTAL_KEK_OLD"):
            keys.mac("note", b"x")
        assert db.session.scalar(sa.select(sa.func.count()).select_from(DataKey)) == before


def test_the_kek_is_rotated_with_the_old_one_at_hand(app: Flask, tmp_path: Path) -> None:
    blob, old, new = keys.seal("note", "t.c", 1, b"text"), app.extensions["settings"].kek, secrets.token_bytes(32)
    with make_app(tmp_path, kek=new, kek_old=old).app_context():
        assert keys.open("t.c", 1, blob) == b"text"
        assert rotation.rewrap_class_keys() == len(keys.purposes)
        assert rotation.rewrap_class_keys() == 0
    with make_app(tmp_path, kek=new).app_context():
        assert keys.open("t.c", 1, blob) == b"text"


def test_rotation_seals_everything_again_and_retires_the_old_key(app: Flask) -> None:
    _people(7)
    before = _openids()
    old = keys.ring().active("class:identifier").id
    done = rotation.rotate("class:identifier", batch=3, grace=NOW)
    assert (done.changed, done.left, done.retired) == (7, 0, True)
    assert _states("class:identifier") == [KeyState.RETIRED, KeyState.ACTIVE]
    blobs = db.session.scalars(sa.select(SampleSubject.openid_sealed)).all()
    assert {cipher.key_id_of(blob) for blob in blobs if blob} == {keys.ring().active("class:identifier").id}
    assert keys.ring().active("class:identifier").id != old
    assert _openids() == before


def test_the_old_key_is_kept_through_the_grace_and_retires_in_a_later_run(app: Flask) -> None:
    _people(2)
    first = rotation.rotate("class:identifier")
    assert (first.changed, first.retired) == (2, False)
    with clock.advanced(rotation.GRACE + timedelta(seconds=1)):
        second = rotation.rotate("class:identifier")
    assert (second.changed, second.retired) == (0, True)
    assert len(_states("class:identifier")) == 2


class Killed(BaseException):
    """What kill -9 looks like from inside: nothing after it runs."""


def test_a_killed_rotation_is_readable_half_way_and_resumes(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    _people(9)
    before, real, calls = _openids(), rotation._apply, []

    def apply(*args: object) -> int:
        calls.append(args)
        if len(calls) == 5:  # in the middle of the second batch
            raise Killed
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(rotation, "_apply", apply)
    with pytest.raises(Killed):
        rotation.rotate("class:identifier", batch=3, grace=NOW)
    assert _openids() == before
    assert len({cipher.key_id_of(b) for b in db.session.scalars(sa.select(SampleSubject.openid_sealed)) if b}) == 2
    monkeypatch.setattr(rotation, "_apply", real)
    done = rotation.rotate("class:identifier", batch=3, grace=NOW)
    assert (done.changed, done.retired) == (6, True)  # the first three were done and are not done again
    assert _openids() == before


def test_rotation_does_not_overwrite_what_somebody_writes_meanwhile(app: Flask) -> None:
    (row_id,) = _people(1)
    rotation._start("class:identifier")
    seen = rotation._next_rows("sample_subject", "openid_sealed", None, 10)
    with unit_of_work():
        found = db.session.get(SampleSubject, row_id)
        assert found is not None
        found.openid = "newer"
    with unit_of_work():
        assert rotation._apply("sample_subject", "openid_sealed", seen[0], {"openid_sealed": b"stale"}) == 0
    assert _openids() == {"newer"}


def test_another_process_reads_what_was_sealed_after_its_keys_were_loaded(app: Flask, tmp_path: Path) -> None:
    other = make_app(tmp_path)
    with other.app_context():
        keys.mac("note", b"x")
    rotation.rotate("note", grace=NOW)
    blob = keys.seal("note", "t.c", 1, b"text")
    with other.app_context():
        assert keys.open("t.c", 1, blob) == b"text"


def test_wrap_keys_rotate_in_the_key_store(app: Flask) -> None:
    ids = keys.new_subjects(5)
    keystore.destroy(ids[:1])
    before = keystore.load(ids)
    done = rotation.rotate("wrap:subject", batch=2, grace=NOW)
    assert (done.changed, done.left, done.retired) == (4, 0, True)
    with unit_of_work(write=False):  # a new unit of work: nothing cached
        assert keystore.load(ids) == before


def test_reindex_keeps_look_ups_working_before_during_and_after(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    _people(6)
    real, calls = rotation._apply, []

    def apply(*args: object) -> int:
        calls.append(args)
        if len(calls) == 4:
            raise Killed
        return real(*args)  # type: ignore[arg-type]

    def found(n: int) -> int:
        db.session.remove()
        query = sa.select(SampleSubject).where(SampleSubject.phone.matches(f"1380000{n:04}"))
        return len(db.session.scalars(query.where(SampleSubject.phone.tail_matches(f"{n:04}"))).all())

    assert [found(n) for n in range(6)] == [1] * 6
    monkeypatch.setattr(rotation, "_apply", apply)
    with pytest.raises(Killed):
        rotation.reindex("sample_subject", "phone", batch=2)
    assert [found(n) for n in range(6)] == [1] * 6
    monkeypatch.setattr(rotation, "_apply", real)
    assert rotation.reindex("sample_subject", "phone", batch=2).retired
    assert [found(n) for n in range(6)] == [1] * 6
    assert len(keys.macs("index:sample_subject.phone_sealed", b"x")) == 1


def test_reindex_empties_the_index_of_an_erased_person(app: Flask) -> None:
    (row_id,) = _people(1)
    row = db.session.get(SampleSubject, row_id)
    assert row is not None and row.phone_index is not None and row.subject_id is not None
    keystore.destroy([row.subject_id])
    db.session.remove()
    rotation.reindex("sample_subject", "phone")
    row = db.session.get(SampleSubject, row_id)
    assert row is not None
    assert (row.phone_index, row.phone_tail) == (None, None)


def test_a_page_of_keys_is_one_statement_once_per_unit_of_work(app: Flask) -> None:
    ids = keys.new_subjects(50)
    statements: list[str] = []
    engine = keystore.store().engine
    sa.event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    for expected in (1, 2):
        with unit_of_work(write=False):
            assert len(keystore.load(ids)) == 50
            keystore.load(ids[:10])
            keystore.key(ids[0])
        assert len([s for s in statements if s.startswith("SELECT")]) == expected


def test_a_destroyed_key_is_gone_at_once_and_destroying_twice_is_no_error(app: Flask) -> None:
    key_id = keys.new_subject()
    assert len(keystore.key(key_id)) == 32
    assert keystore.destroy([key_id]) == 1
    assert keystore.destroy([key_id]) == 0
    with pytest.raises(Gone):
        keystore.key(key_id)
    assert keystore.load([key_id]) == {}
    with keystore.store().begin(write=False) as connection:
        assert connection.execute(sa.select(keystore.item_key.c.wrapped)).scalars().all() == [None]


def test_a_key_the_store_never_had_is_told_apart_from_a_destroyed_one(app: Flask) -> None:
    with pytest.raises(Unavailable) as refused:
        keystore.key(uuid.uuid4())
    assert refused.value.code == "key_missing"


def test_a_wrapped_key_moved_to_another_row_does_not_open(app: Flask) -> None:
    one, two = keys.new_subjects(2)
    table = keystore.item_key
    with keystore.store().begin(write=True) as connection:
        other = sa.select(table.c.wrapped).where(table.c.id == one).scalar_subquery()
        connection.execute(sa.update(table).where(table.c.id == two).values(wrapped=other))
    with unit_of_work(write=False), pytest.raises(Unreadable):
        keystore.key(two)


def test_the_key_store_is_written_while_the_main_transaction_runs_and_survives_its_rollback(app: Flask) -> None:
    made: list[uuid.UUID] = []
    with pytest.raises(ZeroDivisionError), unit_of_work():
        db.session.execute(sa.delete(SampleSubject))
        made.append(keys.new_subject())
        raise ZeroDivisionError
    assert len(keystore.key(made[0])) == 32


def test_orphans_are_swept_when_old_and_living_keys_stay(app: Flask) -> None:
    (row_id,) = _people(1)
    orphan = keys.new_subject()
    assert rotation.sweep() == 0  # too young to judge
    with clock.advanced(timedelta(hours=25)):
        assert rotation.sweep() == 1
    with pytest.raises(Gone):
        keystore.key(orphan)
    row = db.session.get(SampleSubject, row_id)
    assert row is not None
    assert row.phone == "+8613800000000"


def test_an_old_backup_beside_todays_key_store_stays_unreadable(app: Flask, tmp_path: Path) -> None:
    (row_id,) = _people(1)
    db.session.remove()
    tables = (DataKey.__table__, SampleSubject.__table__)
    backup = {table: db.session.execute(sa.select(table)).mappings().all() for table in tables}
    db.session.remove()
    row = db.session.get(SampleSubject, row_id)
    assert row is not None and row.subject_id is not None
    keystore.destroy([row.subject_id])
    restored = make_app(tmp_path, database_url=f"sqlite:///{tmp_path}/restored.db")
    with restored.app_context():
        for table, rows in backup.items():
            table.create(db.engine)
            with db.engine.begin() as connection:
                connection.execute(sa.insert(table), [dict(row) for row in rows])
        row = db.session.get(SampleSubject, row_id)
        assert row is not None and row.phone_sealed is not None
        assert row.openid == "openid-0"  # sealed by class: the backup itself is sound
        with pytest.raises(Gone):
            _ = row.phone


def test_the_key_store_file_is_its_owners_alone(app: Flask, tmp_path: Path) -> None:
    keys.new_subject()
    assert (tmp_path / "keys.db").stat().st_mode & 0o077 == 0


def test_a_key_store_that_is_down_is_unavailable_not_gone(app: Flask, tmp_path: Path) -> None:
    broken = make_app(tmp_path, keystore_url="postgresql+psycopg://nobody@127.0.0.1:1/none")
    with broken.app_context(), pytest.raises(Unavailable) as refused:
        keystore.key(uuid.uuid4())
    assert refused.value.code == "key_store_down"


def test_the_command_rotates_and_names_a_wrong_purpose(app: Flask) -> None:
    run = app.test_cli_runner().invoke
    assert "old key retired" in run(args=["keys", "rotate", "--purpose", "note", "--grace", "0"]).output
    wrong = run(args=["keys", "rotate", "--purpose", "nothing"])
    assert wrong.exit_code == 1
    assert "no such purpose" in wrong.output
    assert "no sealed attribute" in run(args=["keys", "reindex", "sample_subject", "nothing"]).output
    assert "destroyed: 0" in run(args=["keys", "sweep"]).output
