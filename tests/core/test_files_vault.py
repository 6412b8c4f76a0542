"""The file store and the vault: own keys, Gone after erasure, clean rollbacks, crash in the middle of an erasure."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import clock, files
from app.core.db import db
from app.core.errors import Gone, Unavailable
from app.core.files import StoredFile, vault
from app.core.files.stores import new_object_key, open_store
from app.core.keys import Unreadable, keystore
from app.core.unit_of_work import unit_of_work
from config import ConfigError
from tests.core.keyring_app import sample_world

CONTENT = b"content of a sample image " * 100


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    with sample_world(tmp_path) as made:
        yield made


def _put(kind: str = "badge", **options: object) -> uuid.UUID:
    with unit_of_work():
        return vault.put_sealed(kind, CONTENT, "image/jpeg", **options).id  # type: ignore[arg-type]


def _load(file_id: uuid.UUID) -> StoredFile:
    db.session.remove()
    row = db.session.get(StoredFile, file_id)
    assert row is not None
    return row


def _objects(folder: Path) -> list[Path]:
    return [path for path in (folder / "files").rglob("*") if path.is_file()]


def test_what_was_put_comes_back_and_the_disk_holds_ciphertext_only(app: Flask, tmp_path: Path) -> None:
    row = _load(_put())
    assert vault.open_sealed(row) == CONTENT
    assert (row.size, row.media_type, len(row.sha256 or b"")) == (len(CONTENT), "image/jpeg", 32)
    (stored,) = _objects(tmp_path)
    assert b"sample" not in stored.read_bytes()
    assert stored.name == row.object_key.split("/")[1]


def test_every_file_has_a_key_of_its_own(app: Flask) -> None:
    assert _load(_put()).key_id != _load(_put()).key_id


def test_a_rollback_leaves_no_object(app: Flask, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), unit_of_work():
        vault.put_sealed("badge", CONTENT, "image/jpeg")
        assert len(_objects(tmp_path)) == 1
        raise ZeroDivisionError
    assert _objects(tmp_path) == []


@pytest.mark.parametrize("position", [0, 3, 10, 500, -1])
def test_a_flipped_bit_on_disk_is_refused(app: Flask, tmp_path: Path, position: int) -> None:
    row = _load(_put())
    (stored,) = _objects(tmp_path)
    data = bytearray(stored.read_bytes())
    data[position] ^= 1
    stored.write_bytes(bytes(data))
    with pytest.raises(Unreadable):
        vault.open_sealed(row)


def test_swapped_objects_and_changed_kinds_are_refused(app: Flask, tmp_path: Path) -> None:
    ids = _put(), _put()
    db.session.remove()
    one, two = (db.session.get_one(StoredFile, file_id) for file_id in ids)
    one.object_key = two.object_key
    with pytest.raises(Unreadable):
        vault.open_sealed(one)
    one.key_id = two.key_id  # even with the other's key: the id is part of the seal
    with pytest.raises(Unreadable):
        vault.open_sealed(one)
    two.kind = "export"
    with pytest.raises(Unreadable):
        vault.open_sealed(two)


def test_erased_is_gone_at_once_and_really(app: Flask, tmp_path: Path) -> None:
    file_id = _put()
    for _twice in range(2):
        with unit_of_work():
            row = _load(file_id)
            vault.erase(row)
            with pytest.raises(Gone):
                vault.open_sealed(row)
    row = _load(file_id)
    assert row.sha256 is None
    assert _objects(tmp_path) == []
    with pytest.raises(Gone):
        keystore.key(row.key_id)


def test_an_erasure_that_rolls_back_destroys_nothing(app: Flask) -> None:
    file_id = _put()
    with pytest.raises(ZeroDivisionError), unit_of_work():
        vault.erase(_load(file_id))
        raise ZeroDivisionError
    assert vault.open_sealed(_load(file_id)) == CONTENT


def test_from_its_date_on_a_file_is_gone_before_the_job_comes_by(app: Flask, tmp_path: Path) -> None:
    file_id = _put(erase_at=clock.now() + timedelta(days=30))
    assert vault.open_sealed(_load(file_id)) == CONTENT
    with clock.advanced(timedelta(days=31)):
        with pytest.raises(Gone):
            vault.open_sealed(_load(file_id))
        for expected in (1, 0):
            with unit_of_work():
                assert vault.erase_due() == expected
    assert _objects(tmp_path) == []


class Killed(BaseException):
    """kill -9 between the commit and what follows it."""


def test_an_erasure_cut_off_after_the_commit_is_finished_by_the_job(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_id = _put()

    def killed(_ids: object) -> int:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(keystore, "destroy", killed)
        with unit_of_work():
            vault.erase(_load(file_id))
    with pytest.raises(Gone):
        vault.open_sealed(_load(file_id))
    assert len(_objects(tmp_path)) == 1
    for expected in (1, 0):
        with unit_of_work():
            assert vault.finish_erasures() == expected
    assert _objects(tmp_path) == []
    row = _load(file_id)
    assert row.purged_at is not None
    with pytest.raises(Gone):
        keystore.key(row.key_id)


def test_a_copy_of_the_object_without_its_key_is_unreadable(app: Flask, tmp_path: Path) -> None:
    file_id = _put()
    (stored,) = _objects(tmp_path)
    copy = stored.read_bytes()
    with unit_of_work():
        vault.erase(_load(file_id))
    stored.write_bytes(copy)
    with unit_of_work():
        db.session.execute(sa.update(StoredFile).values(erased_at=None))  # as an old backup would say
    with pytest.raises(Gone):
        vault.open_sealed(_load(file_id))


def test_a_lost_object_is_gone(app: Flask, tmp_path: Path) -> None:
    row = _load(_put())
    _objects(tmp_path)[0].unlink()
    with pytest.raises(Gone) as refused:
        vault.open_sealed(row)
    assert refused.value.code == "file_gone"


def test_the_store_creates_only_and_deleting_twice_is_no_error(app: Flask) -> None:
    store, key = files.store(), new_object_key()
    store.put(key, b"one")
    with pytest.raises(FileExistsError):
        store.put(key, b"two")
    assert (store.get(key), store.exists(key)) == (b"one", True)
    store.delete(key)
    store.delete(key)
    assert not store.exists(key)
    with pytest.raises(Gone):
        store.get(key)


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "/etc/passwd", "ab/badge.jpg", "ab/" + "A" * 64, "a\0b"])
def test_names_that_are_not_random_are_refused(app: Flask, key: str) -> None:
    for act in (files.store().get, files.store().delete, files.store().exists):
        with pytest.raises(ValueError, match="not a key"):
            act(key)
    with pytest.raises(ValueError, match="not a key"):
        files.store().put(key, b"")


def test_the_folder_is_its_owners_alone(app: Flask, tmp_path: Path) -> None:
    _put()
    assert os.stat(tmp_path / "files").st_mode & 0o077 == 0


def test_a_store_that_is_down_is_unavailable() -> None:
    store = open_store("s3://bucket?endpoint=http://127.0.0.1:9&region=cn-local", "a", "b")
    key = new_object_key()
    for act in (
        lambda: store.put(key, b"x"),
        lambda: store.get(key),
        lambda: store.exists(key),
        lambda: store.delete(key),
    ):
        with pytest.raises(Unavailable) as refused:
            act()
        assert refused.value.code == "file_store_down"


@pytest.mark.parametrize(
    "url", ["ftp://x", "s3://", "s3://bucket", "s3://bucket?endpoint=http://127.0.0.1:9", "/plain"]
)
def test_an_unusable_store_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="PORTAL_STORAGE_URL"):
        open_store(url)


def test_an_unwritable_folder_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    with pytest.raises(ConfigError, match="cannot write to"):
        open_store(f"file://{tmp_path}/taken/files")
